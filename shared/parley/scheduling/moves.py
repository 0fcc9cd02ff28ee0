"""A booking at another time, or with another host of its pool."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.errors import Conflict, Unprocessable
from parley.kernel.verdicts import violation_means
from parley.scheduling import bookings, member_mails, queries, shares, transitions, turns
from parley.scheduling.availability import Slot, busy_span, slot_at
from parley.scheduling.bookings import INSTANT, NoSuchBooking
from parley.scheduling.calendars.known import Fresh
from parley.scheduling.conflicts import Aside, Taken, taken
from parley.scheduling.kinds import STANDING, BookingStatus, CanceledBy
from parley.scheduling.models import NO_OVERLAP, ONE_ANSWER_TO_A_MOVE, ONE_SEAT, Answer, Booking, BookingHost
from parley.scheduling.offers import Offer, lock, offer
from parley.scheduling.queries import Whole
from parley.scheduling.schemas import BookingMove, BookingRead
from parley.scheduling.slots import SlotTaken
from parley.scheduling.transitions import IllegalTransition

Locked = tuple[Whole, list[tuple[UUID, Any]]]
"""A booking with what stands beside it, locked, and its answers by question."""


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


def reschedule_booking(session: Session, caller: Caller, booking_id: UUID, wanted: BookingMove, fresh: Fresh | None = None) -> BookingRead:
    """The host's side moves a booking. Raises `NoSuchBooking`, and what `reschedule` raises."""
    moved, _ = reschedule(session, caller, queries.to_move(session, booking_id), wanted, CanceledBy.HOST, fresh)
    return bookings.read(moved)


def reschedule(
    session: Session, caller: Caller, found: Locked | None, wanted: BookingMove, by: CanceledBy, fresh: Fresh | None = None
) -> tuple[Whole, Offer]:
    """A new record in the place of the old one, which is RESCHEDULED for good. The invitee before it begins. Returns the new one.

    The invitee, the answers and the calendar's UID are the same. A pool's host stays where free; a collective comes whole; a seat is one of
    the session at the new start. Moved by the invitee it wants confirmation anew, where the event type does. The old record is locked, and
    does not stand in the way of the new one.

    Raises `NoSuchBooking`, `NotOfferedAnyMore`, `IllegalTransition`, `MovedTooOften`, `TooLate`, `RateLimitExceeded`,
    `DayMostlyUnproven`, and what `bookings.find` raises.
    """
    was, given = _standing(found, "rescheduled")
    old = was.booking
    if by is CanceledBy.INVITEE:
        transitions.check_not_begun(old)
    offered = offer(session, old.event_type_id, only_active=False)
    if offered is None:
        raise NotOfferedAnyMore
    over = {"status": BookingStatus.RESCHEDULED, "cancel_reason": wanted.reason or None, "sequence": Booking.sequence + 1}
    set_free = update(Booking).where(Booking.id == old.id).values(updated_at=now(), **over)
    network, day = old.unproven_network, shares.day_of(offered.timezone, wanted.start_time)
    is_asked_for = by is CanceledBy.INVITEE and network is not None and not day[0] <= old.start_time < day[1]
    weighed: dict[str, Any] = {"around": day, "network": network} if is_asked_for else {}
    place = bookings.find(session, offered, wanted.start_time, wanted.hold_token, keep=old.host_id, fresh=fresh, beside=set_free, **weighed)
    if is_asked_for:
        shares.check_unproven(place)
    offered = place.offer
    is_asked = offered.event_type.requires_confirmation if by is CanceledBy.INVITEE else old.confirmed_at is None
    new = bookings.enter(session, caller, place, was.invitee, BookingStatus.PENDING if is_asked else BookingStatus.CONFIRMED, moved=old)
    session.add_all(Answer(booking_id=new.id, question_id=question_id, value=value) for question_id, value in given)
    taken_back = violation_means(ONE_ANSWER_TO_A_MOVE, IllegalTransition("It has just been moved.", booking_status="RESCHEDULED"))
    with violation_means(NO_OVERLAP, SlotTaken()), violation_means(ONE_SEAT, SlotTaken()), taken_back:
        session.flush()

    member_mails.count(session, caller)
    bookings.release(session, wanted.hold_token)
    if (new.pool_id, new.host_id) != (old.pool_id, old.host_id):
        turns.give_back(session, old)
        turns.take(session, new)
    moved = {"from_booking_id": old.id, "from_host_id": old.host_id, "from_start_time": old.start_time.isoformat()}
    bookings.tell(session, caller, "rescheduled", new, old={"status": old.status.value}, rescheduled_by=by.value, **moved)
    return Whole(new, was.invitee, list(place.hosts), None), offered


def _standing(found: Locked | None, word: str) -> Locked:
    """Raises `NoSuchBooking`, `IllegalTransition`, `MovedTooOften`."""
    if found is None:
        raise NoSuchBooking
    status = found[0].booking.status
    if status not in STANDING:
        raise IllegalTransition(f"A booking that is {status.value} can't be {word}.", booking_status=status.value)
    member_mails.check_moves(found[0].booking)
    return found


def reassign_booking(session: Session, caller: Caller, booking_id: UUID, host_id: UUID | None) -> BookingRead:
    """Another host of the pool takes the booking: the one named, or whose turn it is of the others. The time stays.

    Raises `NoSuchBooking`, `IllegalTransition`, `MovedTooOften`, `NoPool`, `NotOfferedAnyMore`, `NotOfThePool`, `HostNotFree`,
    `JustChanged`, `RateLimitExceeded`.
    """
    was, _ = _standing(queries.to_move(session, booking_id), "given to somebody else")
    booking = was.booking
    if booking.pool_id is None:
        raise NoPool("Only a booking of a ROUND_ROBIN has others who can take it.")
    found = offer(session, booking.event_type_id, only_active=False)
    if found is None:
        raise NotOfferedAnyMore
    if host_id is not None and host_id not in {place.user_id for place in found.places}:
        raise NotOfThePool("This host is not in the pool.")
    other, gone = _other(session, found, booking, host_id), booking.host_id

    turns.give_back(session, booking)
    booking.host_id, booking.pool_id = other, found.event_type.pool_id
    booking.sequence, booking.updated_at = booking.sequence + 1, now()
    with violation_means(NO_OVERLAP, HostNotFree()):
        session.execute(update(BookingHost).where(BookingHost.booking_id == booking_id).values(host_id=other))
    member_mails.count(session, caller)
    turns.take(session, booking)
    bookings.tell(session, caller, "reassigned", booking, old={"host_id": str(gone)}, from_host_id=gone)
    return bookings.read(Whole(booking, was.invitee, [other], None))


def _other(session: Session, found: Offer, booking: Booking, host_id: UUID | None) -> UUID:
    """Who takes it over: the one named, if free; else one who is free in their hours.

    It is booked, so notice, limits and the grid are no matter, and it is as long as it is, whatever the event type says by now.
    """
    start, length = booking.start_time, (booking.end_time - booking.start_time) // timedelta(minutes=1)
    terms = replace(found.terms, duration=length, slot_interval=1, min_notice=0, max_per_day=None, max_per_week=None, horizon=None)
    found = replace(found, terms=terms)

    def free_of(there: Taken) -> Slot:
        others = [host for host in there.hosts(found) if host.id != booking.host_id]
        slot = slot_at(terms, others, start, now=min(now(), start), timezone=found.timezone)
        if slot is None:
            raise HostNotFree
        return slot

    if host_id == booking.host_id:
        raise HostNotFree
    if host_id is None:
        free_of(Taken())
    lock(session, found)
    there = taken(session, found, start, start + INSTANT, Aside(booking.id), to_book=True)
    if not there.is_of(found):
        raise bookings.JustChanged
    if host_id is None:
        return turns.chosen(found, there, free_of(there))[0]
    first, last = busy_span(terms, start, start)
    if any(begins < last and first < ends for begins, ends in there.busy.get(host_id, ())):
        raise HostNotFree
    return host_id
