"""Between the first factor and the second: a ticket for five minutes that proves the first, and is good for nothing else."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.identity.accounts import user_bound_tokens
from parley.identity.models import User, VerificationKind, VerificationToken
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Unauthenticated

LIFE = timedelta(minutes=5)
PREFIX = "p2f_"
_PURPOSE = "challenge"


class SecondFactorRequired(Unauthenticated):
    """The first factor is proved; a code of the second is needed. Carries the challenge to answer."""


class ChallengeNotValid(Unauthenticated):
    """The challenge was answered already, has run out, or never was one."""


def make(session: Session, user: User, methods: Sequence[str]) -> SecondFactorRequired:
    """A challenge for a user who has proved their first factor by `methods`: the refusal to raise once this transaction has committed."""
    ticket = user_bound_tokens.make(PREFIX, user.id)
    session.add(
        VerificationToken(
            kind=VerificationKind.SECOND_FACTOR,
            user_id=user.id,
            email=user.email or "",
            token_hash=secret_hashes.digest(_PURPOSE, ticket),
            wanted={"methods": list(methods)},
            expires_at=now() + LIFE,
        )
    )
    return SecondFactorRequired(
        "Send a code of your authenticator, or a recovery code, with this challenge to POST /v1/auth/login/second-factor.",
        challenge=ticket,
        expires_in=int(LIFE.total_seconds()),
    )


def user_of(ticket: str) -> UUID:
    """Whose challenge it says it is. Raises `ChallengeNotValid`."""
    user_id = user_bound_tokens.user_of(PREFIX, ticket)
    if user_id is None:
        raise not_valid()
    return user_id


def lock_challenge(session: Session, ticket: str, user: User) -> VerificationToken:
    """The challenge, locked: one answer at a time. A new password makes it void. Raises `ChallengeNotValid`."""
    challenge = session.scalar(
        select(VerificationToken)
        .where(
            VerificationToken.token_hash == secret_hashes.digest(_PURPOSE, ticket),
            VerificationToken.kind == VerificationKind.SECOND_FACTOR,
            VerificationToken.used_at.is_(None),
            VerificationToken.expires_at > now(),
        )
        .with_for_update()
    )
    if challenge is None or (user.password_changed_at is not None and user.password_changed_at > challenge.created_at):
        raise not_valid()
    return challenge


def use(session: Session, challenge: VerificationToken) -> None:
    """It was answered. It travels with the next statement."""
    execute_later(session, update(VerificationToken).where(VerificationToken.id == challenge.id).values(used_at=now()))


def not_valid() -> ChallengeNotValid:
    return ChallengeNotValid("This log-in took too long or was completed already; start again.")
