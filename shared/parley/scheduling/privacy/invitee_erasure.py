"""Erasing an invitee: what is known of a person goes, what took place stays.

Every table that keeps something of a person has its function in `FORGETTING`. Who adds a table adds one, which sends its statements by
`execute_later`; it is given `InviteeTraces`. Whoever writes down something of an invitee reads the invitee `FOR SHARE` in the transaction
that writes (`queries.booking_details(…, to_tell=True)`): then nothing is written of somebody who is being erased at that moment, after it
was looked for.

Outside the database: `scheduling.booking_erased` is announced for each booking, for who keeps something of it elsewhere (an event in a
connected calendar).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, case, cast, delete, exists, func, literal, select, update
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory, idempotency, outbox
from parley.kernel.persistence.idempotency_key import KEPT
from parley.kernel.persistence.sweep_retries import Due
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.errors import NotFound
from parley.notifications.enums import NotificationStatus, RecipientKind
from parley.notifications.models import NotificationLog
from parley.scheduling.bookings import booking_service
from parley.scheduling.bookings.booking_changes import BookingChange
from parley.scheduling.declared import SchedulingAction, SchedulingDirectory, SchedulingEvent
from parley.scheduling.privacy.schemas import ErasureRead, InviteeErasedRead
from parley.scheduling.round_robin import counters
from parley.scheduling.tables.booking_models import Answer, Booking, Invitee
from parley.scheduling.tables.enums import STANDING_STATUSES, BookingStatus, CanceledBy

BATCH = 100


class NoSuchInvitee(NotFound):
    """Absent, or another organization's."""

    def __init__(self) -> None:
        super().__init__("There is no such invitee.")


@dataclass(frozen=True, slots=True)
class InviteeTraces:
    """Who is erased: their rows, their bookings, the addresses (in lower case) that they gave; `recent` bookings changed,
    or told of, within a day."""

    invitee_ids: Sequence[UUID]
    booking_ids: Sequence[UUID]
    addresses: Sequence[str]
    recent: Sequence[UUID]


def _forget_answers(session: Session, traces: InviteeTraces) -> None:
    execute_later(session, delete(Answer).where(Answer.booking_id.in_(traces.booking_ids)))


def _forget_notices(session: Session, traces: InviteeTraces) -> None:
    """The recipient is empty where it was the invitee; the texts are, whoever got them. The row's own id keeps recipients apart.

    What waits to be sent is not sent any more.
    """
    notification = NotificationLog
    is_theirs = (notification.recipient_kind == RecipientKind.INVITEE) | func.lower(notification.recipient).in_(traces.addresses)
    nobody = case((is_theirs, literal("erased:") + cast(notification.id, String)), else_=notification.recipient)
    over = case((notification.status == NotificationStatus.PENDING, NotificationStatus.CANCELED), else_=notification.status)
    emptied = {"recipient": nobody, "subject": None, "body": None, "error_message": None, "status": over, "updated_at": now()}
    execute_later(session, update(notification).where(notification.own(), notification.booking_id.in_(traces.booking_ids)).values(emptied))


def _forget_origins(session: Session, traces: InviteeTraces) -> None:
    audit.forget_visitors(session, [*traces.invitee_ids, *traces.booking_ids])


def _forget_deliveries(session: Session, traces: InviteeTraces) -> None:
    from parley.webhooks import deliveries

    deliveries.forget(session, traces.booking_ids)


def _forget_kept_answers(session: Session, traces: InviteeTraces) -> None:
    if traces.recent:
        idempotency.empty(session, traces.recent)


def _forget_submissions(session: Session, traces: InviteeTraces) -> None:
    from parley.scheduling.routing import routing_submissions

    routing_submissions.forget(session, traces.booking_ids, traces.addresses)


FORGETTING: list[Callable[[Session, InviteeTraces], None]] = [
    _forget_origins,
    _forget_answers,
    _forget_notices,
    _forget_deliveries,
    _forget_kept_answers,
    _forget_submissions,
]
"""Everything that keeps something of an invitee beside the invitee's row and the booking's."""


def erase(session: Session, caller: Caller, invitee_id: UUID) -> InviteeErasedRead:
    """Erase one invitee, with all bookings of the chain. What is still to come is canceled first. Again, it changes nothing.

    Raises `NoSuchInvitee`.
    """
    at = _erase(session, caller, [invitee_id])
    if at is None:
        at = session.scalar(select(Invitee.erased_at).where(Invitee.id == invitee_id))
    if at is None:
        raise NoSuchInvitee
    return InviteeErasedRead(id=invitee_id, erased_at=at)


def erase_address(session: Session, caller: Caller, email: str) -> ErasureRead:
    """Erase everybody who was booked in under this address, the first hundred at once; the sweep goes on with the rest."""
    conditions = (Invitee.address == email.lower(), Invitee.erased_at.is_(None))
    ids = session.scalars(select(Invitee.id).where(*conditions).order_by(Invitee.id).limit(BATCH + 1)).all()
    rest_count = 0
    if len(ids) > BATCH:
        rest = update(Invitee).where(*conditions, Invitee.id >= ids[BATCH]).values(erasure_wanted_at=now())
        rest_count = session.execute(rest, execution_options={"synchronize_session": False}).rowcount  # type: ignore[attr-defined]  # an UPDATE's has it
    _erase(session, caller, ids[:BATCH], email.lower())
    return ErasureRead(erased=len(ids[:BATCH]), waiting=rest_count)


def pending_erasures() -> Due:
    """Invitees that are still to be erased. They are not locked here: their bookings are first."""
    return select(Invitee.organization_id, Invitee.id).where(Invitee.erasure_wanted_at.is_not(None)).order_by(Invitee.id)


def continue_erasure(session: Session, caller: Caller, ids: Sequence[UUID]) -> None:
    """Erase a batch of those that wait in an organization."""
    _erase(session, caller, ids)


def _erase(session: Session, caller: Caller, ids: Sequence[UUID], *addresses: str) -> datetime | None:
    """Bookings are locked first, as who moves one does; then the invitees, so that no booking of theirs is added until the end.

    Returns when: None where there was nobody left to erase.
    """
    locked = select(Booking.id).where(Booking.invitee_id.in_(ids)).order_by(Booking.id).with_for_update(key_share=True)
    session.execute(locked).all()
    living = select(Invitee).where(Invitee.id.in_(ids), Invitee.erased_at.is_(None)).order_by(Invitee.id).with_for_update()
    invitees = {row.id: row for row in session.scalars(living, execution_options={"populate_existing": True})}
    at = now()
    is_recent = (NotificationLog.booking_id == Booking.id) & (NotificationLog.updated_at > at - KEPT)
    query = select(Booking, exists().where(is_recent)).where(Booking.invitee_id.in_(invitees)).order_by(Booking.id)
    pairs = session.execute(query, execution_options={"populate_existing": True}).all() if invitees else []

    rows = [row for row, _ in pairs]
    emails = {*addresses, *(erased_invitee.email.lower() for erased_invitee in invitees.values())}
    recent = [row.id for row, is_told in pairs if is_told or row.updated_at > at - KEPT]
    _cancel(session, caller, [row for row in rows if row.status in STANDING_STATUSES and row.start_time > at], at)
    traces = InviteeTraces(list(invitees), [row.id for row in rows], sorted(emails), recent)
    for forget in FORGETTING:
        forget(session, traces)
    called = [row.id for row in rows if row.location == invitees[row.invitee_id].phone]
    execute_later(session, update(Booking).where(Booking.id.in_(called)).values(location=None))
    execute_later(session, update(Booking).where(Booking.id.in_(traces.booking_ids)).values(**_FORGOTTEN, updated_at=at))
    execute_later(session, update(Invitee).where(Invitee.id.in_(invitees)).values(_NOTHING | {"erased_at": at}))
    for row in rows:
        directory.leave(session, SchedulingDirectory.MANAGEMENT_TOKEN, row.management_token_hash)
    for invitee in invitees.values():
        audit.record(
            session,
            caller,
            SchedulingAction.INVITEE_ERASED,
            invitee,
            new={"booking_ids": [str(row.id) for row in rows if row.invitee_id == invitee.id]},
        )
    outbox.announce_all(session, SchedulingEvent.BOOKING_ERASED, [{"booking_id": str(row.id)} for row in rows])
    return at if invitees else None


_FORGOTTEN = {"cancel_reason": None, "timezone": "UTC", "unproven_network": None}
_NOTHING: dict[str, Any] = {
    "email": "",
    "name": "",
    "timezone": "UTC",
    "erasure_wanted_at": None,
    **dict.fromkeys(("locale", "phone", "notes", "utm_source", "utm_medium", "utm_campaign", "referrer")),
}


def _cancel(session: Session, caller: Caller, rows: Sequence[Booking], at: datetime) -> None:
    """Give the time of these back. Hosts are told; the invitee has no address any more."""
    if not rows:
        return
    over = {"status": BookingStatus.CANCELED, "canceled_at": at, "canceled_by": CanceledBy.HOST, "sequence": Booking.sequence + 1}
    execute_later(session, update(Booking).where(Booking.id.in_([row.id for row in rows])).values(over))
    for row in sorted(rows, key=lambda row: (str(row.pool_id), row.host_id)):
        counters.uncount_booking(session, row)
        payload = {"status": "CANCELED", "canceled_by": "HOST", "is_declined": False}
        booking_service.record_change(session, caller, BookingChange.CANCELED, row, old={"status": row.status.value}, **payload)
