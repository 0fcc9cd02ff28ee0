"""Bookings: taking a slot, and looking at what was taken."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid5

from sqlalchemy import Executable, delete
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory, outbox
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, NotFound, Unprocessable
from parley.notifications.localization import languages
from parley.scheduling.availability import day_quotas
from parley.scheduling.availability.conflicts import Conflicts, Exclusions, load_conflicts
from parley.scheduling.availability.day_quotas import SlotPlacement
from parley.scheduling.availability.inputs import BookableEventType, EventTypeRef, NoSuchEventType, bookable_event_type, lock_hosts
from parley.scheduling.availability.live_busy_times import LiveBusyTimes, LiveCheckNeeded
from parley.scheduling.availability.slot_calculation import Interval, Slot, busy_span
from parley.scheduling.availability.slots import SlotTaken, offered_slot, open_slot
from parley.scheduling.bookings import address_proofs, answer_validation, outreach_limits
from parley.scheduling.bookings.booking_changes import BookingChange
from parley.scheduling.bookings.schemas import AnswerRead, BookingDetailRead, BookingFor, BookingRead, InviteeRead
from parley.scheduling.common import queries
from parley.scheduling.common.queries import BookingDetails
from parley.scheduling.declared import SchedulingDirectory
from parley.scheduling.round_robin import counters
from parley.scheduling.tables.booking_models import NO_OVERLAP, ONE_SEAT, ROUTED, Answer, Booking, BookingHost, Hold, Invitee
from parley.scheduling.tables.enums import BookingStatus, EventTypeKind, LocationType
from parley.scheduling.tables.event_type_models import EventType

TOKEN = "booking management"  # noqa: S105  # the name of a purpose, not a secret
HOLD = "slot hold"
INSTANT = timedelta(microseconds=1)
_READINGS = 3


class NoSuchBooking(NotFound):
    """Absent, or another organization's."""

    def __init__(self) -> None:
        super().__init__("There is no such booking.")


class JustChanged(Conflict):
    """What is booked was changed again and again while its locks were waited for."""

    def __init__(self) -> None:
        super().__init__("What you book is being changed; look at it again.")


class SubmissionNotThere(Unprocessable):
    """The submission of a routing form that led here is not there, or led elsewhere."""

    def __init__(self) -> None:
        super().__init__("No submission with this routing_submission_id led to this event type; leave it out.")


def management_token(booking: Booking) -> str:
    """The secret in the link of the invitee's mails: it can be made again, so it is stored nowhere."""
    return secret_hashes.derive(TOKEN, booking.organization_id, booking.id)


def hold_hash(token: str | None) -> str | None:
    return secret_hashes.digest(HOLD, token) if token else None


def book_slot(
    session: Session, caller: Caller, event_type_id: EventTypeRef, wanted: BookingFor, fresh: LiveBusyTimes | None = None
) -> Booking:
    """Take a slot; anybody may. Who asks for the same hosts waits in `find_slot`, and the exclusion constraint has the last word.

    A stranger's booking is PENDING where the event type wants confirmation; a member's or a key's is confirmed by being made.
    Raises `NoSuchEventType`, `SlotTaken`, `LimitReached`, `SlotNotOffered`, `InvalidAnswers`, `SubmissionNotThere`,
    `AddressProofNeeded`, `AddressProofWrong`, `RateLimitExceeded`; with `fresh`, `LiveCheckNeeded`.
    """
    offer = bookable_event_type(session, event_type_id)
    if offer is None:
        raise NoSuchEventType
    answer_validation.check(offer.questions, wanted.answers)
    address_proofs.check(session, caller, offer, wanted)
    network = address_proofs.unproven_network(caller, wanted)
    day = day_quotas.day_of(offer.timezone, wanted.start_time) if network else None
    placement = find_slot(session, offer, wanted.start_time, wanted.hold_token, fresh=fresh, around=day, network=network)
    if network:
        address_proofs.check_unproven_share(session, caller, placement)
    offer = placement.offer
    answers = answer_validation.check(offer.questions, wanted.answers)

    utm = wanted.model_dump(include={"utm_source", "utm_medium", "utm_campaign", "referrer"})
    invitee = Invitee(**wanted.invitee.model_dump(), **utm)
    if invitee.locale is None and caller.actor_type is ActorType.VISITOR:
        invitee.locale = languages.accepted(caller.accept_language)
    session.add(invitee)
    is_pending = offer.event_type.requires_confirmation and caller.actor_type is ActorType.VISITOR
    booking = insert_booking(session, caller, placement, invitee, BookingStatus.PENDING if is_pending else BookingStatus.CONFIRMED)
    booking.routing_submission_id, booking.unproven_network = wanted.routing_submission_id, network
    session.add_all(Answer(booking_id=booking.id, question_id=question.id, value=value) for question, value in answers)
    is_led_here = violation_means(ROUTED, SubmissionNotThere())
    with violation_means(NO_OVERLAP, SlotTaken()), violation_means(ONE_SEAT, SlotTaken()), is_led_here:
        session.flush()

    outreach_limits.count_mail(session, caller, invitee.email)
    release_hold(session, wanted.hold_token)
    counters.count_booking(session, booking)
    record_change(session, caller, BookingChange.CREATED, booking)
    return booking


def find_slot(
    session: Session,
    offer: BookableEventType,
    start: datetime,
    hold_token: str | None = None,
    keep: UUID | None = None,
    fresh: LiveBusyTimes | None = None,
    around: Interval | None = None,
    beside: Executable | None = None,
    network: str | None = None,
) -> SlotPlacement:
    """The slot that starts then, and who takes it: `keep`, where that host is free. Locks the offer, which is read again if it was changed.

    What hours, grid, notice and horizon refuse is refused before the locks. `beside` is sent right behind them. With `fresh`, calendars of
    who is free are to be asked before, where they can be: raises `LiveCheckNeeded`, see `calendars.live_check`. With `around`, what stands
    against all starts between comes along (`SlotPlacement.conflicts`), and with `network` what strangers booked without a proof.
    Raises `BeyondHorizon`, `SlotNotOffered`, `SlotTaken`, `LimitReached`, `NoSuchEventType`, `JustChanged`.
    """
    span = around or (start, start + INSTANT)
    for _ in range(_READINGS):
        offered = offered_slot(offer, start)
        lock_hosts(session, offer)
        if beside is not None:
            execute_later(session, beside)
            beside = None
        conflicts = load_conflicts(
            session, offer, *span, Exclusions(hold=hold_hash(hold_token)), to_book=True, fresh=fresh, network=network
        )
        if conflicts.is_of(offer):
            break
        offer = _again(session, offer)
    else:
        raise JustChanged
    slot = open_slot(offer, conflicts, offered)
    if host_ids := conflicts.live.intersection(cast("Sequence[UUID]", slot.hosts)):
        raise LiveCheckNeeded(host_ids, *busy_span(offer.terms, start, start + INSTANT))
    hosts = [keep] if keep is not None and offer.strategy and keep in slot.hosts else counters.chosen_hosts(offer, conflicts, slot)
    return SlotPlacement(offer, slot, hosts, _seat(conflicts, slot), conflicts)


def _again(session: Session, offer: BookableEventType) -> BookableEventType:
    """As it is now. What was active when it was read has to be still. Raises `NoSuchEventType`."""
    again = bookable_event_type(session, offer.event_type.id, only_active=offer.is_active)
    if again is None:
        raise NoSuchEventType
    return again


def _seat(conflicts: Conflicts, slot: Slot) -> int:
    """The first free one. Those of other starts, and of holds, are none."""
    numbers = {number for seats, number in conflicts.seats if seats.start == slot.start}
    return next(number for number in range(1, len(numbers) + 2) if number not in numbers)


def insert_booking(
    session: Session, caller: Caller, placement: SlotPlacement, invitee: Invitee, status: BookingStatus, moved: Booking | None = None
) -> Booking:
    """Add a booking with what it holds, to be flushed. A `moved` one hands on its chain: the calendar's UID and sequence."""
    event_type, slot = placement.offer.event_type, placement.slot
    booking = Booking(
        organization_id=caller.organization_id,
        event_type_id=event_type.id,
        host_id=placement.hosts[0],
        invitee_id=invitee.id,
        pool_id=event_type.pool_id,
        status=status,
        start_time=slot.start,
        end_time=slot.end,
        timezone=invitee.timezone,
        location=_location(event_type, invitee),
        confirmed_at=now() if status is BookingStatus.CONFIRMED else None,
    )
    booking.calendar_uid = moved.calendar_uid if moved else booking.id
    if moved is not None:
        booking.sequence, booking.rescheduled_from_id = moved.sequence + 1, moved.id
        booking.routing_submission_id, booking.unproven_network = moved.routing_submission_id, moved.unproven_network
    booking.management_token_hash = secret_hashes.digest(TOKEN, management_token(booking))
    is_session = event_type.kind is EventTypeKind.GROUP
    held = Range(slot.start - timedelta(minutes=event_type.buffer_before), slot.end + timedelta(minutes=event_type.buffer_after))
    session_id = uuid5(event_type.id, slot.start.isoformat()) if is_session else booking.id
    session.add(booking)
    for host_id in placement.hosts:
        session.add(
            BookingHost(
                booking_id=booking.id,
                host_id=host_id,
                status=status,
                start_time=slot.start,
                held=held,
                session_id=session_id,
                seat=placement.seat if is_session else 1,
            )
        )
    directory.enter(session, SchedulingDirectory.MANAGEMENT_TOKEN, booking.management_token_hash)
    return booking


def _location(event_type: EventType, invitee: Invitee) -> str | None:
    """Where it takes place. Without a number of the event type's own, the host calls the invitee."""
    is_call = event_type.location_type is LocationType.PHONE
    return event_type.location_value or (invitee.phone if is_call else None)


def release_hold(session: Session, hold_token: str | None) -> None:
    """Give a hold back. It travels with the next statement."""
    if hold_token:
        execute_later(session, delete(Hold).where(Hold.own(), Hold.token_hash == hold_hash(hold_token)))


def record_change(
    session: Session, caller: Caller, change: BookingChange, booking: Booking, *, old: dict[str, Any] | None = None, **more: Any
) -> None:
    """Audit and announce what became of a booking: ids, status and time, and what else belongs to it."""
    facts = {
        "event_type_id": str(booking.event_type_id),
        "host_id": str(booking.host_id),
        "start_time": booking.start_time.isoformat(),
        "status": booking.status.value,
    } | {name: str(value) if isinstance(value, UUID) else value for name, value in more.items()}
    audit.record(session, caller, change.action, booking, old=old, new=facts)
    outbox.announce(session, change.event, booking_id=booking.id, **facts)


def booking(session: Session, booking_id: UUID) -> BookingDetailRead:
    """Raises `NoSuchBooking`."""
    details = existing_details(session, booking_id)
    answers = [AnswerRead.model_validate(answer) for answer in queries.answers(session, booking_id)]
    return BookingDetailRead(**read(details).model_dump(), answers=answers)


def existing_details(session: Session, booking_id: UUID) -> BookingDetails:
    """Raises `NoSuchBooking`."""
    details = queries.booking_details(session, booking_id)
    if details is None:
        raise NoSuchBooking
    return details


_BESIDE = {"invitee", "hosts", "rescheduled_to_id"}


def read(whole: BookingDetails) -> BookingRead:
    columns = {name: getattr(whole.booking, name) for name in BookingRead.model_fields if name not in _BESIDE}
    invitee = InviteeRead.model_validate(whole.invitee)
    return BookingRead(**columns, invitee=invitee, hosts=whole.hosts, rescheduled_to_id=whole.moved_to)
