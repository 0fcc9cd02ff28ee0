"""What somebody does to their own second factor while logged in."""

from datetime import datetime

from sqlalchemy.orm import Session

from parley.identity.accounts import second_factor, security_alerts, user_accounts
from parley.identity.accounts.second_factor import InvalidCode
from parley.identity.accounts.security_alerts import SecurityChange
from parley.identity.accounts.user_accounts import Account
from parley.identity.declared import IdentityAction
from parley.identity.log_in import brute_force_throttle, reauthentication
from parley.identity.sessions.log_in_sessions import as_user
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now


def enrol_totp(caller: Caller, password: str | None, code: str | None) -> tuple[str, str]:
    """A new secret and its otpauth URI. Raises `SecondFactorOn`, the refusals of `reauthentication.prove`."""
    begun = "", ""
    with transactions.personal(caller) as session:
        known = user_accounts.current_account(session)
        second_factor.must_be_off(known.has_second_factor)
        refusal = reauthentication.prove(session, caller, known, password, code)
        if refusal is None:
            begun = second_factor.begin(session, known.user)
    if refusal is not None:
        raise refusal
    return begun


def confirm_totp(caller: Caller, code: str) -> list[str]:
    """The recovery codes. Raises `InvalidCode`, `NoSecondFactor`, `SecondFactorOn`, `TooManyAttempts`."""
    codes: list[str] | None = None
    at = now()
    with transactions.personal(caller) as session:
        known = user_accounts.current_account(session)
        attempt = brute_force_throttle.count_attempt(session, brute_force_throttle.proof_subject(known.user.id), caller.ip_address)
        codes = second_factor.confirm(session, known.user.id, code)
        if codes is not None:
            brute_force_throttle.take_back(session, attempt)
            _tell(session, caller, known, SecurityChange.SECOND_FACTOR_ON, at)
    if codes is None:
        raise InvalidCode("This code is not right, or was used already.")
    return codes


def disable_totp(caller: Caller, password: str | None, code: str | None) -> None:
    """Turn the second factor off. Raises `NoSecondFactor`, the refusals of `reauthentication.prove`."""
    with transactions.personal(caller) as session:
        known = _with_second_factor(session)
        refusal = reauthentication.prove(session, caller, known, password, code)
        if refusal is None:
            second_factor.turn_off(session, known.user.id)
            _tell(session, caller, known, SecurityChange.SECOND_FACTOR_OFF, now())
    if refusal is not None:
        raise refusal


def renew_recovery_codes(caller: Caller, password: str | None, code: str | None) -> list[str]:
    """New recovery codes instead of the old ones. Raises as `disable_totp`."""
    codes: list[str] = []
    at = now()
    with transactions.personal(caller) as session:
        known = _with_second_factor(session)
        refusal = reauthentication.prove(session, caller, known, password, code)
        if refusal is None:
            codes = second_factor.new_recovery_codes(session, known.user.id)
            _tell(session, caller, known, SecurityChange.RECOVERY_CODES, at)
    if refusal is not None:
        raise refusal
    return codes


def _with_second_factor(session: Session) -> Account:
    known = user_accounts.current_account(session)
    if not known.has_second_factor:
        raise second_factor.NoSecondFactor("You have no second factor; begin with POST /v1/auth/totp.")
    return known


def _tell(session: Session, caller: Caller, known: Account, change: SecurityChange, since: datetime) -> None:
    audit.record(session, as_user(caller, known.user.id, known.witness_id), IdentityAction.USER_UPDATED, known.user, changed=[change.value])
    security_alerts.tell(session, known.user.id, change, since)
