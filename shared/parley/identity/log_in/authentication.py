"""Logging in with a password, and what is common to all ways in.

Nothing in the answer, and as little as possible in its time, tells whether an address has an account: the same statements run, and one
password is verified, whether or not there is one.
"""

from collections.abc import Sequence

from sqlalchemy import update
from sqlalchemy.orm import Session

from parley.identity.accounts import passwords, second_factor, user_accounts
from parley.identity.accounts.user_accounts import Account
from parley.identity.declared import IdentityAction
from parley.identity.log_in import brute_force_throttle, mfa_challenge
from parley.identity.models import User, VerificationToken
from parley.identity.sessions import log_in_sessions
from parley.identity.sessions.log_in_sessions import LogInSession
from parley.kernel.access.callers import NOWHERE, Caller
from parley.kernel.audit import audit
from parley.kernel.audit.audit_actions import SecurityAction
from parley.kernel.persistence import transactions
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.errors import Refusal, Unauthenticated
from parley.kernel.values.ids import new_id


class InvalidCredentials(Unauthenticated):
    """Address and password do not belong together, or there is no such account."""


def log_in(caller: Caller, email: str, password: str) -> LogInSession:
    """Raises `InvalidCredentials`, `TooManyAttempts`, `mfa_challenge.SecondFactorRequired`."""
    attempt = brute_force_throttle.count_log_in(email, caller)
    # Of nobody: the same questions, about a user who is not there.
    with transactions.personal(caller, attempt.user_id or new_id()) as session:
        account = user_accounts.active_account(session, session.info["user_id"])
        is_right = passwords.matches(account.user.password_hash if account else None, password)
        if account is not None and is_right:
            brute_force_throttle.take_back(session, attempt)
            _keep_up_to_date(session, account.user, password)
            outcome = continue_log_in(session, caller, account, ["pwd"])
        else:
            outcome = record_failure(session, caller, account, "pwd", attempt)
    return session_or_raise(outcome)


def continue_log_in(session: Session, caller: Caller, account: Account, methods: Sequence[str]) -> LogInSession | Refusal:
    """After a first factor: a session, or the refusal that asks for the second."""
    if account.has_second_factor:
        return mfa_challenge.make(session, account.user, methods)
    return log_in_sessions.start(session, caller, account.user, methods)


def record_failure(
    session: Session, caller: Caller, account: Account | None, method: str, attempt: brute_force_throttle.ThrottledAttempt
) -> Refusal:
    """Audit a failure, and that failures are many: for an organization of the user's, or for none.

    The refusal is raised once that has committed.
    """
    where = caller.acting_for(account.witness_id if account and account.witness_id else NOWHERE)
    audit.record(session, where, IdentityAction.USER_LOGIN_FAILED, account.user if account else None, method=method)
    if attempt.failures >= brute_force_throttle.FREE_FAILURES:
        reason, user = "repeated_login_failures", account.user if account else None
        audit.record(session, where, SecurityAction.SUSPICIOUS_ACTIVITY_SEEN, user, reason=reason, failures=attempt.failures)
    return InvalidCredentials("Address and password do not belong together.")


def session_or_raise(outcome: LogInSession | Refusal) -> LogInSession:
    """What a transaction ended with, after its commit. Raises the refusal."""
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def _keep_up_to_date(session: Session, user: User, password: str) -> None:
    if user.password_hash is not None and passwords.is_outdated(user.password_hash):
        execute_later(session, update(User).where(user_accounts.is_undeleted(user.id)).values(password_hash=passwords.hashed(password)))


def answer_challenge(caller: Caller, ticket: str, code: str) -> LogInSession:
    """The second step. Raises `ChallengeNotValid`, `InvalidCode`, `TooManyAttempts`."""
    user_id = mfa_challenge.user_of(ticket)
    with transactions.personal(caller, user_id) as session:
        account = user_accounts.active_account(session, user_id)
        if account is None:
            raise mfa_challenge.not_valid()
        challenge = mfa_challenge.lock_challenge(session, ticket, account.user)
        outcome = _second_factor(session, caller, account, challenge, code)
    return session_or_raise(outcome)


def _second_factor(session: Session, caller: Caller, account: Account, challenge: VerificationToken, code: str) -> LogInSession | Refusal:
    # Counted for who holds a challenge alone: nobody else can keep a user out.
    try:
        attempt = brute_force_throttle.count_attempt(
            session, brute_force_throttle.second_factor_subject(account.user, caller), caller.ip_address
        )
    except brute_force_throttle.TooManyAttempts as refusal:
        return refusal
    method = second_factor.verify_code(session, account.user.id, code)
    if method is None:
        record_failure(session, caller, account, "second_factor", attempt)
        return second_factor.InvalidCode("This code is not right, or was used already.")
    brute_force_throttle.take_back(session, attempt)
    mfa_challenge.use(session, challenge)
    return log_in_sessions.start(session, caller, account.user, [*(challenge.wanted or {}).get("methods", []), method, "mfa"])
