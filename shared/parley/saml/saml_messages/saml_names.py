"""The names of SAML 2.0 (OASIS saml-core-2.0-os, saml-bindings-2.0-os, saml-metadata-2.0-os)."""

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"

NAME_ID_FORMATS = {
    "EMAIL_ADDRESS": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "PERSISTENT": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "UNSPECIFIED": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
}
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
