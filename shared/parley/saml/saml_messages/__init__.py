"""SAML on the wire: XML read safely, signatures, certificates, metadata, requests and responses. No database, no tenant."""
