"""Provisioning switched on and off, and the token that an identity provider presents: an API key that may provision, and nothing else."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityAction, IdentityEvent
from parley.identity.keys import api_keys
from parley.identity.keys.schemas import MOST_OVERLAP_SECONDS, ApiKeyCreate
from parley.identity.models import ApiKey, Organization
from parley.identity.roles import organization_lock
from parley.identity.sessions import single_sign_on
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.errors import NotFound
from parley.kernel.values.fields import OneTimeSecret, RequestModel, ResponseModel
from parley.kernel.values.settings import setting
from parley.scim.declared import ScimAction
from parley.scim.errors import ScimAwaitsOwner, ScimTurnedOff

PERMISSIONS = ["scim:provision"]
BASE = "/scim/v2"
_LIVING = ApiKey.permissions == PERMISSIONS, ApiKey.project_id.is_(None), ApiKey.revoked_at.is_(None)


class NoSuchScimToken(NotFound):
    """There is none, or it is another organization's."""


class ScimTokenCreate(RequestModel):
    """The token that is there works for `overlap_seconds` beside the new one. To end it at once, switch provisioning off before."""

    overlap_seconds: Annotated[int, Field(strict=True, ge=1, le=MOST_OVERLAP_SECONDS)] = 86400


class ScimTokenRead(ResponseModel):
    """`user_id` is who made it: it ends with their membership, and does no more than their role may. Without `approved_at` it waits for the
    owner's agreement, and provisions nothing."""

    id: UUID
    prefix: str
    user_id: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    approved_at: datetime | None


class ScimTokenMade(ScimTokenRead):
    """`token` is shown this once; `base_url` is what an identity provider asks for beside it."""

    token: OneTimeSecret
    base_url: str


class ScimRead(ResponseModel):
    is_enabled: bool
    base_url: str
    tokens: list[ScimTokenRead]


def base_url() -> str:
    return setting("PUBLIC_URL").rstrip("/") + BASE


def issue_token(session: Session, caller: Caller, wanted: ScimTokenCreate) -> ScimTokenMade:
    """Switch provisioning on, with a new token that takes the place of those that are there. Raises `PlanLimit`, `MissingScope`."""
    organization = organization_lock.lock_organization(session)
    key, secret = api_keys.make_key(session, caller, ApiKeyCreate(label="SCIM", permissions=PERMISSIONS))
    _switch(session, caller, organization, to=True)
    session.flush()
    if key.approved_at is not None:  # one that waits takes no other's place yet
        _end_others(session, key, timedelta(seconds=wanted.overlap_seconds))
    else:
        outbox.announce(session, IdentityEvent.SCIM_TOKEN_PROPOSED, token_id=key.id)
    return ScimTokenMade(**ScimTokenRead.model_validate(key).model_dump(), token=secret, base_url=base_url())


def _end_others(session: Session, key: ApiKey, overlap: timedelta) -> None:
    ends_at = now() + overlap
    others = update(ApiKey).where(*_LIVING, ApiKey.id != key.id, ApiKey.expires_at.is_(None) | (ApiKey.expires_at > ends_at))
    execute_later(session, others.values(expires_at=ends_at, updated_at=now()))


def require_open(session: Session, caller: Caller) -> None:
    """One query. Raises `ScimTurnedOff`; `ScimAwaitsOwner` unless the owner has made or agreed to the token, or provisions themself."""
    agreed = select(ApiKey.approved_at).where(ApiKey.organization_id == caller.organization_id, ApiKey.id == caller.actor_id)
    wanted = select(Organization.scim_enabled, agreed.scalar_subquery()).where(Organization.id == caller.organization_id)
    is_enabled, approved_at = session.execute(wanted).one_or_none() or (False, None)
    if not is_enabled:
        raise ScimTurnedOff("Provisioning is switched off for this organization; POST /v1/scim/token switches it on.")
    if approved_at is None and not caller.may(single_sign_on.APPROVE):
        raise ScimAwaitsOwner("The owner has not agreed to this token: POST /v1/scim/tokens/{token_id}/approve.")


def approve(session: Session, caller: Caller, token_id: UUID) -> ScimTokenRead:
    """Agree to a token that somebody else has made; again, it changes nothing. Raises `NoSuchScimToken`."""
    wanted = select(ApiKey).where(ApiKey.id == token_id, *_LIVING, ApiKey.expires_at.is_(None) | (ApiKey.expires_at > now()))
    key = session.scalar(wanted.with_for_update(key_share=True))
    if key is None:
        raise NoSuchScimToken("There is no such token, or it has ended.")
    if key.approved_at is None:
        key.approved_at = now()
        _end_others(session, key, timedelta(days=1))
        audit.record(session, caller, ScimAction.API_KEY_APPROVED, key)
    session.flush()
    return ScimTokenRead.model_validate(key)


def shown(session: Session, caller: Caller) -> ScimRead:
    """Whether it is on, and the tokens that work. Two queries."""
    enabled = session.scalars(select(Organization.scim_enabled).where(Organization.id == caller.organization_id)).one()
    living = select(ApiKey).where(*_LIVING, ApiKey.expires_at.is_(None) | (ApiKey.expires_at > now())).order_by(ApiKey.id.desc()).limit(20)
    tokens = [ScimTokenRead.model_validate(key) for key in session.scalars(living)]
    return ScimRead(is_enabled=enabled, base_url=base_url(), tokens=tokens)


def turn_off(session: Session, caller: Caller) -> None:
    """Switch provisioning off and end its tokens at once. Who was provisioned stays. Doing it again changes nothing."""
    organization = organization_lock.lock_organization(session)
    # No key was made with one of them: that needs another scope than theirs.
    ended = update(ApiKey).where(*_LIVING).values(revoked_at=now(), updated_at=now()).returning(ApiKey)
    for key in session.scalars(ended, execution_options={"synchronize_session": False}).all():
        audit.record(session, caller, IdentityAction.API_KEY_REVOKED, key)
    _switch(session, caller, organization, to=False)


def _switch(session: Session, caller: Caller, organization: Organization, *, to: bool) -> None:
    if organization.scim_enabled is not to:
        organization.scim_enabled = to
        audit.record(
            session, caller, IdentityAction.ORGANIZATION_UPDATED, organization, old={"scim_enabled": not to}, new={"scim_enabled": to}
        )
