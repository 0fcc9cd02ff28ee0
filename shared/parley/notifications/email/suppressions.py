"""Addresses that mails go to no more: they bounced, or whoever reads them complained (SES events). One list for all organizations.

A mailbox that is not there, or that marks mails as spam, costs everybody's mails their reputation. So nothing is sent there, but for what
the person asks for at this moment: a link to log in, a new password, a code. Such a mail may try the address again a day after the event,
and then once a week. Whoever uses what it brought has proven the address, and it is taken off the list; so does a log-in through a provider
that has verified it, and an operator (`platform/release_address`).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import SmallInteger, and_, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from parley.kernel.persistence.base_models import Base, native_enum
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.secret_hashes import digest

SOFT_BOUNCES = 5
"""So many in a row that are each said to be temporary, and the address is left alone for `SOFT_REST`."""
SOFT_REST = timedelta(days=7)
FIRST_TRIAL, NEXT_TRIAL = timedelta(days=1), timedelta(days=7)
# An address that was not there may be somebody else's after a year. Who complained is remembered.
_KEPT = timedelta(days=365)


class SuppressionKind(StrEnum):
    """SOFT_BOUNCE: said to be temporary; it counts. The type's order in the database is that of their gravity."""

    SOFT_BOUNCE = "SOFT_BOUNCE"
    BOUNCE = "BOUNCE"
    COMPLAINT = "COMPLAINT"


ERRORS = {
    SuppressionKind.SOFT_BOUNCE: "address_bounced",
    SuppressionKind.BOUNCE: "address_bounced",
    SuppressionKind.COMPLAINT: "address_complained",
}
"""What the log says of a mail that was not sent for it."""


class SuppressedAddress(Base):
    """`address_hash` is keyed, so the list tells nobody who is on it. `reason` is SES's word (subtype), `feedback_id` its last event's.

    `tried_at` is when a mail that somebody asked for was last let through.
    """

    __tablename__ = "suppressed_addresses"
    global_because = "A mailbox that bounces does so for every organization; it holds no more than a keyed hash, counts and instants."

    address_hash: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[SuppressionKind] = mapped_column(native_enum(SuppressionKind, "suppression_kind"))
    reason: Mapped[str]
    bounces: Mapped[int] = mapped_column(SmallInteger)
    feedback_id: Mapped[str]
    bounced_at: Mapped[datetime] = mapped_column(index=True)
    tried_at: Mapped[datetime | None]


def keyed_hash(address: str) -> str:
    return digest("suppressed address", address.strip().lower())


def record(session: Session, address: str, kind: SuppressionKind, reason: str, feedback_id: str) -> None:
    """Note an event of SES. The same one again changes nothing; a complaint stays one, whatever bounces later. One query."""
    at = now()
    fresh = insert(SuppressedAddress).values(
        address_hash=keyed_hash(address), kind=kind, reason=reason, bounces=1, feedback_id=feedback_id, bounced_at=at
    )
    is_old = and_(SuppressedAddress.kind == SuppressionKind.SOFT_BOUNCE, SuppressedAddress.bounced_at < at - SOFT_REST)
    changes = {
        "bounces": case((is_old, 1), else_=SuppressedAddress.bounces + 1),
        "feedback_id": feedback_id,
        "bounced_at": at,
    }
    is_as_grave = fresh.excluded.kind >= SuppressedAddress.kind
    graver = {
        "kind": func.greatest(fresh.excluded.kind, SuppressedAddress.kind),
        "reason": case((is_as_grave, fresh.excluded.reason), else_=SuppressedAddress.reason),
    }
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=["address_hash"], set_=changes | graver, where=SuppressedAddress.feedback_id != feedback_id
        )
    )


def errors(session: Session, addresses: Iterable[str]) -> dict[str, str]:
    """Of those addresses that nothing is sent to, why, by address. One query."""
    by_hash = {keyed_hash(address): address for address in addresses}
    is_at_rest = and_(SuppressedAddress.bounces >= SOFT_BOUNCES, SuppressedAddress.bounced_at > now() - SOFT_REST)
    is_suppressed = or_(SuppressedAddress.kind != SuppressionKind.SOFT_BOUNCE, is_at_rest)
    rows = select(SuppressedAddress.address_hash, SuppressedAddress.kind).where(SuppressedAddress.address_hash.in_(by_hash), is_suppressed)
    return {by_hash[key]: ERRORS[kind] for key, kind in session.execute(rows)}


def take_trial(session: Session, address: str) -> bool:
    """Whether a mail that somebody asked for may try a suppressed address now: of several at once, one. One query."""
    at = now()
    is_due = or_(SuppressedAddress.tried_at.is_(None), SuppressedAddress.tried_at < at - NEXT_TRIAL)
    waiting = SuppressedAddress.address_hash == keyed_hash(address), SuppressedAddress.bounced_at < at - FIRST_TRIAL, is_due
    tried = update(SuppressedAddress).where(*waiting).values(tried_at=at).returning(SuppressedAddress.address_hash)
    return session.execute(tried).one_or_none() is not None


def release(session: Session, address: str) -> None:
    """Its reader has proven it. It travels with the next statement."""
    execute_later(session, delete(SuppressedAddress).where(SuppressedAddress.address_hash == keyed_hash(address)))


def release_by_operator(session: Session, address: str) -> bool:
    """Returns whether it was on the list."""
    statement = delete(SuppressedAddress).where(SuppressedAddress.address_hash == keyed_hash(address))
    return session.execute(statement.returning(SuppressedAddress.address_hash)).one_or_none() is not None


def forget(session: Session) -> int:
    """Delete what bounced long ago, in a sweep. Returns how many."""
    is_soft = SuppressedAddress.kind == SuppressionKind.SOFT_BOUNCE
    is_old = or_(
        and_(is_soft, SuppressedAddress.bounced_at < now() - 2 * SOFT_REST),
        and_(SuppressedAddress.kind == SuppressionKind.BOUNCE, SuppressedAddress.bounced_at < now() - _KEPT),
    )
    return int(session.execute(delete(SuppressedAddress).where(is_old)).rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
