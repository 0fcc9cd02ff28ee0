"""A booking as a file for a calendar."""

from parley.kernel.settings import setting
from parley.notifications.email_message import is_deliverable, single_line
from parley.scheduling import calendar_links
from parley.scheduling.invitations import Meeting, Method, Person, calendar
from parley.scheduling.kinds import STANDING, BookingStatus
from parley.scheduling.managed import Managed


def published(found: Managed, path: str) -> tuple[str, str]:
    """The booking for a calendar to keep (RFC 5546, PUBLISH: nobody is invited by it), with the UID that the mails have; and its media
    type, which names the method as well (RFC 5545, 3.7.2)."""
    booking, shown = found.booking, found.shown
    meeting = Meeting(
        uid=booking.calendar_uid,
        sequence=booking.sequence,
        stamp=booking.canceled_at or booking.confirmed_at or booking.created_at,
        start=booking.start_time,
        end=booking.end_time,
        summary=single_line(calendar_links.summary(shown)),
        description=f"Change or cancel: {setting('PUBLIC_URL').rstrip('/')}{path}",
        location=single_line(booking.location, 500) if booking.location else None,
        organizer=Person(single_line(found.host[0]), found.host[1]) if found.host and is_deliverable(found.host[1]) else None,
        attendees=[],
        is_tentative=booking.status is BookingStatus.PENDING,
    )
    method = Method.PUBLISH if shown.status in STANDING else Method.CANCEL
    return calendar(method, meeting).decode(), f"text/calendar; charset=utf-8; method={method}"
