"""A booking as a calendar knows it: iCalendar (RFC 5545) with a scheduling method (RFC 5546)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import quote
from uuid import UUID

from icalendar import Calendar, Event, vCalAddress, vText


class ItipMethod(StrEnum):
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


@dataclass(frozen=True, slots=True)
class CalendarUser:
    """Somebody with a name and an e-mail address; both are one line."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class InvitationEvent:
    """What an invitation says. `sequence` rises with every change that a calendar has to follow."""

    uid: UUID
    sequence: int
    stamp: datetime
    start: datetime
    end: datetime
    summary: str
    description: str
    location: str | None
    organizer: CalendarUser | None
    attendees: Sequence[CalendarUser]
    is_tentative: bool = False


def calendar_text(method: ItipMethod, meeting: InvitationEvent) -> bytes:
    """The text of one VEVENT, in UTC. The same meeting gives the same bytes.

    The UID is that of the chain and never changes: a calendar finds by it what it has to update or cancel, and ignores a revision whose
    sequence is lower than the one it knows (RFC 5546, 2.1.5).
    """
    event = Event()
    event.add("uid", f"{meeting.uid}@bookings.parley")
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", meeting.stamp.astimezone(UTC))
    event.add("dtstart", meeting.start.astimezone(UTC))
    event.add("dtend", meeting.end.astimezone(UTC))
    event.add("summary", meeting.summary)
    if meeting.description:
        event.add("description", meeting.description)
    if meeting.location:
        event.add("location", meeting.location)
    standing = "TENTATIVE" if meeting.is_tentative else "CONFIRMED"
    event.add("status", "CANCELLED" if method is ItipMethod.CANCEL else standing)
    event.add("transp", "OPAQUE")
    if meeting.organizer is not None:
        event.add("organizer", _address(meeting.organizer))
    # Whoever books has accepted; nobody has to answer.
    for attendee in meeting.attendees:
        event.add("attendee", _address(attendee, role="REQ-PARTICIPANT", partstat="ACCEPTED", rsvp="FALSE"))

    whole = Calendar()
    whole.add("prodid", "-//Parley//Scheduling//EN")
    whole.add("version", "2.0")
    whole.add("calscale", "GREGORIAN")
    whole.add("method", method.value)
    whole.add_component(event)
    return bytes(whole.to_ical())


def _address(person: CalendarUser, **parameters: str) -> vCalAddress:
    # RFC 6068: `?` and `&` in an address would begin fields of their own.
    made = vCalAddress("mailto:" + quote(person.email, safe="@!$'*+"))
    # RFC 5545, 3.2: a parameter's value can't hold a double quote. A backslash is taken for an escape by some readers.
    name = person.name.translate({ord('"'): "'", ord("\\"): "/"})
    for parameter, value in {"cn": name, **parameters}.items():
        made.params[parameter] = vText(value)
    return made
