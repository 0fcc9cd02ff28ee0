"""What becomes of a booking: each change of its status, by the table `TRANSITIONS` in `enums`.

The update that changes a status has the allowed earlier statuses as its condition: of two who change one booking at once, one does.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict
from parley.scheduling.bookings import booking_service
from parley.scheduling.bookings.booking_changes import BookingChange
from parley.scheduling.bookings.booking_service import NoSuchBooking
from parley.scheduling.bookings.schemas import BookingRead
from parley.scheduling.common import queries
from parley.scheduling.round_robin import counters
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.enums import BookingStatus, CanceledBy, Change, statuses_before

_WORDS = {
    BookingStatus.CONFIRMED: "confirmed",
    BookingStatus.CANCELED: "canceled",
    BookingStatus.RESCHEDULED: "rescheduled",
    BookingStatus.NO_SHOW: "marked as a no-show",
    BookingStatus.COMPLETED: "completed",
}


class IllegalTransition(Conflict):
    """The booking's status does not allow it."""


class TooLate(Conflict):
    """The meeting has begun."""


class NotBegun(Conflict):
    """The meeting has not begun."""


def change(
    session: Session, booking: Booking, to: BookingStatus, *, only: Sequence[BookingStatus] | None = None, word: str = "", **values: Any
) -> BookingStatus:
    """Bring a booking into a status, from those that may precede it (or `only` some of them). Returns the one that it had.

    Raises `IllegalTransition`, which names the status that it has.
    """
    had = booking.status
    allowed = statuses_before(to) if only is None else only
    statement = update(Booking).where(Booking.id == booking.id, Booking.status.in_(allowed))
    changed = statement.values(status=to, updated_at=now(), sequence=Booking.sequence + 1, **values)
    if session.execute(changed.returning(Booking), execution_options={"populate_existing": True}).one_or_none() is None:
        current = queries.status(session, booking.id)
        raise IllegalTransition(f"A booking that is {current.value} can't be {word or _WORDS[to]}.", booking_status=current.value)
    return had


def cancel(session: Session, caller: Caller, booking: Booking, by: CanceledBy, reason: str | None) -> None:
    """Give a booking's time back; the invitee before it begins. Raises `IllegalTransition`, `TooLate`."""
    if by is CanceledBy.INVITEE and booking.status in statuses_before(BookingStatus.CANCELED):
        check_not_begun(booking)
    had = change(
        session, booking, BookingStatus.CANCELED, canceled_at=now(), cancel_reason=reason or None, canceled_by=by, unproven_network=None
    )
    counters.uncount_booking(session, booking)
    booking_service.record_change(
        session, caller, BookingChange.CANCELED, booking, old={"status": had.value}, canceled_by=by.value, is_declined=False
    )


def check_not_begun(booking: Booking) -> None:
    """Raises `TooLate`."""
    if booking.start_time <= now():
        raise TooLate("It has begun; ask the host.")


def change_booking(session: Session, caller: Caller, booking_id: UUID, wanted: Change, reason: str | None) -> BookingRead:
    """The host's side changes a booking. The reason is for CANCEL and DECLINE.

    Raises `NoSuchBooking`, `IllegalTransition`, `TooLate` (a request that is over can't be confirmed), `NotBegun`.
    """
    booking = queries.booking(session, booking_id)
    if booking is None:
        raise NoSuchBooking
    if wanted is Change.CONFIRM:
        _confirm(session, caller, booking)
    elif wanted is Change.DECLINE:
        _decline(session, caller, booking, reason)
    elif wanted is Change.CANCEL:
        cancel(session, caller, booking, CanceledBy.HOST, reason)
    elif wanted is Change.NO_SHOW:
        _mark_no_show(session, caller, booking)
    else:
        _complete(session, caller, booking)
    return booking_service.read(booking_service.existing_details(session, booking_id))


def _confirm(session: Session, caller: Caller, booking: Booking) -> None:
    if booking.status is BookingStatus.PENDING and booking.end_time <= now():
        raise TooLate("It is over; nobody can be expected any more.")
    had = change(session, booking, BookingStatus.CONFIRMED, confirmed_at=now(), unproven_network=None)
    booking_service.record_change(session, caller, BookingChange.CONFIRMED, booking, old={"status": had.value})


def _decline(session: Session, caller: Caller, booking: Booking, reason: str | None) -> None:
    """It is CANCELED without ever having been confirmed."""
    how: dict[str, Any] = {"canceled_at": now(), "cancel_reason": reason or None, "canceled_by": CanceledBy.HOST, "unproven_network": None}
    change(session, booking, BookingStatus.CANCELED, only=(BookingStatus.PENDING,), word="declined", **how)
    counters.uncount_booking(session, booking)
    booking_service.record_change(
        session, caller, BookingChange.CANCELED, booking, old={"status": "PENDING"}, canceled_by="HOST", is_declined=True
    )


def _mark_no_show(session: Session, caller: Caller, booking: Booking) -> None:
    _check_begun(booking, BookingStatus.NO_SHOW)
    had = change(session, booking, BookingStatus.NO_SHOW, no_show_marked_at=now())
    booking_service.record_change(session, caller, BookingChange.NO_SHOW, booking, old={"status": had.value})


def _complete(session: Session, caller: Caller, booking: Booking) -> None:
    """It has taken place, or was no no-show after all."""
    _check_begun(booking, BookingStatus.COMPLETED)
    had = change(session, booking, BookingStatus.COMPLETED, completed_at=now(), no_show_marked_at=None)
    booking_service.record_change(session, caller, BookingChange.COMPLETED, booking, old={"status": had.value})


def _check_begun(booking: Booking, to: BookingStatus) -> None:
    if booking.start_time > now() and booking.status in statuses_before(to):
        raise NotBegun("It has not begun; until then it can be canceled.")
