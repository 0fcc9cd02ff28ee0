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
        account = user_accounts.current_account(session)
        second_factor.must_be_off(account.has_second_factor)
        refusal = reauthentication.prove(session, caller, account, password, code)
        if refusal is None:
            begun = second_factor.begin(session, account.user)
    if refusal is not None:
        raise refusal
    return begun


def confirm_totp(caller: Caller, code: str) -> list[str]:
    """The recovery codes. Raises `InvalidCode`, `NoSecondFactor`, `SecondFactorOn`, `TooManyAttempts`."""
    codes: list[str] | None = None
    at = now()
    with transactions.personal(caller) as session:
        account = user_accounts.current_account(session)
        attempt = brute_force_throttle.count_attempt(session, brute_force_throttle.proof_subject(account.user.id), caller.ip_address)
        codes = second_factor.confirm(session, account.user.id, code)
        if codes is not None:
            brute_force_throttle.take_back(session, attempt)
            _tell(session, caller, account, SecurityChange.SECOND_FACTOR_ON, at)
    if codes is None:
        raise InvalidCode("This code is not right, or was used already.")
    return codes


def disable_totp(caller: Caller, password: str | None, code: str | None) -> None:
    """Turn the second factor off. Raises `NoSecondFactor`, the refusals of `reauthentication.prove`."""
    with transactions.personal(caller) as session:
        account = _with_second_factor(session)
        refusal = reauthentication.prove(session, caller, account, password, code)
        if refusal is None:
            second_factor.turn_off(session, account.user.id)
            _tell(session, caller, account, SecurityChange.SECOND_FACTOR_OFF, now())
    if refusal is not None:
        raise refusal


def renew_recovery_codes(caller: Caller, password: str | None, code: str | None) -> list[str]:
    """New recovery codes instead of the old ones. Raises as `disable_totp`."""
    codes: list[str] = []
    at = now()
    with transactions.personal(caller) as session:
        account = _with_second_factor(session)
        refusal = reauthentication.prove(session, caller, account, password, code)
        if refusal is None:
            codes = second_factor.new_recovery_codes(session, account.user.id)
            _tell(session, caller, account, SecurityChange.RECOVERY_CODES, at)
    if refusal is not None:
        raise refusal
    return codes


def _with_second_factor(session: Session) -> Account:
    account = user_accounts.current_account(session)
    if not account.has_second_factor:
        raise second_factor.NoSecondFactor("You have no second factor; begin with POST /v1/auth/totp.")
    return account


def _tell(session: Session, caller: Caller, account: Account, change: SecurityChange, since: datetime) -> None:
    audit.record(
        session, as_user(caller, account.user.id, account.witness_id), IdentityAction.USER_UPDATED, account.user, changed=[change.value]
    )
    security_alerts.tell(session, account.user.id, change, since)
