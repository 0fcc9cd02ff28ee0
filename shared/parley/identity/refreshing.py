"""Refresh tokens rotate: each is good once, and the next one comes with the answer. One that comes again betrays that two have it.

Which of the two is the thief can't be told, so the session ends for both. Only a request that came in before the successor was in anybody's
hands is no reuse: a browser with two tabs, a client that tries twice. It gets nothing, and the session lives. To make that a fact and not a
guess, the answer with the successor is held back until nobody else has shown the token for a while, and the instant when it leaves is
written down first: `replaced_at` is when the token was shown last until then, `revoked_at` that instant. What comes in later comes from
somebody who could have known (docs/decisions/0014).
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from parley.identity import sessions, single_sign_on, tickets
from parley.identity.models import RefreshToken, User, UserSession, UserStatus
from parley.identity.sessions import Chosen, Started, as_user
from parley.identity.single_sign_on import SingleSignOnRequired
from parley.kernel import audit, db, keyed
from parley.kernel.admission import NotAMember, SessionEnded
from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.errors import Refusal, Unauthenticated
from parley.kernel.gather import later

NAP = timedelta(milliseconds=25)
ALONE, AMONG_OTHERS = 10, 24
"""How many naps without another one who shows the token: at first, and once somebody has. Naps are counted, and not the time: a machine
that stands still, or has no turn to give, hears nobody meanwhile."""
LONGEST = timedelta(seconds=3)
_CLOCKS = timedelta(milliseconds=10)  # that those of gateway and function may differ by
_GATEWAY = timedelta(seconds=30)  # after which it gives a request up, and there is no answer that could still leave


class InvalidRefreshToken(Unauthenticated):
    """It is no refresh token of ours."""


class RefreshTokenReplaced(Unauthenticated):
    """Another request with the same token came in at the same time, and got the next one."""


class RefreshTokenReused(Unauthenticated):
    """The token was used before. The session has ended."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """`used_id` is the token that was used up, `at` when."""

    started: Started
    used_id: UUID
    at: datetime

    def hold_back(self, caller: Caller) -> None:
        """Wait until the answer may leave."""
        naps, last = ALONE, self.at
        while True:
            while naps > 0 and now() < self.at + LONGEST:
                time.sleep(NAP.total_seconds())
                naps -= 1
            shown = self._let_go(caller, last)
            if shown is None:
                time.sleep(_CLOCKS.total_seconds())
                return
            naps, last = AMONG_OTHERS, shown

    def _let_go(self, caller: Caller, last: datetime) -> datetime | None:
        """Write down that the answer leaves; or when the token was shown, if that was after `last`."""
        of_used = RefreshToken.id == self.used_id
        leaving = update(RefreshToken).where(of_used, RefreshToken.revoked_at.is_(None))
        if now() < self.at + LONGEST:
            leaving = leaving.where(RefreshToken.replaced_at <= last)
        with db.personal(caller, self.started.user_id) as session:
            if session.execute(leaving.values(revoked_at=now()).returning(RefreshToken.id)).one_or_none() is not None:
                return None
            # Without a row, the session has ended meanwhile.
            return session.scalar(select(RefreshToken.replaced_at).where(of_used, RefreshToken.revoked_at.is_(None)))


def arrival(event: dict[str, Any]) -> datetime:
    """When API Gateway took the request in; now, if it does not say so to the millisecond."""
    at = datetime.fromtimestamp(event.get("requestContext", {}).get("timeEpoch", 0) / 1000, UTC)
    return at if abs(now() - at) < _GATEWAY else now()


def rotate(caller: Caller, token: str, arrived_at: datetime) -> Rotated:
    """Use a refresh token up, and give its successor, for the same session.

    Raises `InvalidRefreshToken`, `SessionEnded`, `RefreshTokenReplaced`, and `RefreshTokenReused`, which has ended the session.
    """
    user_id = tickets.user_of(sessions.PREFIX, token)
    if user_id is None:
        raise _invalid()
    digest = keyed.digest(sessions.PURPOSE, token)
    with db.personal(caller, user_id) as session:
        # Writing down that the session is used takes its row: whoever changes one of its tokens, or ends it, waits here and sees the others
        # as they are after that. The session first and then its tokens, as everywhere, so that two of them never wait for each other.
        family = select(RefreshToken.family_id).where(RefreshToken.token_hash == digest).scalar_subquery()
        later(session, update(UserSession).where(UserSession.id == family).values(last_used_at=now()))
        found = session.execute(
            select(RefreshToken, UserSession, User)
            .join(UserSession, UserSession.id == RefreshToken.family_id)
            .join(User, User.id == RefreshToken.user_id)
            .where(RefreshToken.token_hash == digest)
        ).one_or_none()
        if found is None:
            raise _invalid()
        outcome = _outcome(session, caller, *found, arrived_at)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def _invalid() -> InvalidRefreshToken:
    return InvalidRefreshToken("This refresh token is not one of ours; log in again.")


def _outcome(
    session: Session, caller: Caller, old: RefreshToken, family: UserSession, user: User, arrived_at: datetime
) -> Rotated | Refusal:
    at = now()
    is_over = family.revoked_at is not None or min(family.expires_at, old.expires_at) <= at
    if is_over or user.status is not UserStatus.ACTIVE:
        return SessionEnded("This session has ended; log in again.")
    is_lost = old.replaced_at is not None and old.revoked_at is None and old.replaced_at < at - _GATEWAY  # an answer that never left
    if old.replaced_at is None or is_lost:
        place = _place(session, family)
        if place is None and single_sign_on.METHOD in family.methods:  # it works for that organization, or for none
            sessions.revoke(session, family.id, because="no member any more")
            return SessionEnded("You are not a member of this organization any more.")
        return Rotated(_next(session, caller, old, family, user, place, at), old.id, at)
    if old.revoked_at is None:
        old.replaced_at = at
    if old.revoked_at is None or arrived_at < old.revoked_at:
        return RefreshTokenReplaced("This token was refreshed by another request at the same time; use the token that it got.")
    place = _place(session, family)
    sessions.revoke(session, family.id, because="refresh token reused")
    audited = as_user(caller, user.id, place.id if place else None)
    audit.record(session, audited, "security.suspicious_activity_seen", family, reason="refresh_token_reused")
    return RefreshTokenReused("This token was used before: somebody else may have it. The session has ended; log in again.")


def _place(session: Session, family: UserSession) -> Chosen | None:
    """The organization of the session, while its user belongs to it."""
    if family.organization_id is None:
        return None
    try:
        return sessions.chosen(session, family.user_id, methods=family.methods, wanted=family.organization_id)
    except (NotAMember, SingleSignOnRequired):
        return None


def _next(
    session: Session, caller: Caller, old: RefreshToken, family: UserSession, user: User, place: Chosen | None, at: datetime
) -> Started:
    family.organization_id = place.id if place else None
    family.expires_at = min(at + sessions.REFRESH_LIFE, family.created_at + sessions.LONGEST)
    family.ip_address, family.user_agent = caller.ip_address, caller.user_agent
    token, row = sessions.new_refresh_token(user.id, family)
    session.add(row)
    if old.replaced_by is not None:
        later(session, delete(RefreshToken).where(RefreshToken.id == old.replaced_by))  # nobody ever had it
    old.replaced_by, old.replaced_at = row.id, at
    return Started(family.id, user.id, user.email, user.name, place, token)
