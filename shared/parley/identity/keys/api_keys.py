"""API keys: made, replaced, revoked. A key never grants more than who makes it has, be that a person or another key."""

from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import Session

from parley.identity.accounts import security_alerts
from parley.identity.declared import IdentityAction
from parley.identity.keys import api_key_format
from parley.identity.keys.api_key_lookup import PURPOSE
from parley.identity.keys.schemas import ApiKeyCreate, ApiKeyRead, ApiKeyRegenerate, ApiKeyUpdate
from parley.identity.models import ApiKey, Organization
from parley.identity.roles.scopes import PROJECT_SCOPES, both, expanded, is_within, ungrouped
from parley.identity.sessions import single_sign_on
from parley.kernel.access.admission import KeyRevoked
from parley.kernel.access.callers import ActorType, Caller, MissingScope
from parley.kernel.access.plans import PLANS, PlanLimit, PlanType
from parley.kernel.audit import audit
from parley.kernel.edge.request_context import OutsideTheProject
from parley.kernel.persistence.pagination import Page, page
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, NotFound, Unprocessable

ONE_SUCCESSOR = "uq_api_keys_organization_id_replaces_id"
Bound = TypeVar("Bound", int, datetime)


class NoSuchApiKey(NotFound):
    """There is none, or it is another organization's or project's."""


class NotForProjects(Unprocessable):
    """A scope that a key of a project can't have."""


class ApiKeyEnded(Conflict):
    """The key was revoked, or another one has replaced it."""


def make_key(session: Session, caller: Caller, wanted: ApiKeyCreate) -> tuple[ApiKey, str]:
    """A new key, and its secret. Raises `MissingScope`, `OutsideTheProject`, `NotForProjects`, `PlanLimit`.

    The project, where one is named, is one that the caller has seen.
    """
    at = now()
    permissions, project_id = ungrouped(wanted.permissions), wanted.project_id or caller.project_id
    _within_project(caller, project_id, permissions)
    _within_rights(caller, project_id, permissions)
    if wanted.request_limit is not None:
        caller.require("rate_limits:manage")
    _require_api(session.scalars(select(Organization.plan).where(Organization.id == caller.organization_id)).one())

    made, secret = _new(session, caller, wanted.request_limit, wanted.expires_at)
    made.label, made.permissions, made.project_id = wanted.label, permissions, project_id
    session.add(made)
    audit.record(session, caller, IdentityAction.API_KEY_CREATED, made, new=_told(made))
    _tell(session, caller, at)
    return made, secret


def regenerate(session: Session, caller: Caller, key_id: UUID, wanted: ApiKeyRegenerate) -> tuple[ApiKey, str]:
    """Another key with the same rights, made by the caller, and its secret. The old one ends after the overlap; keys that were made with
    it are from now on the new one's.

    Raises `NoSuchApiKey`, `ApiKeyEnded`, `MissingScope`, `PlanLimit`.
    """
    at = now()
    old, plan = _with_plan(session, caller, key_id)
    if old.revoked_at is not None:
        raise ApiKeyEnded("This key was revoked; make a new one.")
    _within_rights(caller, old.project_id, old.permissions)
    _require_api(plan)

    expires_at = wanted.expires_at or (now() + (old.expires_at - old.created_at) if old.expires_at else None)
    made, secret = _new(session, caller, old.request_limit, expires_at)
    made.label, made.permissions, made.project_id, made.replaces_id = old.label, old.permissions, old.project_id, old.id
    session.add(made)
    with violation_means(ONE_SUCCESSOR, ApiKeyEnded("This key was regenerated before; regenerate its successor.")):
        session.flush()
    ends_at = now() + timedelta(seconds=wanted.overlap_seconds)
    old.expires_at = min(old.expires_at or ends_at, ends_at)
    session.execute(update(ApiKey).where(ApiKey.made_with_id == old.id, ApiKey.id != made.id).values(made_with_id=made.id))
    replaced = {"id": str(old.id), "expires_at": _text(old.expires_at)}
    audit.record(session, caller, IdentityAction.API_KEY_REGENERATED, made, new=_told(made), old=replaced)
    _tell(session, caller, at)
    return made, secret


def _tell(session: Session, caller: Caller, since: datetime) -> None:
    """Tell a person of the key that they have made; what a program makes is told of by nobody's mail."""
    if caller.actor_type is ActorType.USER and caller.actor_id is not None:
        security_alerts.tell(session, caller.actor_id, security_alerts.SecurityChange.API_KEY, since)


def revoke(session: Session, caller: Caller, key_id: UUID) -> ApiKey:
    """End a key at once, and every key that was made with it. Doing it again changes nothing. Raises `NoSuchApiKey`."""
    key = _locked(session, caller, key_id)
    ended = _end(session, caller, ApiKey.id == key.id)
    while ended:
        ended = _end(session, caller, ApiKey.made_with_id.in_(ended))
    return key


def revoke_of_project(session: Session, caller: Caller, project_id: UUID) -> None:
    """End every key of a project."""
    _end(session, caller, ApiKey.project_id == project_id)


def revoke_made_since(session: Session, caller: Caller, user_id: UUID, since: datetime) -> None:
    """End every key that a person made in the session's organization since an instant, and every key that was made with one of those."""
    ended = _end(session, caller, (ApiKey.user_id == user_id) & (ApiKey.created_at >= since))
    while ended:
        ended = _end(session, caller, ApiKey.made_with_id.in_(ended))


def change(session: Session, caller: Caller, key_id: UUID, wanted: ApiKeyUpdate) -> ApiKey:
    """Another label or limit. Raises `MissingScope`, `NoSuchApiKey`."""
    changes = wanted.changed_fields()
    if "request_limit" in changes:
        caller.require("rate_limits:manage")
    key = _locked(session, caller, key_id)
    changed = [name for name, value in changes.items() if getattr(key, name) != value]
    for name in changed:
        setattr(key, name, changes[name])
    if changed:
        audit.record(session, caller, IdentityAction.API_KEY_UPDATED, key, new={"changed": changed})
    return key


def api_key(session: Session, caller: Caller, key_id: UUID) -> ApiKey:
    """Raises `NoSuchApiKey`."""
    return _found(session.scalars(_seen_by(caller).where(ApiKey.id == key_id)).one_or_none())


def api_keys(session: Session, caller: Caller, *, project_id: UUID | None, limit: int, cursor: str | None) -> Page[ApiKeyRead]:
    """A page of keys, newest first, those that have ended among them. One query."""
    wanted = _seen_by(caller) if project_id is None else _seen_by(caller).where(ApiKey.project_id == project_id)
    rows, following = page(session, wanted, [ApiKey.id], cursor=cursor, limit=limit)
    return Page(items=[ApiKeyRead.model_validate(row) for row in rows], next_cursor=following)


def _new(session: Session, caller: Caller, request_limit: int | None, expires_at: datetime | None) -> tuple[ApiKey, str]:
    """A key that a person makes, or a key: then it ends no later than that one, and may ask no more often."""
    secret = api_key_format.make(caller.organization_id)
    key = ApiKey(user_id=caller.person_id, key_hash=secret_hashes.digest(PURPOSE, secret), prefix=api_key_format.masked(secret))
    if caller.actor_type is ActorType.API_KEY:
        asking = _asking(session, caller)
        key.made_with_id = asking.id
        expires_at = _lower(expires_at, asking.expires_at)
        if not caller.may("rate_limits:manage"):
            request_limit = _lower(request_limit, asking.request_limit)
    key.request_limit, key.expires_at = request_limit, expires_at
    key.approved_at = now() if caller.may(single_sign_on.APPROVE) else None
    return key, secret


def _asking(session: Session, caller: Caller) -> ApiKey:
    """The key that asks. It is held: who revokes it waits, and finds what is being made with it."""
    asking = select(ApiKey).where(ApiKey.id == caller.actor_id, ApiKey.revoked_at.is_(None)).with_for_update(read=True)
    key = session.scalars(asking).one_or_none()
    if key is None:
        raise KeyRevoked("This API key was revoked or has expired; make a new one.")
    return key


def _lower(first: Bound | None, other: Bound | None) -> Bound | None:
    """The lower of two bounds; None is no bound."""
    return min((bound for bound in (first, other) if bound is not None), default=None)


def _seen_by(caller: Caller) -> Select[ApiKey]:
    every = select(ApiKey)
    return every if caller.project_id is None else every.where(ApiKey.project_id == caller.project_id)


def _locked(session: Session, caller: Caller, key_id: UUID) -> ApiKey:
    return _found(session.scalars(_seen_by(caller).where(ApiKey.id == key_id).with_for_update(key_share=True)).one_or_none())


def _with_plan(session: Session, caller: Caller, key_id: UUID) -> tuple[ApiKey, PlanType]:
    wanted = _seen_by(caller).where(ApiKey.id == key_id).join(Organization, Organization.id == ApiKey.organization_id)
    row = session.execute(wanted.add_columns(Organization.plan).with_for_update(of=ApiKey, key_share=True)).one_or_none()
    return (row[0], row[1]) if row is not None else (_found(None), PlanType.FREE)


def _found(key: ApiKey | None) -> ApiKey:
    if key is None:
        raise NoSuchApiKey("There is no such API key.")
    return key


def _end(session: Session, caller: Caller, which: ColumnElement[bool]) -> list[UUID]:
    """Revoke those keys that are not revoked yet; which they were."""
    living = which & ApiKey.revoked_at.is_(None)
    ended = session.scalars(update(ApiKey).where(living).values(revoked_at=now(), updated_at=now()).returning(ApiKey)).all()
    for key in ended:
        audit.record(session, caller, IdentityAction.API_KEY_REVOKED, key)
    return [key.id for key in ended]


def _within_project(caller: Caller, project_id: UUID | None, permissions: list[str]) -> None:
    if caller.project_id not in (None, project_id):
        raise OutsideTheProject("A key of a project makes keys of the same project.")
    for word in permissions if project_id is not None else ():
        if not both([word], PROJECT_SCOPES):
            raise NotForProjects(f"A key of a project can't have {word}: it is about the whole organization.", scope=word)


def _within_rights(caller: Caller, project_id: UUID | None, permissions: list[str]) -> None:
    for word in permissions:
        granted = both([word], PROJECT_SCOPES) if project_id is not None else [word]
        if not is_within(granted, caller.scopes):
            missing = sorted(expanded(granted) - expanded(caller.scopes)) or [word]
            raise MissingScope(f"A key can't have more than who makes it: you lack {', '.join(missing)}.", scope=word, missing=missing)


def _require_api(plan: PlanType) -> None:
    if not PLANS[plan].has_api_access:
        raise PlanLimit("The plan of this organization does not include the API; BUSINESS does.", limit="api_access")


def _told(key: ApiKey) -> dict[str, object]:
    """What the trail says of a new key: nothing of the secret, nor of its label."""
    return {"permissions": key.permissions, "expires_at": _text(key.expires_at), "project_id": _text(key.project_id)}


def _text(value: UUID | datetime | None) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else str(value) if value is not None else None
