"""A booking at another time, or with another host of its pool."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, Unprocessable
from parley.scheduling.availability import day_quotas
from parley.scheduling.availability.conflicts import Conflicts, Exclusions, load_conflicts
from parley.scheduling.availability.inputs import BookableEventType, bookable_event_type, lock_hosts
from parley.scheduling.availability.live_busy_times import LiveBusyTimes
from parley.scheduling.availability.slot_calculation import Slot, busy_span, slot_at
from parley.scheduling.availability.slots import SlotTaken
from parley.scheduling.bookings import booking_service, outreach_limits, state_machine
from parley.scheduling.bookings.booking_changes import BookingChange
from parley.scheduling.bookings.booking_service import INSTANT, NoSuchBooking
from parley.scheduling.bookings.schemas import BookingMove, BookingRead
from parley.scheduling.bookings.state_machine import IllegalTransition
from parley.scheduling.common import queries
from parley.scheduling.common.queries import BookingDetails
from parley.scheduling.round_robin import counters
from parley.scheduling.tables.booking_models import NO_OVERLAP, ONE_ANSWER_TO_A_MOVE, ONE_SEAT, Answer, Booking, BookingHost
from parley.scheduling.tables.enums import STANDING_STATUSES, BookingStatus, CanceledBy

Locked = tuple[BookingDetails, list[tuple[UUID, Any]]]
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


def reschedule_booking(
    session: Session, caller: Caller, booking_id: UUID, wanted: BookingMove, fresh: LiveBusyTimes | None = None
) -> BookingRead:
    """The host's side moves a booking. Raises `NoSuchBooking`, and what `reschedule` raises."""
    moved, _ = reschedule(session, caller, queries.booking_to_move(session, booking_id), wanted, CanceledBy.HOST, fresh)
    return booking_service.read(moved)


def reschedule(
    session: Session, caller: Caller, locked_booking: Locked | None, wanted: BookingMove, by: CanceledBy, fresh: LiveBusyTimes | None = None
) -> tuple[BookingDetails, BookableEventType]:
    """A new record in the place of the old one, which is RESCHEDULED for good. The invitee before it begins. Returns the new one.

    The invitee, the answers and the calendar's UID are the same. A pool's host stays where free; a collective comes whole; a seat is one of
    the session at the new start. Moved by the invitee it wants confirmation anew, where the event type does. The old record is locked, and
    does not stand in the way of the new one.

    Raises `NoSuchBooking`, `NotOfferedAnyMore`, `IllegalTransition`, `MovedTooOften`, `TooLate`, `RateLimitExceeded`,
    `DayMostlyUnproven`, and what `booking_service.find_slot` raises.
    """
    was, answers = _standing(locked_booking, "rescheduled")
    old = was.booking
    if by is CanceledBy.INVITEE:
        state_machine.check_not_begun(old)
    offered = bookable_event_type(session, old.event_type_id, only_active=False)
    if offered is None:
        raise NotOfferedAnyMore
    over = {"status": BookingStatus.RESCHEDULED, "cancel_reason": wanted.reason or None, "sequence": Booking.sequence + 1}
    set_free = update(Booking).where(Booking.id == old.id).values(updated_at=now(), **over)
    network, day = old.unproven_network, day_quotas.day_of(offered.timezone, wanted.start_time)
    is_asked_for = by is CanceledBy.INVITEE and network is not None and not day[0] <= old.start_time < day[1]
    weighed: dict[str, Any] = {"around": day, "network": network} if is_asked_for else {}
    placement = booking_service.find_slot(
        session, offered, wanted.start_time, wanted.hold_token, keep=old.host_id, fresh=fresh, beside=set_free, **weighed
    )
    if is_asked_for:
        day_quotas.check_unproven(placement)
    offered = placement.offer
    is_asked = offered.event_type.requires_confirmation if by is CanceledBy.INVITEE else old.confirmed_at is None
    new = booking_service.insert_booking(
        session, caller, placement, was.invitee, BookingStatus.PENDING if is_asked else BookingStatus.CONFIRMED, moved=old
    )
    session.add_all(Answer(booking_id=new.id, question_id=question_id, value=value) for question_id, value in answers)
    taken_back = violation_means(ONE_ANSWER_TO_A_MOVE, IllegalTransition("It has just been moved.", booking_status="RESCHEDULED"))
    with violation_means(NO_OVERLAP, SlotTaken()), violation_means(ONE_SEAT, SlotTaken()), taken_back:
        session.flush()

    outreach_limits.count_mail(session, caller)
    booking_service.release_hold(session, wanted.hold_token)
    if (new.pool_id, new.host_id) != (old.pool_id, old.host_id):
        counters.uncount_booking(session, old)
        counters.count_booking(session, new)
    moved = {"from_booking_id": old.id, "from_host_id": old.host_id, "from_start_time": old.start_time.isoformat()}
    booking_service.record_change(
        session, caller, BookingChange.RESCHEDULED, new, old={"status": old.status.value}, rescheduled_by=by.value, **moved
    )
    return BookingDetails(new, was.invitee, list(placement.hosts), None), offered


def _standing(locked_booking: Locked | None, word: str) -> Locked:
    """Raises `NoSuchBooking`, `IllegalTransition`, `MovedTooOften`."""
    if locked_booking is None:
        raise NoSuchBooking
    status = locked_booking[0].booking.status
    if status not in STANDING_STATUSES:
        raise IllegalTransition(f"A booking that is {status.value} can't be {word}.", booking_status=status.value)
    outreach_limits.check_change_count(locked_booking[0].booking)
    return locked_booking


def reassign_booking(session: Session, caller: Caller, booking_id: UUID, host_id: UUID | None) -> BookingRead:
    """Another host of the pool takes the booking: the one named, or whose turn it is of the others. The time stays.

    Raises `NoSuchBooking`, `IllegalTransition`, `MovedTooOften`, `NoPool`, `NotOfferedAnyMore`, `NotOfThePool`, `HostNotFree`,
    `JustChanged`, `RateLimitExceeded`.
    """
    was, _ = _standing(queries.booking_to_move(session, booking_id), "given to somebody else")
    booking = was.booking
    if booking.pool_id is None:
        raise NoPool("Only a booking of a ROUND_ROBIN has others who can take it.")
    offer = bookable_event_type(session, booking.event_type_id, only_active=False)
    if offer is None:
        raise NotOfferedAnyMore
    if host_id is not None and host_id not in {host_schedule.user_id for host_schedule in offer.places}:
        raise NotOfThePool("This host is not in the pool.")
    other, former_host_id = _other(session, offer, booking, host_id), booking.host_id

    counters.uncount_booking(session, booking)
    booking.host_id, booking.pool_id = other, offer.event_type.pool_id
    booking.sequence, booking.updated_at = booking.sequence + 1, now()
    with violation_means(NO_OVERLAP, HostNotFree()):
        session.execute(update(BookingHost).where(BookingHost.booking_id == booking_id).values(host_id=other))
    outreach_limits.count_mail(session, caller)
    counters.count_booking(session, booking)
    booking_service.record_change(
        session, caller, BookingChange.REASSIGNED, booking, old={"host_id": str(former_host_id)}, from_host_id=former_host_id
    )
    return booking_service.read(BookingDetails(booking, was.invitee, [other], None))


def _other(session: Session, offer: BookableEventType, booking: Booking, host_id: UUID | None) -> UUID:
    """Who takes it over: the one named, if free; else one who is free in their hours.

    It is booked, so notice, limits and the grid are no matter, and it is as long as it is, whatever the event type says by now.
    """
    start, length = booking.start_time, (booking.end_time - booking.start_time) // timedelta(minutes=1)
    terms = replace(offer.terms, duration=length, slot_interval=1, min_notice=0, max_per_day=None, max_per_week=None, horizon=None)
    offer = replace(offer, terms=terms)

    def free_of(conflicts: Conflicts) -> Slot:
        others = [host for host in conflicts.hosts(offer) if host.id != booking.host_id]
        slot = slot_at(terms, others, start, now=min(now(), start), timezone=offer.timezone)
        if slot is None:
            raise HostNotFree
        return slot

    if host_id == booking.host_id:
        raise HostNotFree
    if host_id is None:
        free_of(Conflicts())
    lock_hosts(session, offer)
    conflicts = load_conflicts(session, offer, start, start + INSTANT, Exclusions(booking.id), to_book=True)
    if not conflicts.is_of(offer):
        raise booking_service.JustChanged
    if host_id is None:
        return counters.chosen_hosts(offer, conflicts, free_of(conflicts))[0]
    first, last = busy_span(terms, start, start)
    if any(begins < last and first < ends for begins, ends in conflicts.busy.get(host_id, ())):
        raise HostNotFree
    return host_id
