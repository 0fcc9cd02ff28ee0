"""What time does to bookings: those that have taken place are completed, requests that nobody answered lapse."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.scheduling import bookings, turns
from parley.scheduling.kinds import STANDING, BookingStatus
from parley.scheduling.models import Booking

BATCH = 200
UNANSWERED = "The request was not answered in time."


def organizations_with_ended(session: Session) -> Sequence[UUID]:
    """Whose bookings are over and still stand, in a sweep."""
    ended = select(Booking.organization_id).where(Booking.status.in_(STANDING), Booking.end_time <= now())
    return session.scalars(ended.distinct().order_by(Booking.organization_id)).all()


def settle(session: Session, caller: Caller) -> int:
    """Settle one batch of an organization's: CONFIRMED becomes COMPLETED, PENDING is CANCELED by nobody. Returns how many there were.

    What somebody is changing at this moment is left to the next time. The sequence stays: nobody's calendar has to follow.
    """
    at = now()
    due = select(Booking.id).where(Booking.status.in_(STANDING), Booking.end_time <= at).order_by(Booking.end_time).limit(BATCH)
    ids = session.scalars(due.with_for_update(skip_locked=True, key_share=True)).all()
    if not ids:
        return 0
    mine = update(Booking).where(Booking.id.in_(ids)).returning(Booking)
    completed = mine.where(Booking.status == BookingStatus.CONFIRMED).values(status=BookingStatus.COMPLETED, completed_at=at, updated_at=at)
    for booking in session.scalars(completed).all():
        bookings.tell(session, caller, "completed", booking, old={"status": "CONFIRMED"})
    lapsed = mine.where(Booking.status == BookingStatus.PENDING).values(
        status=BookingStatus.CANCELED, canceled_at=at, updated_at=at, cancel_reason=UNANSWERED, sequence=Booking.sequence + 1
    )
    for booking in session.scalars(lapsed).all():
        turns.give_back(session, booking)
        bookings.tell(session, caller, "canceled", booking, old={"status": "PENDING"}, canceled_by=None, is_declined=True)
    return len(ids)
