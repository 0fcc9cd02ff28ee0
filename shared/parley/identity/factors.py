"""What somebody does to their own second factor while logged in."""

from datetime import datetime

from sqlalchemy.orm import Session

from parley.identity import alerts, oneself, reauthentication, second_factors, throttles
from parley.identity.alerts import Change
from parley.identity.log_in import Account
from parley.identity.second_factors import InvalidCode
from parley.identity.sessions import as_user
from parley.kernel import audit, db
from parley.kernel.callers import Caller
from parley.kernel.clock import now


def enrol_totp(caller: Caller, password: str | None, code: str | None) -> tuple[str, str]:
    """A new secret and its otpauth URI. Raises `SecondFactorOn`, the refusals of `reauthentication.prove`."""
    begun = "", ""
    with db.personal(caller) as session:
        known = oneself.known(session)
        second_factors.must_be_off(known.has_second_factor)
        refusal = reauthentication.prove(session, caller, known, password, code)
        if refusal is None:
            begun = second_factors.begin(session, known.user)
    if refusal is not None:
        raise refusal
    return begun


def confirm_totp(caller: Caller, code: str) -> list[str]:
    """The recovery codes. Raises `InvalidCode`, `NoSecondFactor`, `SecondFactorOn`, `TooManyAttempts`."""
    codes: list[str] | None = None
    at = now()
    with db.personal(caller) as session:
        known = oneself.known(session)
        attempt = throttles.attempt_within(session, throttles.proof_of(known.user.id), caller.ip_address)
        codes = second_factors.confirm(session, known.user.id, code)
        if codes is not None:
            throttles.succeeded(session, attempt)
            _tell(session, caller, known, Change.SECOND_FACTOR_ON, at)
    if codes is None:
        raise InvalidCode("This code is not right, or was used already.")
    return codes


def disable_totp(caller: Caller, password: str | None, code: str | None) -> None:
    """Turn the second factor off. Raises `NoSecondFactor`, the refusals of `reauthentication.prove`."""
    with db.personal(caller) as session:
        known = _with_second_factor(session)
        refusal = reauthentication.prove(session, caller, known, password, code)
        if refusal is None:
            second_factors.turn_off(session, known.user.id)
            _tell(session, caller, known, Change.SECOND_FACTOR_OFF, now())
    if refusal is not None:
        raise refusal


def renew_recovery_codes(caller: Caller, password: str | None, code: str | None) -> list[str]:
    """New recovery codes instead of the old ones. Raises as `disable_totp`."""
    codes: list[str] = []
    at = now()
    with db.personal(caller) as session:
        known = _with_second_factor(session)
        refusal = reauthentication.prove(session, caller, known, password, code)
        if refusal is None:
            codes = second_factors.new_recovery_codes(session, known.user.id)
            _tell(session, caller, known, Change.RECOVERY_CODES, at)
    if refusal is not None:
        raise refusal
    return codes


def _with_second_factor(session: Session) -> Account:
    known = oneself.known(session)
    if not known.has_second_factor:
        raise second_factors.NoSecondFactor("You have no second factor; begin with POST /v1/auth/totp.")
    return known


def _tell(session: Session, caller: Caller, known: Account, change: Change, since: datetime) -> None:
    audit.record(session, as_user(caller, known.user.id, known.witness_id), "user.updated", known.user, changed=[change.value])
    alerts.tell(session, known.user.id, change, since)
