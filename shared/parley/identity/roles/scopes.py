"""The catalogue of scopes, for people and keys alike. A scope is `resource:action`; `resource:*` covers a resource, `*` everything.

A role is a set of scopes, and so is a group that an API key can be made with. A route says in its handler which one it needs.
"""

from collections.abc import Iterable

CATALOGUE: dict[str, str] = {
    # The organization and its people.
    "organization:read": "See the organization's profile and limits.",
    "organization:write": "Change the organization's profile.",
    "organization:delete": "Delete and restore the organization.",
    "organization:transfer": "Make another member the owner.",
    "billing:manage": "Choose the plan.",
    "members:read": "See who belongs to the organization.",
    "members:write": "Change roles, remove members, end their sessions.",
    "teams:read": "See teams and who is in them.",
    "teams:write": "Create, change and delete teams, and choose who is in them.",
    "invitations:read": "See invitations.",
    "invitations:write": "Invite, and take invitations back.",
    "api_keys:manage": "Create, regenerate and revoke API keys.",
    "sso:manage": "Set up single sign-on with SAML.",
    "sso:approve": "Agree to a connection of SAML or a token of SCIM that somebody else has set up.",
    "scim:manage": "Set up provisioning with SCIM.",
    "scim:provision": "Provision users and groups through SCIM.",
    # Evidence and limits.
    "audit_logs:read": "Read the audit trail.",
    "usage:read": "See what was used.",
    "rate_limits:manage": "Change limits of projects and keys.",
    # Storage.
    "files:read": "Read files.",
    "files:write": "Change files.",
    "files:delete": "Delete files.",
    "projects:read": "See projects.",
    "projects:write": "Create, change and delete projects.",
    "transforms:read": "See transforms.",
    "transforms:create": "Define transforms.",
    "transforms:request": "Ask for transformed files.",
    "transforms:delete": "Delete transforms.",
    "uploads:create": "Upload.",
    "uploads:init": "Begin an upload.",
    "uploads:complete": "Complete an upload.",
    # Scheduling.
    "bookings:read": "See bookings.",
    "bookings:write": "Make and change bookings.",
    "invitees:erase": "Erase what is known of an invitee.",
    "schedules:read": "See availability schedules.",
    "schedules:write": "Change availability schedules.",
    "event_types:read": "See event types.",
    "event_types:write": "Change event types.",
    "routing_forms:read": "See routing forms.",
    "routing_forms:write": "Change routing forms.",
    "routing_submissions:read": "See what people answered to routing forms.",
    "workflows:read": "See workflows, and the log of what was sent about bookings.",
    "workflows:write": "Change workflows, and send again.",
    "calendars:read": "See one's own calendar connections.",
    "calendars:write": "Connect one's own calendars, and choose what counts.",
    # Inbox.
    "connections:read": "See connected platforms.",
    "connections:write": "Connect and disconnect platforms.",
    "conversations:read": "See conversations.",
    "conversations:write": "Assign, close and mark conversations.",
    "messages:read": "Read messages.",
    "messages:write": "Send messages.",
    # Outgoing webhooks.
    "webhooks:read": "See webhook subscriptions and what was sent to them.",
    "webhooks:write": "Change webhook subscriptions, and send again.",
    # Recordings.
    "meetings:read": "See meetings that are recorded.",
    "meetings:write": "Have meetings recorded.",
    "recordings:read": "See and download recordings.",
    "recordings:write": "Change and delete recordings.",
}
"""Every scope there is, and what it lets do. Later domains add theirs here."""

_OWNERS = {"organization:delete", "organization:transfer", "billing:manage", "sso:approve"}
_ADMINISTRATION = {
    "organization:write", "members:write", "teams:write", "invitations:read", "invitations:write", "api_keys:manage", "sso:manage",
    "scim:manage", "scim:provision", "audit_logs:read", "usage:read", "rate_limits:manage", "connections:write", "projects:write",
    "webhooks:write", "invitees:erase",
}  # fmt: skip
_VIEWER = {scope for scope in CATALOGUE if scope.endswith(":read")} - _ADMINISTRATION
_MEMBER = set(CATALOGUE) - _OWNERS - _ADMINISTRATION

SCOPES: dict[str, frozenset[str]] = {
    "OWNER": frozenset({"*"}),
    "ADMIN": frozenset(set(CATALOGUE) - _OWNERS),
    "MEMBER": frozenset(_MEMBER),
    "VIEWER": frozenset(_VIEWER),
}
"""By the name of the role (`MemberRole`). A member works with connections that an administrator has made."""

KEY_PERMISSIONS = (
    "files:read", "projects:read", "transforms:read", "usage:read", "audit_logs:read", "files:write", "projects:write", "files:delete",
    "transforms:delete", "uploads:create", "uploads:init", "uploads:complete", "transforms:create", "transforms:request", "api_keys:manage",
    "rate_limits:manage", "*",
)  # fmt: skip
"""The 17 permissions of a storage key; a key can have any other scope of the catalogue as well."""

_READ_ONLY = frozenset({"files:read", "projects:read", "transforms:read", "usage:read", "audit_logs:read"})
_STANDARD = _READ_ONLY | {"files:write", "uploads:create", "uploads:init", "uploads:complete", "transforms:create", "transforms:request"}
_FULL = _STANDARD | {"projects:write", "files:delete", "transforms:delete"}
GROUPS: dict[str, frozenset[str]] = {
    "READ_ONLY": _READ_ONLY,
    "STANDARD": _STANDARD,
    "FULL": _FULL,
    "ADMIN": frozenset({"*"}),
}
"""What a key can be made with by one word."""

PROJECT_SCOPES = frozenset(KEY_PERMISSIONS) - {"*"}
"""The most that a key of a project may: the rest is about the whole organization."""

RANKS = ("VIEWER", "MEMBER", "ADMIN", "OWNER")


def is_scope(word: str) -> bool:
    """Whether it is in the catalogue, `resource:*` of a resource in it, or `*`."""
    return word in CATALOGUE or word == "*" or (word.endswith(":*") and any(scope.startswith(word[:-1]) for scope in CATALOGUE))


def expanded(scopes: Iterable[str]) -> frozenset[str]:
    """The scopes of the catalogue that these cover: no wildcards."""
    covered: set[str] = set()
    for word in scopes:
        covered |= {scope for scope in CATALOGUE if word in {scope, "*"} or (word.endswith(":*") and scope.startswith(word[:-1]))}
    return frozenset(covered)


def is_within(scopes: Iterable[str], bounds: Iterable[str]) -> bool:
    """Whether everything that `scopes` cover is covered by `bounds`. `*` covers more than the catalogue: scopes that are yet to come."""
    wide = frozenset(bounds)
    return all("*" in wide or word in wide or (word != "*" and expanded([word]) <= expanded(wide)) for word in scopes)


def both(scopes: Iterable[str], bounds: Iterable[str]) -> frozenset[str]:
    """What `scopes` and `bounds` both cover. Words of `scopes` stay as they are where `bounds` cover them whole."""
    wide = frozenset(bounds)
    covered: set[str] = set()
    for word in scopes:
        covered |= {word} if is_within([word], wide) else expanded([word]) & expanded(wide)
    return frozenset(covered)


def of_key(permissions: Iterable[str], role: str, *, in_project: bool) -> frozenset[str]:
    """What a key with these permissions may, made by somebody with this role now."""
    granted = both(permissions, SCOPES.get(role, ()))
    return both(granted, PROJECT_SCOPES) if in_project else granted


def ungrouped(words: Iterable[str]) -> list[str]:
    """Scopes, sorted, with groups replaced by theirs: a key does not change when a group does."""
    return sorted(frozenset().union(*(GROUPS.get(word, {word}) for word in words)))
