"""What others read of scim: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import AuditAction


class ScimAction:
    API_KEY_APPROVED = AuditAction("api_key.approved")
