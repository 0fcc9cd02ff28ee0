"""A booking as a file for a calendar."""

from parley.kernel.values.settings import setting
from parley.notifications.email.email_message import is_deliverable, single_line
from parley.scheduling.bookings.invitee_access import ManagedBooking
from parley.scheduling.notifications.icalendar import CalendarUser, InvitationEvent, ItipMethod, calendar_text
from parley.scheduling.pages import calendar_links
from parley.scheduling.tables.enums import STANDING_STATUSES, BookingStatus


def icalendar_file(managed_booking: ManagedBooking, path: str) -> tuple[str, str]:
    """The booking for a calendar to keep (RFC 5546, PUBLISH: nobody is invited by it), with the UID that the mails have; and its media
    type, which names the method as well (RFC 5545, 3.7.2)."""
    booking, shown = managed_booking.booking, managed_booking.shown
    meeting = InvitationEvent(
        uid=booking.calendar_uid,
        sequence=booking.sequence,
        stamp=booking.canceled_at or booking.confirmed_at or booking.created_at,
        start=booking.start_time,
        end=booking.end_time,
        summary=single_line(calendar_links.summary(shown)),
        description=f"Change or cancel: {setting('PUBLIC_URL').rstrip('/')}{path}",
        location=single_line(booking.location, 500) if booking.location else None,
        organizer=CalendarUser(single_line(managed_booking.host[0]), managed_booking.host[1])
        if managed_booking.host and is_deliverable(managed_booking.host[1])
        else None,
        attendees=[],
        is_tentative=booking.status is BookingStatus.PENDING,
    )
    method = ItipMethod.PUBLISH if shown.status in STANDING_STATUSES else ItipMethod.CANCEL
    return calendar_text(method, meeting).decode(), f"text/calendar; charset=utf-8; method={method}"
