"""The kernel's own audit actions. Those of a domain stand in its `declared` module."""

from parley.kernel.values.declarations import AuditAction


class SecurityAction:
    UNAUTHORIZED_ACCESS_ATTEMPTED = AuditAction("security.unauthorized_access_attempted")
    RATE_LIMIT_EXCEEDED = AuditAction("security.rate_limit_exceeded")
    SUSPICIOUS_ACTIVITY_SEEN = AuditAction("security.suspicious_activity_seen")
