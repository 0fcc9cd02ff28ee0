"""A fresh proof of who asks: what every change of how somebody comes in takes, by one rule.

A token may be somebody else's by now. So address, password, second factor, recovery codes, providers and the end of the account take the
password or a code; who has neither has logged in within the last minutes. A session that was refreshed began when it began.
"""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.accounts import passwords, second_factor
from parley.identity.accounts.second_factor import InvalidCode
from parley.identity.accounts.user_accounts import Account
from parley.identity.log_in import brute_force_throttle
from parley.identity.models import UserSession
from parley.kernel.access.callers import Caller
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, Forbidden, Refusal

RECENT = timedelta(minutes=10)


class WrongPassword(Forbidden):
    """The current password is another one, or was not sent."""


class NoPassword(Conflict):
    """The account has no password: its user logs in otherwise."""


class LogInAgain(Forbidden):
    """The account has neither password nor second factor, and the log-in that would prove who asks is too long ago."""


def prove(session: Session, caller: Caller, account: Account, password: str | None, code: str | None) -> Refusal | None:
    """Check the proof, counted by itself, in the person's transaction. None, or the refusal to raise once the count has committed."""
    if password is not None:
        return prove_password(session, caller, account, password)
    if code is not None or (account.has_second_factor and account.user.password_hash is None):
        return _code(session, caller, account, code or "")
    if account.user.password_hash is not None:
        return WrongPassword("Send the password of the account, or a code of its second factor.")
    return (
        None if _is_recent(session, caller) else LogInAgain("This log-in is more than ten minutes old; log in once more, then try again.")
    )


def prove_password(session: Session, caller: Caller, account: Account, password: str) -> Refusal | None:
    user = account.user
    if user.password_hash is None:
        return NoPassword("This account has no password; ask for a link that sets one: POST /v1/auth/password-reset.")
    try:
        attempt = brute_force_throttle.count_attempt(session, brute_force_throttle.proof_subject(user.id), caller.ip_address)
    except brute_force_throttle.TooManyAttempts as refusal:
        return refusal
    if not passwords.matches(user.password_hash, password):
        return WrongPassword("The current password is another one.")
    brute_force_throttle.take_back(session, attempt)
    return None


def _code(session: Session, caller: Caller, account: Account, code: str) -> Refusal | None:
    try:
        attempt = brute_force_throttle.count_attempt(session, brute_force_throttle.proof_subject(account.user.id), caller.ip_address)
    except brute_force_throttle.TooManyAttempts as refusal:
        return refusal
    if second_factor.verify_code(session, account.user.id, code) is None:
        return InvalidCode("This code is not right, or was used already.")
    brute_force_throttle.take_back(session, attempt)
    return None


def _is_recent(session: Session, caller: Caller) -> bool:
    session_id = caller.admission.session_id if caller.admission is not None else None
    began_at = session.scalar(select(UserSession.created_at).where(UserSession.id == session_id)) if session_id is not None else None
    return began_at is not None and began_at > now() - RECENT
