"""What others read of scim: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import AuditAction, Scope


class ScimAction:
    API_KEY_APPROVED = AuditAction("api_key.approved")


SCOPES = (
    Scope("scim:manage", "Set up provisioning with SCIM.", "ADMIN"),
    Scope("scim:provision", "Provision users and groups through SCIM.", "ADMIN"),
)
