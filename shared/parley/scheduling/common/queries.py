"""What scheduling asks the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from parley.scheduling.tables.booking_models import Answer, Booking, BookingHost, Invitee
from parley.scheduling.tables.enums import BookingStatus
from parley.scheduling.tables.event_type_models import EventType, EventTypeHost, Question
from parley.scheduling.tables.schedule_models import AvailabilityOverride, AvailabilitySchedule, AvailabilitySlot


def schedule(session: Session, schedule_id: UUID, *, to_use: bool = False) -> AvailabilitySchedule | None:
    """`to_use` keeps it from being deleted until the transaction ends."""
    chosen = select(AvailabilitySchedule).where(AvailabilitySchedule.id == schedule_id)
    return session.scalars(chosen.with_for_update(read=True) if to_use else chosen).one_or_none()


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


def hosts(session: Session, event_type_id: UUID) -> Sequence[EventTypeHost]:
    """Those of a COLLECTIVE, in their order."""
    return session.scalars(select(EventTypeHost).where(EventTypeHost.event_type_id == event_type_id).order_by(EventTypeHost.position)).all()


@dataclass(frozen=True, slots=True)
class BookingDetails:
    """A booking with what stands beside it: its invitee, who is there, and the record that took its place."""

    booking: Booking
    invitee: Invitee
    hosts: list[UUID]
    moved_to: UUID | None


def _wholes(later: type[Booking]) -> Select[Any]:
    query = select(func.array_agg(aggregate_order_by(BookingHost.host_id, BookingHost.id))).where(BookingHost.booking_id == Booking.id)
    return (
        select(Booking, Invitee, query.scalar_subquery(), later.id)
        .join(Invitee, Invitee.id == Booking.invitee_id)
        .outerjoin(later, later.rescheduled_from_id == Booking.id)
    )


def booking_details(session: Session, booking_id: UUID, *, to_tell: bool = False) -> BookingDetails | None:
    """As it is now, whatever the session has read before. One query.

    `to_tell` is for who writes down what it finds: an invitee who is being erased is waited for, and is not erased before that is written.
    """
    chosen = _wholes(aliased(Booking)).where(Booking.id == booking_id)
    if to_tell:
        chosen = chosen.with_for_update(read=True, of=Invitee)
    row = session.execute(chosen, execution_options={"populate_existing": True}).one_or_none()
    return BookingDetails(*row) if row else None


def booking_to_move(
    session: Session, booking_id: UUID | None = None, token_hash: str | None = None
) -> tuple[BookingDetails, list[tuple[UUID, Any]]] | None:
    """A booking, by its id or by its token's hash, locked until the transaction ends, and its answers by question. One query."""
    query = select(func.jsonb_agg(func.jsonb_build_array(Answer.question_id, Answer.value))).where(Answer.booking_id == Booking.id)
    chosen = _wholes(aliased(Booking)).add_columns(query.scalar_subquery())
    chosen = chosen.where(Booking.id == booking_id) if booking_id else chosen.where(Booking.management_token_hash == token_hash)
    row = session.execute(chosen.with_for_update(key_share=True, of=Booking), execution_options={"populate_existing": True}).one_or_none()
    if row is None:
        return None
    return BookingDetails(*row[:4]), [(UUID(question_id), value) for question_id, value in row[4] or ()]


def details_of_bookings(session: Session, ids: Sequence[UUID]) -> list[BookingDetails]:
    """In the order given. One query."""
    if not ids:
        return []
    details_by_id = {
        row.id: BookingDetails(row, *beside) for row, *beside in session.execute(_wholes(aliased(Booking)).where(Booking.id.in_(ids)))
    }
    return [details_by_id[booking_id] for booking_id in ids]


def booking(session: Session, booking_id: UUID) -> Booking | None:
    return session.scalars(select(Booking).where(Booking.id == booking_id)).one_or_none()


def answers(session: Session, booking_id: UUID) -> Sequence[Row[UUID, str, Any]]:
    """Question, label and value, in the order of the questions; those that are not asked any more among them."""
    return session.execute(
        select(Answer.question_id, Question.label, Answer.value)
        .join(Question, Question.id == Answer.question_id)
        .where(Answer.booking_id == booking_id)
        .order_by(Question.position, Question.id),
        execution_options={"with_deleted": True},
    ).all()


def status(session: Session, booking_id: UUID) -> BookingStatus:
    """As it is now, whatever the session has read before."""
    return session.execute(select(Booking.status).where(Booking.id == booking_id)).scalar_one()
