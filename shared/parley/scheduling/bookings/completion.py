"""What time does to bookings: those that have taken place are completed, requests that nobody answered lapse."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.persistence.sweep_retries import Due
from parley.kernel.values.clock import now, of_database
from parley.scheduling.bookings import booking_service
from parley.scheduling.bookings.booking_changes import BookingChange
from parley.scheduling.round_robin import counters
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.enums import STANDING_STATUSES, BookingStatus

UNANSWERED = "The request was not answered in time."


def ended_bookings() -> Due:
    """Bookings that are over and still stand. What somebody is changing at this moment is left to the next time."""
    over = (Booking.status.in_(STANDING_STATUSES), Booking.end_time <= of_database())
    return select(Booking.organization_id, Booking.id).where(*over).order_by(Booking.end_time)


def settle_ended(session: Session, caller: Caller, ids: Sequence[UUID]) -> None:
    """Settle a batch of an organization's: CONFIRMED becomes COMPLETED, PENDING is CANCELED by nobody.

    The sequence stays: nobody's calendar has to follow.
    """
    at = now()
    over = {"updated_at": at, "unproven_network": None}
    statement = update(Booking).where(Booking.id.in_(ids)).returning(Booking)
    completed = statement.where(Booking.status == BookingStatus.CONFIRMED).values(status=BookingStatus.COMPLETED, completed_at=at, **over)
    for booking in session.scalars(completed).all():
        booking_service.record_change(session, caller, BookingChange.COMPLETED, booking, old={"status": "CONFIRMED"})
    lapsed = statement.where(Booking.status == BookingStatus.PENDING).values(
        status=BookingStatus.CANCELED, canceled_at=at, **over, cancel_reason=UNANSWERED, sequence=Booking.sequence + 1
    )
    for booking in session.scalars(lapsed).all():
        counters.uncount_booking(session, booking)
        booking_service.record_change(
            session, caller, BookingChange.CANCELED, booking, old={"status": "PENDING"}, canceled_by=None, is_declined=True
        )
