"""Logging in with a password, and what is common to all ways in.

Nothing in the answer, and as little as possible in its time, tells whether an address has an account: the same statements run, and one
password is verified, whether or not there is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.identity import accounts, challenges, passwords, second_factors, sessions, throttles
from parley.identity.models import OrganizationMember, User, UserStatus, UserTotp, VerificationToken
from parley.identity.sessions import Started
from parley.kernel import audit, db
from parley.kernel.callers import NOWHERE, Caller
from parley.kernel.errors import Refusal, Unauthenticated
from parley.kernel.gather import later
from parley.kernel.ids import new_id


class InvalidCredentials(Unauthenticated):
    """Address and password do not belong together, or there is no such account."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the ways in see them. `has_second_factor`: a confirmed one. `witness_id` is the organization that is told of failures."""

    user: User
    has_second_factor: bool
    witness_id: UUID | None


def account(session: Session, user_id: UUID) -> Account | None:
    """An active user, in a transaction of theirs. One query."""
    witness = (
        select(OrganizationMember.organization_id)
        .where(OrganizationMember.user_id == user_id)
        .order_by(OrganizationMember.organization_id.is_not_distinct_from(User.last_organization_id).desc(), OrganizationMember.joined_at)
        .limit(1)
        .correlate(User)
        .scalar_subquery()
    )
    found = session.execute(
        select(User, UserTotp.confirmed_at, witness).outerjoin(UserTotp, UserTotp.user_id == User.id).where(User.id == user_id)
    ).one_or_none()
    if found is None or found[0].status is not UserStatus.ACTIVE:
        return None
    return Account(found[0], found[1] is not None, found[2])


def log_in(caller: Caller, email: str, password: str) -> Started:
    """Raises `InvalidCredentials`, `TooManyAttempts`, `challenges.SecondFactorRequired`."""
    attempt = throttles.log_in(email, caller)
    # Of nobody: the same questions, about a user who is not there.
    with db.personal(caller, attempt.user_id or new_id()) as session:
        known = account(session, session.info["user_id"])
        is_right = passwords.matches(known.user.password_hash if known else None, password)
        if known is not None and is_right:
            throttles.succeeded(session, attempt)
            _keep_up_to_date(session, known.user, password)
            outcome = go_on(session, caller, known, ["pwd"])
        else:
            outcome = failed(session, caller, known, "pwd", attempt)
    return settled(outcome)


def go_on(session: Session, caller: Caller, known: Account, methods: Sequence[str]) -> Started | Refusal:
    """After a first factor: a session, or the refusal that asks for the second."""
    if known.has_second_factor:
        return challenges.make(session, known.user, methods)
    return sessions.start(session, caller, known.user, methods)


def failed(session: Session, caller: Caller, known: Account | None, method: str, attempt: throttles.Attempt) -> Refusal:
    """Audit a failure, and that failures are many: for an organization of the user's, or for none.

    The refusal is raised once that has committed.
    """
    where = caller.acting_for(known.witness_id if known and known.witness_id else NOWHERE)
    audit.record(session, where, "user.login_failed", known.user if known else None, method=method)
    if attempt.failures >= throttles.FREE:
        reason, user = "repeated_login_failures", known.user if known else None
        audit.record(session, where, "security.suspicious_activity_seen", user, reason=reason, failures=attempt.failures)
    return InvalidCredentials("Address and password do not belong together.")


def settled(outcome: Started | Refusal) -> Started:
    """What a transaction ended with, after its commit. Raises the refusal."""
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def _keep_up_to_date(session: Session, user: User, password: str) -> None:
    if user.password_hash is not None and passwords.is_outdated(user.password_hash):
        later(session, update(User).where(accounts.living(user.id)).values(password_hash=passwords.hashed(password)))


def answer_challenge(caller: Caller, ticket: str, code: str) -> Started:
    """The second step. Raises `ChallengeNotValid`, `InvalidCode`, `TooManyAttempts`."""
    user_id = challenges.user_of(ticket)
    with db.personal(caller, user_id) as session:
        known = account(session, user_id)
        if known is None:
            raise challenges.not_valid()
        challenge = challenges.take_up(session, ticket, known.user)
        outcome = _second_factor(session, caller, known, challenge, code)
    return settled(outcome)


def _second_factor(session: Session, caller: Caller, known: Account, challenge: VerificationToken, code: str) -> Started | Refusal:
    # Counted for who holds a challenge alone: nobody else can keep a user out.
    try:
        attempt = throttles.attempt_within(session, throttles.second_factor_of(known.user, caller), caller.ip_address)
    except throttles.TooManyAttempts as refusal:
        return refusal
    method = second_factors.proved_by(session, known.user.id, code)
    if method is None:
        failed(session, caller, known, "second_factor", attempt)
        return second_factors.InvalidCode("This code is not right, or was used already.")
    throttles.succeeded(session, attempt)
    challenges.use(session, challenge)
    return sessions.start(session, caller, known.user, [*(challenge.wanted or {}).get("methods", []), method, "mfa"])
