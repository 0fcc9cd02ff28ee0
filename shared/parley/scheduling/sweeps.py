"""What time does to bookings: those that have taken place are completed, requests that nobody answered lapse."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.kernel.callers import Caller
from parley.kernel.clock import now, of_database
from parley.kernel.postponed import Due
from parley.scheduling import bookings, turns
from parley.scheduling.kinds import STANDING, BookingStatus
from parley.scheduling.models import Booking

UNANSWERED = "The request was not answered in time."


def ended() -> Due:
    """Bookings that are over and still stand. What somebody is changing at this moment is left to the next time."""
    over = (Booking.status.in_(STANDING), Booking.end_time <= of_database())
    return select(Booking.organization_id, Booking.id).where(*over).order_by(Booking.end_time)


def settle(session: Session, caller: Caller, ids: Sequence[UUID]) -> None:
    """Settle a batch of an organization's: CONFIRMED becomes COMPLETED, PENDING is CANCELED by nobody.

    The sequence stays: nobody's calendar has to follow.
    """
    at = now()
    over = {"updated_at": at, "unproven_network": None}
    mine = update(Booking).where(Booking.id.in_(ids)).returning(Booking)
    completed = mine.where(Booking.status == BookingStatus.CONFIRMED).values(status=BookingStatus.COMPLETED, completed_at=at, **over)
    for booking in session.scalars(completed).all():
        bookings.tell(session, caller, "completed", booking, old={"status": "CONFIRMED"})
    lapsed = mine.where(Booking.status == BookingStatus.PENDING).values(
        status=BookingStatus.CANCELED, canceled_at=at, **over, cancel_reason=UNANSWERED, sequence=Booking.sequence + 1
    )
    for booking in session.scalars(lapsed).all():
        turns.give_back(session, booking)
        bookings.tell(session, caller, "canceled", booking, old={"status": "PENDING"}, canceled_by=None, is_declined=True)
