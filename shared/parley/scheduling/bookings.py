"""Bookings: taking a slot, looking at what was taken, giving it back."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from parley.kernel import audit, directory, keyed, outbox, paging
from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.directory import Kind
from parley.kernel.errors import Conflict, NotFound, Unprocessable
from parley.kernel.paging import Page
from parley.kernel.verdicts import violation_means
from parley.scheduling import answers, queries
from parley.scheduling.availability import Host, Slot, slot_at
from parley.scheduling.event_types import NoSuchEventType
from parley.scheduling.models import NO_OVERLAP, Answer, Booking, BookingStatus, CanceledBy, EventType, Invitee, LocationType, before
from parley.scheduling.queries import Offer
from parley.scheduling.schemas import AnswerRead, BookingCreate, BookingDetailRead, BookingRead, InviteeRead

TOKEN = "booking management"  # noqa: S105  # the name of a purpose, not a secret


class NoSuchBooking(NotFound):
    """Absent, or another organization's."""

    def __init__(self) -> None:
        super().__init__("There is no such booking.")


class SlotTaken(Conflict):
    """Another booking of the host holds this time."""

    def __init__(self) -> None:
        super().__init__("Someone else has this slot; choose another.")


class LimitReached(Conflict):
    """The event type takes no more bookings on that day or in that week."""


class SlotNotOffered(Unprocessable):
    """Nobody has the time, and it is not offered: outside the hours, off the grid, or too soon."""


class IllegalTransition(Conflict):
    """The booking's status does not allow it."""


def management_token(booking: Booking) -> str:
    """The secret in the link of the invitee's mails: it can be made again, so it is stored nowhere."""
    return keyed.derive(TOKEN, booking.organization_id, booking.id)


def book_slot(session: Session, caller: Caller, wanted: BookingCreate) -> Booking:
    """Take a slot; anybody may. Who asks for the same host waits in `queries.offer`, and the exclusion constraint has the last word.

    Raises `NoSuchEventType`, `SlotTaken`, `LimitReached`, `SlotNotOffered`, `InvalidAnswers`.
    """
    offer = queries.offer(session, wanted.event_type_id, to_book=True)
    if offer is None:
        raise NoSuchEventType
    given = answers.check(offer.questions, wanted.answers)
    slot = _open_slot(session, offer, wanted.start_time)

    terms, event_type = offer.terms, offer.event_type
    utm = wanted.model_dump(include={"utm_source", "utm_medium", "utm_campaign", "referrer"})
    invitee = Invitee(**wanted.invitee.model_dump(), **utm)
    booking = Booking(
        organization_id=caller.organization_id,
        event_type_id=event_type.id,
        host_id=event_type.user_id,
        invitee_id=invitee.id,
        status=BookingStatus.CONFIRMED,
        start_time=slot.start,
        end_time=slot.end,
        held=Range(slot.start - timedelta(minutes=terms.buffer_before), slot.end + timedelta(minutes=terms.buffer_after)),
        timezone=invitee.timezone,
        location=_location(event_type, invitee),
    )
    token_hash = keyed.digest(TOKEN, management_token(booking))
    booking.management_token_hash = token_hash
    session.add_all([invitee, booking, *(Answer(booking_id=booking.id, question_id=asked.id, value=value) for asked, value in given)])
    with violation_means(NO_OVERLAP, SlotTaken()):
        session.flush()

    directory.enter(session, Kind.MANAGEMENT_TOKEN, token_hash)
    facts = {"event_type_id": str(event_type.id), "host_id": str(booking.host_id), "start_time": booking.start_time.isoformat()}
    audit.record(session, caller, "booking.created", booking, new=facts)
    outbox.announce(session, "scheduling.booking_created", booking_id=booking.id, **facts)
    return booking


def _open_slot(session: Session, offer: Offer, start: datetime) -> Slot:
    """The slot that starts then, or the reason why there is none: the same function as the list, asked again with less in the way."""
    busy, counted = queries.taken(session, offer, start, start + timedelta(microseconds=1))
    at, host_id = now(), offer.event_type.user_id
    if slot := slot_at(offer.terms, [Host(host_id, offer.hours, busy)], start, now=at, counted=counted):
        return slot
    if slot_at(offer.terms, [Host(host_id, offer.hours)], start, now=at, counted=counted):
        raise SlotTaken
    if slot_at(offer.terms, [Host(host_id, offer.hours)], start, now=at):
        raise LimitReached("This day or week is fully booked; choose another.")
    raise SlotNotOffered("No slot begins then; take one of the list.")


def _location(event_type: EventType, invitee: Invitee) -> str | None:
    """Where it takes place. Without a number of the event type's own, the host calls the invitee."""
    is_call = event_type.location_type is LocationType.PHONE
    return event_type.location_value or (invitee.phone if is_call else None)


def bookings(
    session: Session,
    caller: Caller,
    *,
    host_id: UUID | None,
    event_type_id: UUID | None,
    status: BookingStatus | None,
    from_: datetime | None,
    to: datetime | None,
    cursor: str | None,
    limit: int,
) -> Page[BookingRead]:
    """The organization's, latest start first, with their invitees. Two queries."""
    chosen = queries.bookings(host_id=host_id, event_type_id=event_type_id, status=status, from_=from_, to=to)
    rows, next_cursor = paging.page(session, chosen, [Booking.start_time, Booking.id], cursor=cursor, limit=limit)
    invitees = queries.invitees(session, {row.invitee_id for row in rows}) if rows else {}
    return Page(items=[read(row, invitees[row.invitee_id]) for row in rows], next_cursor=next_cursor)


def booking(session: Session, caller: Caller, booking_id: UUID) -> BookingDetailRead:
    """Raises `NoSuchBooking`."""
    found = queries.booking(session, booking_id)
    if found is None:
        raise NoSuchBooking
    given = [AnswerRead.model_validate(answer) for answer in queries.answers(session, booking_id)]
    return BookingDetailRead(**read(*found).model_dump(), answers=given)


def read(booking: Booking, invitee: Invitee) -> BookingRead:
    columns = {name: getattr(booking, name) for name in BookingRead.model_fields if name != "invitee"}
    return BookingRead(**columns, invitee=InviteeRead.model_validate(invitee))


def cancel_booking(session: Session, caller: Caller, booking_id: UUID, reason: str | None) -> BookingRead:
    """The host's side gives the time back. Raises `NoSuchBooking`, `IllegalTransition`."""
    found = queries.booking(session, booking_id)
    if found is None:
        raise NoSuchBooking
    row, invitee = found

    cancel(session, caller, row, CanceledBy.HOST, reason)
    return read(row, invitee)


def cancel(session: Session, caller: Caller, booking: Booking, by: CanceledBy, reason: str | None) -> None:
    """Give a booking's time back. Of two who cancel at once, one does: the update has the statuses as its condition.

    Raises `IllegalTransition`.
    """
    at = now()
    standing = update(Booking).where(Booking.id == booking.id, Booking.status.in_(before(BookingStatus.CANCELED)))
    canceled = standing.values(
        status=BookingStatus.CANCELED,
        canceled_at=at,
        updated_at=at,
        cancel_reason=reason or None,
        canceled_by=by,
        sequence=Booking.sequence + 1,
    )
    old = booking.status
    if session.execute(canceled.returning(Booking), execution_options={"populate_existing": True}).one_or_none() is None:
        raise IllegalTransition(f"A booking that is {queries.status(session, booking.id).value} can't be canceled.")

    audit.record(
        session, caller, "booking.canceled", booking, old={"status": old.value}, new={"status": "CANCELED", "canceled_by": by.value}
    )
    outbox.announce(session, "scheduling.booking_canceled", booking_id=booking.id, canceled_by=by.value)
