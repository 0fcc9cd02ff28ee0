"""Addresses that put a booking into calendars on the web. They name no link that changes it: that is a secret of the invitee's."""

from datetime import UTC
from urllib.parse import urlencode

from parley.scheduling.bookings.schemas import ManagedBookingRead


def summary(booking: ManagedBookingRead) -> str:
    return f"{booking.event_type_name} with {booking.host_name or booking.organization_name}"


def google(booking: ManagedBookingRead) -> str:
    times = "/".join(moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") for moment in (booking.start_time, booking.end_time))
    query = {"action": "TEMPLATE", "text": summary(booking), "dates": times, "location": booking.location or ""}
    return f"https://calendar.google.com/calendar/render?{urlencode(query)}"


def outlook(booking: ManagedBookingRead) -> str:
    start, end = (moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (booking.start_time, booking.end_time))
    query = {"path": "/calendar/action/compose", "rru": "addevent", "subject": summary(booking), "startdt": start, "enddt": end}
    return f"https://outlook.live.com/calendar/0/action/compose?{urlencode(query | {'location': booking.location or ''})}"
