"""What the routes of API keys take and answer."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from parley.identity.roles.scopes import GROUPS, is_scope
from parley.kernel.values.clock import now
from parley.kernel.values.fields import Line, OneTimeSecret, PatchModel, RequestInstant, RequestModel, ResponseModel

MOST_OVERLAP_SECONDS = 7 * 86400
_LONGEST_LIFE = timedelta(days=3660)


def _known(word: str) -> str:
    if word not in GROUPS and not is_scope(word):
        raise ValueError("must be a scope or a group of GET /v1/identity/scopes")
    return word


def _to_come(instant: datetime) -> datetime:
    if not now() < instant < now() + _LONGEST_LIFE:
        raise ValueError("must lie in the future, at most ten years from now")
    return instant


Permission = Annotated[str, StringConstraints(strict=True, max_length=64), AfterValidator(_known)]
Expiry = Annotated[RequestInstant, AfterValidator(_to_come)]
RequestLimit = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class ApiKeyCreate(RequestModel):
    """`permissions` are scopes or names of groups (READ_ONLY, STANDARD, FULL, ADMIN); `request_limit` is per minute."""

    label: Line
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=100)]
    expires_at: Expiry | None = None
    project_id: UUID | None = None
    request_limit: RequestLimit | None = None


class ApiKeyUpdate(PatchModel):
    """`request_limit` null: as often as the plan allows."""

    _needed = frozenset({"label"})

    label: Line | None = None
    request_limit: RequestLimit | None = None


class ApiKeyRegenerate(RequestModel):
    """The old key works for `overlap_seconds` beside the new one. Without `expires_at` the new one lives as long as the old one was to."""

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=MOST_OVERLAP_SECONDS)] = 0
    expires_at: Expiry | None = None


class ApiKeyRead(ResponseModel):
    """`prefix` is the beginning of the key. `user_id` is who made it, whose role bounds it; `last_used_at` is exact to the minute."""

    id: UUID
    label: str
    prefix: str
    permissions: list[str]
    user_id: UUID
    project_id: UUID | None
    request_limit: int | None
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    replaces_id: UUID | None
    created_at: datetime
    updated_at: datetime


class ApiKeyMade(ApiKeyRead):
    """`key` is shown this once."""

    key: OneTimeSecret


class ScopeRead(ResponseModel):
    name: str
    description: str


class CatalogueRead(ResponseModel):
    """Every scope; what each role may; what each group of an API key's permissions stands for."""

    scopes: list[ScopeRead]
    roles: dict[str, list[str]]
    groups: dict[str, list[str]]
