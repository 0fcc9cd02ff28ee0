"""Sessions seen by their user, and ended."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.accounts import user_accounts, user_bound_tokens
from parley.identity.declared import IdentityAction
from parley.identity.log_in.schemas import SessionRead
from parley.identity.models import RefreshToken, UserSession
from parley.identity.sessions import access_tokens, log_in_sessions, session_revocation
from parley.identity.sessions.log_in_sessions import as_user
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import transactions
from parley.kernel.persistence.pagination import page
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now
from parley.kernel.values.errors import NotFound, Unauthenticated


class NoSuchSession(NotFound):
    """The session is not there, has ended, or is somebody else's."""


class InvalidAccessToken(Unauthenticated):
    """The access token is not valid, or belongs to no session."""


def session_read(row: UserSession, current: UUID | None) -> SessionRead:
    names = SessionRead.model_fields.keys() - {"is_current", "ip_address"}
    at = str(row.ip_address) if row.ip_address is not None else None  # the driver reads an inet as an object
    return SessionRead(**{name: getattr(row, name) for name in names}, ip_address=at, is_current=row.id == current)


def open_sessions(session: Session, user_id: UUID, cursor: str | None, limit: int) -> tuple[list[UserSession], str | None]:
    """The user's sessions that have not ended, newest first. One query."""
    living = select(UserSession).where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None), UserSession.expires_at > now())
    rows, following = page(session, living, [UserSession.id], cursor=cursor, limit=limit)
    return list(rows), following


def end_session(session: Session, caller: Caller, session_id: UUID) -> None:
    """Raises `NoSuchSession`."""
    query = select(UserSession).where(
        UserSession.id == session_id, UserSession.user_id == session.info["user_id"], UserSession.revoked_at.is_(None)
    )
    user_session = session.scalar(query)
    if user_session is None:
        raise NoSuchSession("There is no such session.")
    session_revocation.revoke(session, session_id, because="revoked by its user")
    _audit_log_out(session, caller, user_session)


def _audit_log_out(session: Session, caller: Caller, ended: UserSession) -> None:
    # For its organization, unless the user has left that since.
    organization = log_in_sessions.choose_organization(session, ended.user_id, methods=(), last=ended.organization_id, is_for_evidence=True)
    where = organization.id if organization is not None and organization.id == ended.organization_id else None
    audit.record(session, as_user(caller, ended.user_id, where), IdentityAction.USER_LOGGED_OUT, ended)


def log_out_everywhere(caller: Caller) -> None:
    """Log out everywhere, here too."""
    with transactions.personal(caller) as session:
        account = user_accounts.current_account(session)
        session_revocation.revoke_all(session, account.user.id, because="logged out everywhere")
        audit.record(
            session, as_user(caller, account.user.id, account.witness_id), IdentityAction.USER_LOGGED_OUT, account.user, everywhere=True
        )


def log_out_by_refresh_token(caller: Caller, token: str) -> None:
    """End the session of a refresh token; one that opens nothing has nothing to end (RFC 7009, section 2.2)."""
    user_id = user_bound_tokens.user_of(log_in_sessions.PREFIX, token)
    if user_id is None:
        return
    of_token = RefreshToken.token_hash == secret_hashes.digest(log_in_sessions.PURPOSE, token)
    with transactions.personal(caller, user_id) as session:
        _end(session, caller, session.scalar(select(RefreshToken.family_id).where(of_token)))


def log_out_by_access_token(caller: Caller, token: str) -> None:
    """End the session of an access token. Raises `InvalidAccessToken`."""
    try:
        bearer = access_tokens.verify(token)
    except access_tokens.InvalidToken:
        raise InvalidAccessToken("This access token is not valid; send the refresh token instead.") from None
    with transactions.personal(caller, bearer.user_id) as session:
        _end(session, caller, bearer.session_id)


def _end(session: Session, caller: Caller, session_id: UUID | None) -> None:
    living = UserSession.revoked_at.is_(None)
    user_session = session.scalar(select(UserSession).where(UserSession.id == session_id, living)) if session_id is not None else None
    if user_session is not None:
        session_revocation.revoke(session, user_session.id, because="logged out")
        _audit_log_out(session, caller, user_session)
