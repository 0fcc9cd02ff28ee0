"""API keys: their form, their look-up by the authorizer, making and revoking them."""
