"""The second factor: codes of an authenticator (TOTP, RFC 6238), and recovery codes for the day when it is lost."""

import hmac
import re
import secrets
import time
from uuid import UUID

import pyotp
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from parley.identity.accounts import user_accounts
from parley.identity.models import RecoveryCode, User, UserTotp
from parley.kernel.persistence.column_encryption import seal, unseal
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, Unauthenticated
from parley.notifications.email.email_headers import PRODUCT

STEP_SECONDS, DRIFT = 30, 1
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else: 31 characters, 49 bits in ten
_TOTP = re.compile(r"\d{6}", re.ASCII)
_SEPARATORS = str.maketrans("", "", " -")


class InvalidCode(Unauthenticated):
    """The code is not right, or was used already."""


class SecondFactorOn(Conflict):
    """The user has a second factor already."""


class NoSecondFactor(Conflict):
    """The user has none, or has not begun to enrol one."""


def must_be_off(is_on: bool) -> None:
    """Raise `SecondFactorOn`."""
    if is_on:
        raise SecondFactorOn("Your second factor is on; turn it off before you enrol another.")


def begin(session: Session, user: User) -> tuple[str, str]:
    """A new secret and its otpauth URI. It counts once a code of it is shown to `confirm`. Raises `SecondFactorOn`."""
    user_accounts.lock(session, user.id)
    totp = _totp(session, user.id)
    must_be_off(totp is not None and totp.confirmed_at is not None)
    secret = pyotp.random_base32()
    row = totp or UserTotp(user_id=user.id)
    seal(session, row, UserTotp.secret, secret)
    row.last_step = 0
    session.add(row)
    return secret, pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=user.email or str(user.id), issuer_name=PRODUCT)


def confirm(session: Session, user_id: UUID, code: str) -> list[str] | None:
    """Turn the second factor on. The recovery codes, shown this once; None for a wrong code.

    Raises `NoSecondFactor`, `SecondFactorOn`.
    """
    totp = _totp(session, user_id)
    if totp is None:
        raise NoSecondFactor("Begin with POST /v1/auth/totp.")
    if totp.confirmed_at is not None:
        raise SecondFactorOn("Your second factor is on.")
    if not _takes(session, totp, _plain(code)):
        return None
    execute_later(session, update(UserTotp).where(UserTotp.id == totp.id).values(confirmed_at=now()))
    return new_recovery_codes(session, user_id)


def is_on(session: Session, user_id: UUID) -> bool:
    return session.scalar(select(UserTotp.id).where(UserTotp.user_id == user_id, UserTotp.confirmed_at.is_not(None))) is not None


def verify_code(session: Session, user_id: UUID, code: str) -> str | None:
    """How a code proves the second factor: `otp`, `recovery_code`, or None if it does not. A code is good once."""
    plain = _plain(code)
    if _TOTP.fullmatch(plain):
        totp = _totp(session, user_id)
        return "otp" if totp is not None and totp.confirmed_at is not None and _takes(session, totp, plain) else None
    condition = (RecoveryCode.user_id == user_id) & (RecoveryCode.code_hash == _digest(user_id, plain)) & RecoveryCode.used_at.is_(None)
    used = session.execute(update(RecoveryCode).where(condition).values(used_at=now()).returning(RecoveryCode.id)).scalar_one_or_none()
    return "recovery_code" if used is not None else None


def _plain(code: str) -> str:
    """A code as people type it, without what apps put between its digits."""
    return code.translate(_SEPARATORS).lower()


def turn_off(session: Session, user_id: UUID) -> None:
    execute_later(session, delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    execute_later(session, delete(UserTotp).where(UserTotp.user_id == user_id))


def new_recovery_codes(session: Session, user_id: UUID) -> list[str]:
    """New ones instead of all that there were; shown this once."""
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(RecoveryCode(user_id=user_id, code_hash=_digest(user_id, code)) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _totp(session: Session, user_id: UUID) -> UserTotp | None:
    return session.scalar(select(UserTotp).where(UserTotp.user_id == user_id).with_for_update())


def _takes(session: Session, totp: UserTotp, code: str) -> bool:
    """Whether it is the code of this time step or a neighbour, and of none that was taken before. The row is locked."""
    maker = pyotp.TOTP(unseal(session, totp, UserTotp.secret), interval=STEP_SECONDS)
    current = int(time.time()) // STEP_SECONDS
    taken = None
    for step in range(current - DRIFT, current + DRIFT + 1):
        if hmac.compare_digest(maker.at(step * STEP_SECONDS).encode(), code.encode(errors="replace")) and step > totp.last_step:
            taken = step
    if taken is None:
        return False
    execute_later(session, update(UserTotp).where(UserTotp.id == totp.id).values(last_step=taken))
    return True


def _digest(user_id: UUID, code: str) -> str:
    return secret_hashes.digest(f"recovery code of {user_id}", code)
