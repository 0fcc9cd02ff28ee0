"""What somebody does to their own second factor while logged in."""

from sqlalchemy.orm import Session

from parley.identity import oneself, second_factors, throttles
from parley.identity.log_in import Account
from parley.identity.models import User
from parley.identity.second_factors import InvalidCode
from parley.identity.sessions import as_user
from parley.kernel import audit, db
from parley.kernel.callers import Caller
from parley.kernel.errors import Refusal


def enrol_totp(caller: Caller) -> tuple[str, str]:
    """A new secret and its otpauth URI. Raises `SecondFactorOn`."""
    with db.personal(caller) as session:
        return second_factors.begin(session, oneself.known(session).user)


def confirm_totp(caller: Caller, code: str) -> list[str]:
    """The recovery codes. Raises `InvalidCode`, `NoSecondFactor`, `SecondFactorOn`, `TooManyAttempts`."""
    codes: list[str] | None = None
    with db.personal(caller) as session:
        known = oneself.known(session)
        attempt = throttles.attempt_within(session, throttles.proof_of(known.user.id), caller.ip_address)
        codes = second_factors.confirm(session, known.user.id, code)
        if codes is not None:
            throttles.succeeded(session, attempt)
            _audit(session, caller, known, "second_factor_on")
    if codes is None:
        raise InvalidCode("This code is not right, or was used already.")
    return codes


def prove_either(session: Session, caller: Caller, user: User, password: str | None, code: str | None) -> Refusal | None:
    """Check one of the two, counted by itself. None, or the refusal to raise once the count has committed."""
    if password is not None:
        return oneself.prove(session, caller, user, password)
    try:
        attempt = throttles.attempt_within(session, throttles.proof_of(user.id), caller.ip_address)
    except throttles.TooManyAttempts as refusal:
        return refusal
    if second_factors.proved_by(session, user.id, code or "") is None:
        return InvalidCode("This code is not right, or was used already.")
    throttles.succeeded(session, attempt)
    return None


def disable_totp(caller: Caller, password: str | None, code: str | None) -> None:
    """Turn the second factor off, with the password or a code.

    Raises `WrongPassword`, `InvalidCode`, `NoSecondFactor`, `TooManyAttempts`.
    """
    with db.personal(caller) as session:
        known = _with_second_factor(session)
        refusal = prove_either(session, caller, known.user, password, code)
        if refusal is None:
            second_factors.turn_off(session, known.user.id)
            _audit(session, caller, known, "second_factor_off")
    if refusal is not None:
        raise refusal


def renew_recovery_codes(caller: Caller, password: str | None, code: str | None) -> list[str]:
    """New recovery codes instead of the old ones, with the password or a code. Raises as `disable_totp`."""
    codes: list[str] = []
    with db.personal(caller) as session:
        known = _with_second_factor(session)
        refusal = prove_either(session, caller, known.user, password, code)
        if refusal is None:
            codes = second_factors.new_recovery_codes(session, known.user.id)
            _audit(session, caller, known, "recovery_codes")
    if refusal is not None:
        raise refusal
    return codes


def _with_second_factor(session: Session) -> Account:
    known = oneself.known(session)
    if not known.has_second_factor:
        raise second_factors.NoSecondFactor("You have no second factor; begin with POST /v1/auth/totp.")
    return known


def _audit(session: Session, caller: Caller, known: Account, changed: str) -> None:
    audit.record(session, as_user(caller, known.user.id, known.witness_id), "user.updated", known.user, changed=[changed])
