"""How sessions end before their time: all of a person, one, or those for an organization; and how ended ones are forgotten."""

from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from parley.identity.models import RefreshToken, UserSession
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now


def revoke_all(session: Session, user_id: UUID, *, because: str, but: UUID | None = None, method: str | None = None) -> None:
    """End every session of a user, in a transaction of theirs; but for one, if it is named; with `method`, those that it opened.

    It travels with the next statement.
    """
    at = now()
    ended = update(UserSession).where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
    tokens = update(RefreshToken).where(RefreshToken.user_id == user_id, RefreshToken.revoked_at.is_(None))
    if method is not None:
        opened = UserSession.methods.contains([method])
        query = select(UserSession.id).where(UserSession.user_id == user_id, opened)
        ended, tokens = ended.where(opened), tokens.where(RefreshToken.family_id.in_(query))
    if but is not None:
        ended, tokens = ended.where(UserSession.id != but), tokens.where(RefreshToken.family_id != but)
    execute_later(session, ended.values(revoked_at=at, revoked_because=because))
    execute_later(session, tokens.values(revoked_at=at))


def revoke(session: Session, session_id: UUID, *, because: str) -> None:
    """End one session, in a transaction of its user's. It travels with the next statement."""
    at = now()
    statement = update(UserSession).where(UserSession.id == session_id, UserSession.revoked_at.is_(None))
    execute_later(session, statement.values(revoked_at=at, revoked_because=because))
    execute_later(session, update(RefreshToken).where(RefreshToken.family_id == session_id).values(revoked_at=at))


def revoke_in_organization(session: Session, user_id: UUID, *, because: str) -> None:
    """End a user's sessions that work for the caller's organization, in a transaction of it. It travels with the next statement."""
    organization_id = session.info["caller"].organization_id
    here = update(UserSession).where(
        UserSession.user_id == user_id, UserSession.organization_id == organization_id, UserSession.revoked_at.is_(None)
    )
    execute_later(session, here.values(revoked_at=now(), revoked_because=because))


def forget(session: Session) -> int:
    """Delete sessions that ended 30 days ago, with their tokens, in a sweep. Returns how many."""
    old = text("DELETE FROM user_sessions WHERE least(expires_at, revoked_at) < clock_timestamp() - interval '30 days'")
    return int(session.connection().execute(old).rowcount)
