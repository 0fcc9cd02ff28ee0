"""Refresh tokens rotate: each is good once, and the next one comes with the answer. One that comes again betrays that two have it.

Which of the two is the thief can't be told, so the session ends for both. Only a request that came in before the successor was in anybody's
hands is no reuse: a browser with two tabs, a client that tries twice. It gets nothing, and the session lives. To make that a fact and not a
guess, the answer with the successor is held back until nobody else has shown the token for a while, and the instant when it leaves is
written down first: `replaced_at` is when the token was shown last until then, `revoked_at` that instant. What comes in later comes from
somebody who could have known (docs/decisions/0014).

An answer that we did not give makes nobody a thief (docs/decisions/0049): where a commit is not answered, what became of it is asked; where
the answer can't be made, the token is taken back; and whatever is left is over half a minute after the first use, however often one asks.
All instants are the database's, but for a request's arrival, which is the gateway's.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, aliased

from parley.identity.accounts import user_bound_tokens
from parley.identity.models import RefreshToken, User, UserSession, UserStatus
from parley.identity.sessions import log_in_sessions, session_revocation, single_sign_on
from parley.identity.sessions.log_in_sessions import LogInSession, SessionOrganization, as_user
from parley.identity.sessions.single_sign_on import SingleSignOnRequired
from parley.kernel.access.admission import NotAMember, SessionEnded
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.audit.audit_actions import SecurityAction
from parley.kernel.persistence import transactions
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.postgres.integrity_errors import is_passing
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Refusal, Unauthenticated

POLL_INTERVAL = timedelta(milliseconds=25)
POLLS_ALONE, POLLS_CONTENDED = 10, 24
"""How many naps without another one who shows the token: at first, and once somebody has. Naps are counted, and not the time: a machine
that stands still, or has no turn to give, hears nobody meanwhile."""
LONGEST = timedelta(seconds=3)
_CLOCKS = timedelta(milliseconds=10)  # that those of gateway and function may differ by
_MILLISECONDS = 10**12  # since 1970, in 2001: less are seconds
_GATEWAY = timedelta(seconds=30)  # after which it gives a request up, and there is no answer that could still leave


class InvalidRefreshToken(Unauthenticated):
    """It is no refresh token of ours."""


class RefreshTokenReplaced(Unauthenticated):
    """Another request with the same token came in at the same time, and got the next one."""


class RefreshTokenReused(Unauthenticated):
    """The token was used before. The session has ended."""


@dataclass(frozen=True, slots=True)
class RefreshTokenRotation:
    """`used_id` is the token that was used up, `next_id` its successor, `at` when, by the database's clock."""

    started: LogInSession
    used_id: UUID
    next_id: UUID
    at: datetime
    _ends: float = field(default_factory=lambda: time.monotonic() + LONGEST.total_seconds())

    @contextmanager
    def leaving(self, caller: Caller) -> Iterator[None]:
        """Make the answer in the block; at its end, wait until it may leave. If it can't be made, the token is good again."""
        try:
            yield
        except BaseException:
            with suppress(DBAPIError):  # then it is good half a minute after its first use
                self._take_back(caller)
            raise
        self.hold_back(caller)

    def hold_back(self, caller: Caller) -> None:
        """Wait until the answer may leave."""
        naps, last = POLLS_ALONE, self.at
        while True:
            while naps > 0 and time.monotonic() < self._ends:
                time.sleep(POLL_INTERVAL.total_seconds())
                naps -= 1
            shown = self._let_go_once(caller, last)
            if shown is None:
                time.sleep(_CLOCKS.total_seconds())
                return
            naps, last = POLLS_CONTENDED, shown

    def _let_go_once(self, caller: Caller, last: datetime) -> datetime | None:
        """Like `_let_go`. A commit that is not answered is done again, which changes nothing if it was done.

        If that is not answered either, the answer leaves all the same: a refusal would make the next request with this token a theft if the
        first commit was done. If it was not, the first use of the successor says that it has left (`_outcome`).
        """
        for _ in range(2):
            try:
                return self._let_go(caller, last)
            except DBAPIError as error:
                if not is_passing(error):
                    raise
        return None

    def _let_go(self, caller: Caller, last: datetime) -> datetime | None:
        """Write down that the answer leaves; or when the token was shown, if that was after `last`."""
        of_used = (RefreshToken.id == self.used_id) & (RefreshToken.replaced_by == self.next_id)
        leaving = update(RefreshToken).where(of_used, RefreshToken.revoked_at.is_(None))
        if time.monotonic() < self._ends:
            leaving = leaving.where(RefreshToken.replaced_at <= last)
        with transactions.personal(caller, self.started.user_id) as session:
            if session.execute(leaving.values(revoked_at=func.clock_timestamp()).returning(RefreshToken.id)).one_or_none() is not None:
                return None
            # Without a row, the session has ended meanwhile, or it was written down before.
            return session.scalar(select(RefreshToken.replaced_at).where(of_used, RefreshToken.revoked_at.is_(None)))

    def _take_back(self, caller: Caller) -> None:
        """Nobody has the successor, nor ever will: the token is as if it had not been used."""
        condition = (RefreshToken.id == self.used_id) & (RefreshToken.replaced_by == self.next_id) & RefreshToken.revoked_at.is_(None)
        unused = update(RefreshToken).where(condition).values(replaced_by=None, replaced_at=None).returning(RefreshToken.id)
        with transactions.personal(caller, self.started.user_id) as session:
            _lock(session, self.started.session_id)
            if session.execute(unused).one_or_none() is not None:
                execute_later(session, delete(RefreshToken).where(RefreshToken.id == self.next_id))

    def is_written(self, caller: Caller) -> bool:
        """Whether the commit that was not answered was done."""
        of_used = (RefreshToken.id == self.used_id) & (RefreshToken.replaced_by == self.next_id)
        with transactions.personal(caller, self.started.user_id) as session:
            return session.scalar(select(RefreshToken.id).where(of_used)) is not None


def _lock(session: Session, session_id: UUID) -> None:
    """Whoever changes a session's tokens takes its row first, so that two of them never wait for each other."""
    session.execute(select(UserSession.id).where(UserSession.id == session_id).with_for_update())


def received_at(event: dict[str, Any]) -> datetime:
    """When API Gateway took the request in; now, if it does not say so to the millisecond."""
    milliseconds = event.get("requestContext", {}).get("timeEpoch", 0)
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds > _MILLISECONDS else now()


def rotate(caller: Caller, token: str, arrived_at: datetime) -> RefreshTokenRotation:
    """Use a refresh token up, and give its successor, for the same session.

    Raises `InvalidRefreshToken`, `SessionEnded`, `RefreshTokenReplaced`, and `RefreshTokenReused`, which has ended the session.
    """
    user_id = user_bound_tokens.user_of(log_in_sessions.PREFIX, token)
    if user_id is None:
        raise _invalid()
    digest = secret_hashes.digest(log_in_sessions.PURPOSE, token)
    outcome: RefreshTokenRotation | Refusal | None = None
    try:
        with transactions.personal(caller, user_id) as session:
            outcome = _outcome(session, caller, *_shown(session, digest), arrived_at)
    except DBAPIError as error:
        # Without an outcome it failed before the commit. With one, the commit was not answered: whether it was done is asked.
        if not isinstance(outcome, RefreshTokenRotation) or not is_passing(error) or not outcome.is_written(caller):
            raise
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def _shown(session: Session, digest: str) -> tuple[RefreshToken, UserSession, User, datetime | None, datetime]:
    """The token that is shown, its session, its user, since when it has a successor, and the time. Raises `InvalidRefreshToken`."""
    # Writing down that the session is used takes its row: whoever changes one of its tokens, or ends it, waits here and sees the others
    # as they are after that. The session first and then its tokens, as everywhere, so that two of them never wait for each other.
    family = select(RefreshToken.family_id).where(RefreshToken.token_hash == digest).scalar_subquery()
    execute_later(session, update(UserSession).where(UserSession.id == family).values(last_used_at=now()))
    successor = aliased(RefreshToken)
    row = session.execute(
        select(RefreshToken, UserSession, User, successor.created_at, func.clock_timestamp())
        .join(UserSession, UserSession.id == RefreshToken.family_id)
        .join(User, User.id == RefreshToken.user_id)
        .outerjoin(successor, successor.id == RefreshToken.replaced_by)
        .where(RefreshToken.token_hash == digest)
    ).one_or_none()
    if row is None:
        raise _invalid()
    return row[0], row[1], row[2], row[3], row[4]


def _invalid() -> InvalidRefreshToken:
    return InvalidRefreshToken("This refresh token is not one of ours; log in again.")


def _outcome(
    session: Session,
    caller: Caller,
    old: RefreshToken,
    family: UserSession,
    user: User,
    used_since: datetime | None,
    at: datetime,
    arrived_at: datetime,
) -> RefreshTokenRotation | Refusal:
    arrived_at = arrived_at if abs(at - arrived_at) < _GATEWAY else at
    is_over = family.revoked_at is not None or min(family.expires_at, old.expires_at) <= at
    if is_over or user.status is not UserStatus.ACTIVE:
        return SessionEnded("This session has ended; log in again.")
    # An answer that never left, since its first use: to ask again does not prolong it.
    is_lost = old.replaced_at is not None and old.revoked_at is None and min(old.replaced_at, used_since or at) < at - _GATEWAY
    if old.replaced_at is None or is_lost:
        organization = _place(session, family)
        if organization is None and single_sign_on.METHOD in family.methods:  # it works for that organization, or for none
            session_revocation.revoke(session, family.id, because="no member any more")
            return SessionEnded("You are not a member of this organization any more.")
        started, next_id = _next(session, caller, old, family, user, organization, at)
        return RefreshTokenRotation(started, old.id, next_id, at)
    if old.revoked_at is None:
        old.replaced_at = at
    if old.revoked_at is None or arrived_at < old.revoked_at:
        return RefreshTokenReplaced("This token was refreshed by another request at the same time; use the token that it got.")
    organization = _place(session, family)
    session_revocation.revoke(session, family.id, because="refresh token reused")
    audited = as_user(caller, user.id, organization.id if organization else None)
    audit.record(session, audited, SecurityAction.SUSPICIOUS_ACTIVITY_SEEN, family, reason="refresh_token_reused")
    return RefreshTokenReused("This token was used before: somebody else may have it. The session has ended; log in again.")


def _place(session: Session, family: UserSession) -> SessionOrganization | None:
    """The organization of the session, while its user belongs to it."""
    if family.organization_id is None:
        return None
    try:
        return log_in_sessions.choose_organization(session, family.user_id, methods=family.methods, wanted=family.organization_id)
    except (NotAMember, SingleSignOnRequired):
        return None


def _next(
    session: Session,
    caller: Caller,
    old: RefreshToken,
    family: UserSession,
    user: User,
    organization: SessionOrganization | None,
    at: datetime,
) -> tuple[LogInSession, UUID]:
    family.organization_id = organization.id if organization else None
    family.expires_at = min(at + log_in_sessions.REFRESH_LIFE, family.created_at + log_in_sessions.LONGEST)
    family.ip_address, family.user_agent = caller.ip_address, caller.user_agent
    token, row = log_in_sessions.new_refresh_token(user.id, family)
    row.created_at = at
    session.add(row)
    # Whoever shows this one has got it: the answer that brought it has left, whatever could be written down then.
    before = (RefreshToken.family_id == family.id) & (RefreshToken.replaced_by == old.id) & RefreshToken.revoked_at.is_(None)
    execute_later(session, update(RefreshToken).where(before).values(revoked_at=at))
    if old.replaced_by is not None:
        execute_later(session, delete(RefreshToken).where(RefreshToken.id == old.replaced_by))  # nobody ever had it
    old.replaced_by, old.replaced_at = row.id, at
    return LogInSession(family.id, user.id, user.email, user.name, organization, token), row.id
