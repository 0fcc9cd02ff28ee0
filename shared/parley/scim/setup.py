"""Provisioning switched on and off, and the token that an identity provider presents: an API key that may provision, and nothing else."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity import api_keys, seats
from parley.identity.key_schemas import MOST_OVERLAP_SECONDS, ApiKeyCreate, ApiKeyRegenerate, Expiry
from parley.identity.models import ApiKey, Organization
from parley.kernel import audit
from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.settings import setting
from parley.kernel.texts import Shown, Wanted

PERMISSIONS = ["scim:provision"]
BASE = "/scim/v2"


class ScimTokenCreate(Wanted):
    """The token that is there works for `overlap_seconds` beside the new one."""

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=MOST_OVERLAP_SECONDS)] = 86400
    expires_at: Expiry | None = None


class ScimTokenRead(Shown):
    """`user_id` is who made it: it ends with their membership, and does no more than their role may."""

    id: UUID
    prefix: str
    user_id: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class ScimTokenMade(ScimTokenRead):
    """`token` is shown this once; `base_url` is what an identity provider asks for beside it."""

    token: str
    base_url: str


class ScimRead(Shown):
    is_enabled: bool
    base_url: str
    tokens: list[ScimTokenRead]


def base_url() -> str:
    return setting("PUBLIC_URL").rstrip("/") + BASE


def issue_token(session: Session, caller: Caller, wanted: ScimTokenCreate) -> ScimTokenMade:
    """Switch provisioning on, with a new token that takes the place of the one that is there. Raises `PlanLimit`, `MissingScope`."""
    organization = seats.lock(session)
    before = _tokens(session)
    if before:
        replacing = ApiKeyRegenerate(overlap_seconds=wanted.overlap_seconds, expires_at=wanted.expires_at)
        key, secret = api_keys.regenerate(session, caller, before[0].id, replacing)
    else:
        key, secret = api_keys.make_key(session, caller, ApiKeyCreate(label="SCIM", permissions=PERMISSIONS, expires_at=wanted.expires_at))
    _switch(session, caller, organization, to=True)
    session.flush()
    return ScimTokenMade(**ScimTokenRead.model_validate(key).model_dump(), token=secret, base_url=base_url())


def shown(session: Session, caller: Caller) -> ScimRead:
    """Whether it is on, and the tokens that work. Two queries."""
    enabled = session.scalars(select(Organization.scim_enabled).where(Organization.id == caller.organization_id)).one()
    tokens = [ScimTokenRead.model_validate(key) for key in _tokens(session, with_ending=True)]
    return ScimRead(is_enabled=enabled, base_url=base_url(), tokens=tokens)


def turn_off(session: Session, caller: Caller) -> None:
    """Switch provisioning off and end its tokens at once. Who was provisioned stays. Doing it again changes nothing."""
    organization = seats.lock(session)
    for key in _tokens(session, with_ending=True):
        api_keys.revoke(session, caller, key.id)
    _switch(session, caller, organization, to=False)


def _switch(session: Session, caller: Caller, organization: Organization, *, to: bool) -> None:
    if organization.scim_enabled is not to:
        organization.scim_enabled = to
        audit.record(session, caller, "organization.updated", organization, old={"scim_enabled": not to}, new={"scim_enabled": to})


def _tokens(session: Session, *, with_ending: bool = False) -> list[ApiKey]:
    """The newest first. One that has been replaced works until its end, and is replaced no more."""
    living = select(ApiKey).where(ApiKey.permissions == PERMISSIONS, ApiKey.project_id.is_(None), ApiKey.revoked_at.is_(None))
    living = living.where(ApiKey.expires_at.is_(None) | (ApiKey.expires_at > now()))
    keys = session.scalars(living.order_by(ApiKey.id.desc()).limit(20)).all()
    replaced = {key.replaces_id for key in keys}
    return [key for key in keys if with_ending or key.id not in replaced]
