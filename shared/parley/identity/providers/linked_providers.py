"""The ways in that a user has linked: listed, added, taken away but for the last."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from parley.identity.accounts import security_alerts, user_accounts
from parley.identity.declared import IdentityAction, IdentityDirectory
from parley.identity.log_in import reauthentication
from parley.identity.log_in.schemas import Proof
from parley.identity.models import AuthProvider, AuthProviderType, User
from parley.identity.providers import account_matching
from parley.identity.providers.identity_handover import IdentityHandover
from parley.identity.providers.provider_settings import ProviderKind
from parley.identity.sessions import log_in_sessions, session_revocation
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory, transactions
from parley.kernel.persistence.pagination import Page, page
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, NotFound
from parley.kernel.values.fields import Line, ResponseModel

# A log-in through an organization's own identity provider is that organization's to give and to take: nobody's way in for certain.
_OURS = [kind.stored for kind in ProviderKind]


class LinkedProviderRead(ResponseModel):
    id: UUID
    provider: str
    email: str | None
    linked_at: datetime
    last_used_at: datetime | None


class LinkCreate(Proof):
    return_to: Line | None = None


class LinkBegun(ResponseModel):
    """Send the browser there; it comes back within ten minutes, to `return_to` if it was given."""

    authorization_url: str


class NoSuchLink(NotFound):
    """There is none, or it is another user's."""


class LastWayIn(Conflict):
    """Nobody could log in to the account any more."""


def _shown(row: AuthProvider) -> LinkedProviderRead:
    return LinkedProviderRead(
        id=row.id,
        provider=row.provider_type.value.lower(),
        email=row.provider_email,
        linked_at=row.created_at,
        last_used_at=row.last_used_at,
    )


def list_links(session: Session, *, limit: int, cursor: str | None) -> Page[LinkedProviderRead]:
    """A page of the user's own, newest first. One query."""
    query = select(AuthProvider).where(AuthProvider.user_id == session.info["user_id"], AuthProvider.provider_type.in_(_OURS))
    rows, following = page(session, query, [AuthProvider.id], cursor=cursor, limit=limit)
    return Page(items=[_shown(row) for row in rows], next_cursor=following)


def begin(caller: Caller, password: str | None, code: str | None) -> UUID | None:
    """Prove who begins to link; the session that it is for. Raises the refusals of `reauthentication.prove`, `SessionEnded`."""
    with transactions.personal(caller) as session:
        refusal = reauthentication.prove(session, caller, user_accounts.current_account(session), password, code)
    if refusal is not None:
        raise refusal
    return log_in_sessions.session_id_of(caller)


def link(session: Session, caller: Caller, handover: IdentityHandover, linked_id: UUID | None) -> LinkedProviderRead:
    """Link the account at the provider to the user who asked for it. Again changes nothing but its tokens.

    Raises `LinkedElsewhere`, `AttemptFinished`, `Overtaken`, `SessionEnded`.
    """
    user_id = session.info["user_id"]
    if linked_id not in (None, user_id):
        raise account_matching.LinkedElsewhere("This account belongs to another user here; unlink it there first.")
    user_accounts.lock(session, user_id)
    with account_matching.unique_key_refusals(session):
        made = (
            account_matching.renew_link(session, handover)
            if linked_id is not None
            else account_matching.add_way_in(session, caller, user_id, handover)
        )
        account_matching.finish(session, handover)
    return _shown(made)


def unlink(caller: Caller, link_id: UUID, password: str | None, code: str | None) -> None:
    """Take a way in away, and end other sessions that it opened.

    Raises `NoSuchLink`, `LastWayIn`, the refusals of `reauthentication.prove`.
    """
    with transactions.personal(caller) as session:
        account = user_accounts.current_account(session)
        _found(session, link_id)
        refusal = reauthentication.prove(session, caller, account, password, code)
        if refusal is None:
            _unlink(session, caller, link_id)
    if refusal is not None:
        raise refusal


def _found(session: Session, link_id: UUID) -> AuthProvider:
    query = select(AuthProvider).where(AuthProvider.user_id == session.info["user_id"], AuthProvider.provider_type.in_(_OURS))
    auth_provider = session.scalars(query.where(AuthProvider.id == link_id)).one_or_none()
    if auth_provider is None:
        raise NoSuchLink("You have linked no such account.")
    return auth_provider


def _unlink(session: Session, caller: Caller, link_id: UUID) -> None:
    """Who unlinks two at once is made to wait, so that one is left."""
    user_id = session.info["user_id"]
    password = session.scalars(select(User).where(User.id == user_id).with_for_update()).one().password_hash
    condition, auth_provider = AuthProvider.user_id == user_id, _found(session, link_id)
    others = session.scalars(
        select(func.count()).select_from(AuthProvider).where(condition, AuthProvider.id != link_id, AuthProvider.provider_type.in_(_OURS))
    ).one()
    if password is None and others == 0:
        raise LastWayIn("This is the last way into your account; set a password or link another provider first.")

    kind = ProviderKind(auth_provider.provider_type.value.lower())
    directory.leave_person(session, IdentityDirectory.PROVIDER_ACCOUNT, account_matching.account_name(kind, auth_provider.provider_id))
    execute_later(session, delete(AuthProvider).where(AuthProvider.id == auth_provider.id))
    session_revocation.revoke_all(session, user_id, because="unlinked", but=log_in_sessions.session_id_of(caller), method=kind.value)
    security_alerts.tell(session, user_id, security_alerts.SecurityChange.PROVIDER_UNLINKED, now(), provider=kind.value)
    audit.record(
        session, caller, IdentityAction.PROVIDER_UNLINKED, auth_provider, provider=AuthProviderType(auth_provider.provider_type).value
    )
