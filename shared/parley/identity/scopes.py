"""Which scopes a role brings. A scope is `resource:action`; `resource:*` and `*` cover more."""

_READ = "bookings:read schedules:read event_types:read connections:read conversations:read messages:read meetings:read recordings:read"
_WRITE = (
    "bookings:write schedules:write event_types:write conversations:write messages:write meetings:write recordings:write uploads:create"
)

SCOPES: dict[str, frozenset[str]] = {
    "OWNER": frozenset({"*"}),
    "ADMIN": frozenset({"*"}),
    "MEMBER": frozenset(f"{_READ} {_WRITE}".split()),
    "VIEWER": frozenset(_READ.split()),
}
"""By the name of the role (`MemberRole`). A member works with connections that an administrator has made."""
