"""A log-in with SAML from the request to the session: the assertion consumer, attributes, accounts made just in time."""
