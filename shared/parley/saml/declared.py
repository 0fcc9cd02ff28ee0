"""What others read of saml: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import AuditAction, Scope


class SamlAction:
    SAML_CONNECTION_CREATED = AuditAction("saml_connection.created")
    SAML_CONNECTION_PROPOSED = AuditAction("saml_connection.proposed")
    SAML_CONNECTION_UPDATED = AuditAction("saml_connection.updated")
    SAML_CONNECTION_APPROVED = AuditAction("saml_connection.approved")
    SAML_CONNECTION_DELETED = AuditAction("saml_connection.deleted")
    SAML_DOMAIN_VERIFIED = AuditAction("saml_domain.verified")
    SAML_DOMAIN_LOST = AuditAction("saml_domain.lost")


SCOPES = (
    Scope("sso:manage", "Set up single sign-on with SAML.", "ADMIN"),
    Scope("sso:approve", "Agree to a connection of SAML or a token of SCIM that somebody else has set up.", "OWNER"),
)
