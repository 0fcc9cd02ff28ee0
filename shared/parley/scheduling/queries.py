"""What scheduling asks the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import InstrumentedAttribute, Session

from parley.identity.models import Organization, OrganizationMember, User
from parley.scheduling.availability import Interval, Terms, busy_span, limit_span
from parley.scheduling.hours import Hours, Override, Window
from parley.scheduling.models import (
    HOLDING,
    Answer,
    AvailabilityOverride,
    AvailabilitySchedule,
    AvailabilitySlot,
    Booking,
    BookingStatus,
    DayOfWeek,
    EventType,
    Invitee,
    OverrideType,
    Question,
    QuestionType,
)

_WEEKDAYS = {day.value: at for at, day in enumerate(DayOfWeek)}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as a booking has to answer it."""

    id: UUID
    label: str
    type: QuestionType
    required: bool
    options: list[str]


@dataclass(frozen=True, slots=True)
class Offer:
    """An event type that can be booked: its terms, the hours of its schedule, its questions in order."""

    event_type: EventType
    terms: Terms
    hours: Hours
    questions: list[Asked]


def schedule(session: Session, schedule_id: UUID) -> AvailabilitySchedule | None:
    return session.scalars(select(AvailabilitySchedule).where(AvailabilitySchedule.id == schedule_id)).one_or_none()


def weekly_windows(session: Session, schedule_id: UUID) -> Sequence[AvailabilitySlot]:
    """In the order of the week."""
    ordered = select(AvailabilitySlot).order_by(AvailabilitySlot.day_of_week, AvailabilitySlot.start_time, AvailabilitySlot.id)
    return session.scalars(ordered.where(AvailabilitySlot.schedule_id == schedule_id)).all()


def overrides(session: Session, schedule_id: UUID) -> Sequence[AvailabilityOverride]:
    ordered = select(AvailabilityOverride).order_by(AvailabilityOverride.date, AvailabilityOverride.start_time, AvailabilityOverride.id)
    return session.scalars(ordered.where(AvailabilityOverride.schedule_id == schedule_id)).all()


def event_type(session: Session, event_type_id: UUID) -> EventType | None:
    return session.scalars(select(EventType).where(EventType.id == event_type_id)).one_or_none()


def questions(session: Session, event_type_id: UUID) -> Sequence[Question]:
    return session.scalars(select(Question).where(Question.event_type_id == event_type_id).order_by(Question.position)).all()


def public_event_type(session: Session, event_type_id: UUID) -> Row[EventType, str, str | None, str] | None:
    """An active event type with its schedule's time zone, its host's name and the organization's."""
    return session.execute(
        select(EventType, AvailabilitySchedule.timezone, User.name, Organization.name)
        .join(AvailabilitySchedule, AvailabilitySchedule.id == EventType.schedule_id)
        .join(User, User.id == EventType.user_id)
        .join(Organization, Organization.id == EventType.organization_id)
        .where(EventType.id == event_type_id, EventType.is_active)
    ).one_or_none()


def _gathered(*columns: InstrumentedAttribute[Any], parent: InstrumentedAttribute[Any], of: InstrumentedAttribute[Any]) -> Any:
    """The rows below one row, as a list of lists in a column of its own, so that one statement brings them all. NULL for none."""
    return select(func.jsonb_agg(func.jsonb_build_array(*columns))).where(parent == of).scalar_subquery()


def offer(session: Session, event_type_id: UUID, *, to_book: bool = False) -> Offer | None:
    """An active event type of somebody who still belongs to the organization; neither of them is deleted. One statement.

    `to_book` locks the event type and the host's membership until the transaction ends: who books the same host, or the same event type,
    waits here and then sees what the one before has booked. So limits hold, and bookings that overlap do not wait for each other
    crosswise in the exclusion constraint. The locks let foreign keys pass (FOR NO KEY UPDATE).
    """
    statement: Select[Any] = (
        select(
            EventType,
            AvailabilitySchedule.timezone,
            _gathered(
                AvailabilitySlot.day_of_week, AvailabilitySlot.start_time, AvailabilitySlot.end_time,
                parent=AvailabilitySlot.schedule_id, of=EventType.schedule_id,
            ),
            _gathered(
                AvailabilityOverride.date, AvailabilityOverride.type, AvailabilityOverride.start_time, AvailabilityOverride.end_time,
                parent=AvailabilityOverride.schedule_id, of=EventType.schedule_id,
            ),
            _gathered(
                Question.position, Question.id, Question.label, Question.type, Question.required, Question.options,
                parent=Question.event_type_id, of=EventType.id,
            ),
        )
        .join(AvailabilitySchedule, AvailabilitySchedule.id == EventType.schedule_id)
        .join(OrganizationMember, OrganizationMember.user_id == EventType.user_id)
        .join(User, User.id == EventType.user_id)
        .join(Organization, Organization.id == EventType.organization_id)
        .where(EventType.id == event_type_id, EventType.is_active)
    )  # fmt: skip
    if to_book:
        statement = statement.with_for_update(key_share=True, of=[EventType, OrganizationMember])
    found = session.execute(statement).one_or_none()
    if found is None:
        return None
    row, timezone, slots, exceptions, asked = found
    return Offer(
        row,
        Terms(
            row.duration,
            row.slot_interval,
            row.buffer_before,
            row.buffer_after,
            row.min_notice,
            row.max_bookings_per_day,
            row.max_bookings_per_week,
        ),
        Hours(timezone, tuple(_window(*slot) for slot in slots or ()), tuple(_exception(*exception) for exception in exceptions or ())),
        [_asked(*question) for question in sorted(asked or ())],
    )


def _minute(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


def _window(day: str, start: str, end: str) -> Window:
    return Window(_WEEKDAYS[day], _minute(start), _minute(end))


def _asked(_position: int, question_id: str, label: str, kind: str, required: bool, options: list[str]) -> Asked:
    return Asked(UUID(question_id), label, QuestionType(kind), required, options)


def _exception(day: str, kind: str, start: str | None, end: str | None) -> Override:
    is_available = kind == OverrideType.AVAILABLE.value
    if start is None or end is None:
        return Override(date.fromisoformat(day), is_available)
    return Override(date.fromisoformat(day), is_available, _minute(start), _minute(end))


def taken(session: Session, offer: Offer, from_: datetime, to: datetime) -> tuple[list[Interval], list[datetime]]:
    """What stands against starts in `[from_, to)`: the host's held times, and the starts that count towards limits. One statement."""
    since, until = busy_span(offer.terms, from_, to)
    statement: Any = select(literal(True), func.lower(Booking.held), func.upper(Booking.held)).where(
        Booking.host_id == offer.event_type.user_id, Booking.status.in_(HOLDING), Booking.held.overlaps(Range(since, until))
    )
    if offer.terms.max_per_day is not None or offer.terms.max_per_week is not None:
        first, last = limit_span(offer.hours.timezone, from_, to)
        counted = select(literal(False), Booking.start_time, Booking.end_time).where(
            Booking.event_type_id == offer.event_type.id,
            Booking.status.in_(HOLDING),
            Booking.start_time >= first,
            Booking.start_time < last,
        )
        statement = union_all(statement, counted)
    rows = session.execute(statement).all()
    return [(start, end) for is_busy, start, end in rows if is_busy], [start for is_busy, start, _ in rows if not is_busy]


def booking(session: Session, booking_id: UUID) -> Row[Booking, Invitee] | None:
    return session.execute(
        select(Booking, Invitee).join(Invitee, Invitee.id == Booking.invitee_id).where(Booking.id == booking_id)
    ).one_or_none()


def bookings(
    *,
    host_id: UUID | None,
    event_type_id: UUID | None,
    status: BookingStatus | None,
    from_: datetime | None,
    to: datetime | None,
) -> Select[Booking]:
    """The bookings that fit every filter; their start lies in `[from_, to)`."""
    statement = select(Booking)
    if host_id is not None:
        statement = statement.where(Booking.host_id == host_id)
    if event_type_id is not None:
        statement = statement.where(Booking.event_type_id == event_type_id)
    if status is not None:
        statement = statement.where(Booking.status == status)
    if from_ is not None:
        statement = statement.where(Booking.start_time >= from_)
    if to is not None:
        statement = statement.where(Booking.start_time < to)
    return statement


def invitees(session: Session, ids: Iterable[UUID]) -> dict[UUID, Invitee]:
    return {invitee.id: invitee for invitee in session.scalars(select(Invitee).where(Invitee.id.in_(list(ids))))}


def answers(session: Session, booking_id: UUID) -> Sequence[Row[UUID, str, Any]]:
    """Question, label and value, in the order of the questions."""
    return session.execute(
        select(Answer.question_id, Question.label, Answer.value)
        .join(Question, Question.id == Answer.question_id)
        .where(Answer.booking_id == booking_id)
        .order_by(Question.position)
    ).all()


def status(session: Session, booking_id: UUID) -> BookingStatus:
    """As it is now, whatever the session has read before."""
    return session.execute(select(Booking.status).where(Booking.id == booking_id)).scalar_one()
