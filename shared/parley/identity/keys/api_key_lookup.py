"""Whom an API key names: one round trip, asked by the authorizer. What it may at this moment, `kernel.access.admission` asks."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from parley.identity.keys import api_key_format
from parley.identity.roles import scopes
from parley.kernel.postgres import authorizer_lookup
from parley.kernel.values import secret_hashes

PURPOSE = "api key"

# Under the policies of the organization that the key names: no other's key can be found.
_LOOK_UP = """
SELECT k.id, k.user_id, k.project_id, k.permissions, m.role::text
FROM api_keys k
JOIN organizations o ON o.id = k.organization_id AND o.deleted_at IS NULL
JOIN organization_members m ON m.organization_id = k.organization_id AND m.user_id = k.user_id AND m.deactivated_at IS NULL
JOIN users u ON u.id = k.user_id AND u.status = 'ACTIVE' AND u.deleted_at IS NULL
LEFT JOIN storage_projects p ON p.organization_id = k.organization_id AND p.id = k.project_id AND p.deleted_at IS NULL
WHERE k.organization_id = '{organization_id}' AND k.key_hash = '{digest}' AND k.revoked_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > now()) AND (k.project_id IS NULL OR p.id IS NOT NULL)
"""


class UnknownApiKey(Exception):
    """Well formed, and not in use: never made, revoked, expired, of a deleted project, or its maker is gone."""


@dataclass(frozen=True, slots=True)
class ApiKeyGrant:
    """`scopes` are what the key and its maker's role both cover."""

    id: UUID
    organization_id: UUID
    maker_id: UUID
    project_id: UUID | None
    role: str
    scopes: frozenset[str]

    @property
    def roles(self) -> list[str]:
        """The roles of the maker for which the scopes stand."""
        return [role for role, bounds in scopes.SCOPES.items() if scopes.is_within(self.scopes, bounds)]

    @property
    def context(self) -> dict[str, Any]:
        """What the authorizer passes on."""
        who = {"actor_type": "API_KEY", "actor_id": self.id, "maker_id": self.maker_id, "project_id": self.project_id}
        rights = {"role": self.role, "roles": " ".join(self.roles), "scopes": " ".join(sorted(self.scopes))}
        return who | rights | {"organization_id": self.organization_id}


def reference(key: str) -> dict[str, Any]:
    """What a key is looked up by: its organization and its digest. Raises `api_key_format.MalformedApiKey`. Asks nobody."""
    return {"organization_id": api_key_format.organization_of(key), "key_digest": secret_hashes.digest(PURPOSE, key)}


def look_up(organization_id: UUID, key_digest: str) -> ApiKeyGrant:
    """Whom a key names. Raises `UnknownApiKey`, and `authorizer_lookup.LookupFailed` when the database does not say."""
    # Both are of our own making: a UUID, and hexadecimal digits.
    statement = _LOOK_UP.format(organization_id=organization_id, digest=bytes.fromhex(key_digest).hex())
    rows = authorizer_lookup.lookup_of(organization_id, statement)
    if not rows:
        raise UnknownApiKey
    key_id, maker_id, project_id, permissions, role = rows[0]
    rights = scopes.of_key(permissions, role, in_project=project_id is not None)
    return ApiKeyGrant(key_id, organization_id, maker_id, project_id, role, rights)


def context_of(organization_id: UUID, key_digest: str) -> dict[str, Any] | None:
    """What the authorizer would have passed on, had the database answered it; None for a key that names nobody (`API_KEY_LOOKUP`)."""
    try:
        return look_up(organization_id, key_digest).context
    except UnknownApiKey:
        return None
