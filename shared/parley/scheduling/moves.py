"""A booking at another time, or with another host of its pool."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.errors import Conflict, Unprocessable
from parley.kernel.verdicts import violation_means
from parley.scheduling import bookings, transitions, turns
from parley.scheduling.availability import slot_at
from parley.scheduling.bookings import INSTANT
from parley.scheduling.kinds import STANDING, BookingStatus, CanceledBy
from parley.scheduling.models import NO_OVERLAP, ONE_ANSWER_TO_A_MOVE, ONE_SEAT, Answer, Booking, BookingHost
from parley.scheduling.offers import Aside, Offer, offer, taken
from parley.scheduling.queries import Whole
from parley.scheduling.schemas import BookingMove, BookingRead
from parley.scheduling.slots import SlotTaken
from parley.scheduling.transitions import IllegalTransition


class NotOfferedAnyMore(Conflict):
    """The event type was deleted, or its hosts have left."""

    def __init__(self) -> None:
        super().__init__("What was booked is not offered any more; it can only be canceled.")


class NoPool(Conflict):
    """The booking's host was not chosen from a pool."""


class HostNotFree(Conflict):
    """The other host has no time then."""

    def __init__(self) -> None:
        super().__init__("Nobody else of the pool is free then, or the one you named is not.")


class NotOfThePool(Unprocessable):
    """The host that was named is not in the pool."""


def reschedule_booking(session: Session, caller: Caller, booking_id: UUID, wanted: BookingMove) -> BookingRead:
    """The host's side moves a booking. Raises `NoSuchBooking`, and what `reschedule` raises."""
    moved = reschedule(session, caller, bookings.found_whole(session, booking_id), wanted, CanceledBy.HOST)
    return bookings.read(bookings.found_whole(session, moved.id))


def reschedule(session: Session, caller: Caller, was: Whole, wanted: BookingMove, by: CanceledBy) -> Booking:
    """A new record in the place of the old one, which is RESCHEDULED for good. The invitee before it begins.

    The invitee, the answers and the calendar's UID are the same. A pool's host stays where free; a collective comes whole; a seat is one of
    the session at the new start. Moved by the invitee it wants confirmation anew, where the event type does. The old record does not stand
    in the way of the new one. Raises `NotOfferedAnyMore`, `IllegalTransition`, `TooLate`, `SlotTaken`, `LimitReached`, `SlotNotOffered`.
    """
    old = was.booking
    if by is CanceledBy.INVITEE and old.status in STANDING:
        transitions.check_not_begun(old)
    found = offer(session, old.event_type_id, to_book=True, only_active=False)
    if found is None:
        raise NotOfferedAnyMore
    had = transitions.change(session, old, BookingStatus.RESCHEDULED, cancel_reason=wanted.reason or None)
    place = bookings.find(session, found, wanted.start_time, wanted.hold_token, keep=old.host_id)
    is_asked = found.event_type.requires_confirmation if by is CanceledBy.INVITEE else old.confirmed_at is None
    status = BookingStatus.PENDING if is_asked else BookingStatus.CONFIRMED
    new = bookings.enter(session, caller, place, was.invitee, status, moved=old)
    given = session.scalars(select(Answer).where(Answer.booking_id == old.id)).all()
    session.add_all(Answer(booking_id=new.id, question_id=answer.question_id, value=answer.value) for answer in given)
    taken_back = violation_means(ONE_ANSWER_TO_A_MOVE, IllegalTransition("It has just been moved.", booking_status="RESCHEDULED"))
    with violation_means(NO_OVERLAP, SlotTaken()), violation_means(ONE_SEAT, SlotTaken()), taken_back:
        session.flush()

    bookings.release(session, wanted.hold_token)
    if (new.pool_id, new.host_id) != (old.pool_id, old.host_id):
        turns.give_back(session, old)
        turns.take(session, new)
    moved = {"from_booking_id": old.id, "from_host_id": old.host_id, "from_start_time": old.start_time.isoformat()}
    bookings.tell(session, caller, "rescheduled", new, old={"status": had.value}, rescheduled_by=by.value, **moved)
    return new


def reassign_booking(session: Session, caller: Caller, booking_id: UUID, host_id: UUID | None) -> BookingRead:
    """Another host of the pool takes the booking: the one named, or whose turn it is of the others. The time stays.

    Raises `NoSuchBooking`, `NoPool`, `NotOfferedAnyMore`, `NotOfThePool`, `HostNotFree`, `IllegalTransition`.
    """
    booking = bookings.found_whole(session, booking_id).booking
    if booking.pool_id is None:
        raise NoPool("Only a booking of a ROUND_ROBIN has others who can take it.")
    found = offer(session, booking.event_type_id, to_book=True, only_active=False)
    if found is None:
        raise NotOfferedAnyMore
    if host_id is not None and host_id not in {place.user_id for place in found.places}:
        raise NotOfThePool("This host is not in the pool.")
    other, gone = _other(session, found, booking, host_id), booking.host_id

    mine = update(Booking).where(Booking.id == booking_id, Booking.status.in_(STANDING), Booking.host_id == gone)
    changed = mine.values(host_id=other, updated_at=now(), sequence=Booking.sequence + 1).returning(Booking)
    turns.give_back(session, booking)
    if session.execute(changed, execution_options={"populate_existing": True}).one_or_none() is None:
        raise IllegalTransition(
            f"A booking that is {booking.status.value} can't be given to somebody else.", booking_status=booking.status.value
        )
    with violation_means(NO_OVERLAP, HostNotFree()):
        session.execute(update(BookingHost).where(BookingHost.booking_id == booking_id).values(host_id=other))
    turns.take(session, booking)
    bookings.tell(session, caller, "reassigned", booking, old={"host_id": str(gone)}, from_host_id=gone)
    return bookings.read(bookings.found_whole(session, booking_id))


def _other(session: Session, found: Offer, booking: Booking, host_id: UUID | None) -> UUID:
    """Who takes it over: the one named, if free; else one who is free in their hours. Notice and limits are no matter: it is booked."""
    start, end = booking.start_time, booking.end_time
    there = taken(session, found, start, start + INSTANT, Aside(booking.id), to_book=True)
    if host_id is not None:
        if host_id == booking.host_id or any(begins < end and start < ends for begins, ends in there.busy.get(host_id, ())):
            raise HostNotFree
        return host_id
    terms = replace(found.terms, min_notice=0, max_per_day=None, max_per_week=None)
    others = [host for host in there.hosts(found) if host.id != booking.host_id]
    slot = slot_at(terms, others, start, now=min(now(), start), timezone=found.timezone)
    if slot is None:
        raise HostNotFree
    return turns.chosen(found, there, slot)[0]
