"""What the scheduling tests talk about: days ahead of now, a request body, a mail taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar

from local.client import Answer
from parley.kernel.persistence import transactions
from tests.harness import Client, Member, World

OFFICE_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
BERLIN = "Europe/Berlin"


def weekday(day: int, weeks: int = 2) -> date:
    """A day of a week ahead: 0 is Monday."""
    today = datetime.now(UTC).date()
    return today + timedelta(days=7 * weeks + day - today.weekday())


def at(clock: str, day: date | None = None, zone: str = BERLIN) -> str:
    """A wall time as an instant in UTC; of a Monday two weeks ahead when no date is given."""
    wall = datetime.fromisoformat(f"{day or weekday(0)}T{clock}").replace(tzinfo=ZoneInfo(zone))
    return wall.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def hours(**other: Any) -> dict[str, Any]:
    """Monday to Friday from 9 to 17 in Berlin."""
    slots = [{"day_of_week": day, "start_time": "09:00", "end_time": "17:00"} for day in OFFICE_DAYS]
    return {"name": "Office", "timezone": BERLIN, "slots": slots, **other}


def invitee(**other: Any) -> dict[str, Any]:
    return {"email": "grace@visitor.example", "name": "Grace Hopper", "timezone": "America/New_York", **other}


class Office:
    """A host, what he offers, and strangers who want it."""

    def __init__(self, world: World, host: Member) -> None:
        self.world = world
        self.host = host
        self.stranger = Client(world)
        self._made = 0

    def schedule(self, **other: Any) -> dict[str, Any]:
        return self._created(self.host.post("/v1/scheduling/schedules", hours(**other)))

    def event_type(self, schedule: dict[str, Any] | None = None, **terms: Any) -> dict[str, Any]:
        """Half an hour, on the half hour; other terms by keyword, hours by a schedule's."""
        self._made += 1
        wanted = {
            "schedule_id": self.schedule(**(schedule or {}))["id"],
            "name": "Introduction",
            "slug": f"introduction-{self._made}",
            "duration": 30,
            "location_type": "ZOOM",
            "location_value": "https://zoom.example/j/1",
        }
        return self._created(self.host.post("/v1/scheduling/event-types", wanted | terms))

    def book(self, event_type: dict[str, Any], start: str, headers: dict[str, str] | None = None, **other: Any) -> Answer:
        """As a stranger."""
        body = {"event_type_id": event_type["id"], "start_time": start, "invitee": invitee(), **other}
        return self.stranger.post("/v1/scheduling/bookings", body, headers)

    def booked(self, event_type: dict[str, Any], start: str, **other: Any) -> dict[str, Any]:
        return self._created(self.book(event_type, start, **other))

    def starts(self, event_type: dict[str, Any], day: date, days: int = 1, zone: str = BERLIN) -> list[str]:
        """The open starts of some days, as wall times of the zone: `09:30`, or `07 09:30` for more than one day."""
        answer = self.slots(event_type, **{"from": at("00:00", day, zone), "to": at("00:00", day + timedelta(days=days), zone)})
        assert answer.status == 200, answer.body
        instants = [datetime.fromisoformat(slot["start_time"]).astimezone(ZoneInfo(zone)) for slot in answer.body["slots"]]
        return [f"{start:%H:%M}" if days == 1 else f"{start:%d %H:%M}" for start in instants]

    def slots(self, event_type: dict[str, Any], **query: str) -> Answer:
        return self.stranger.request("GET", f"/v1/scheduling/event-types/{event_type['id']}/slots", query=query)

    def cancel(self, booking: dict[str, Any], reason: str | None = None) -> Answer:
        return self.host.post(f"/v1/scheduling/bookings/{booking['id']}/cancel", {"reason": reason})

    def round_trips(self) -> Iterator[int]:
        """How many round trips passed between this and the last time it was asked."""
        last = None
        while True:
            with transactions.transaction(self.host.caller) as session:
                now = transactions.round_trips(session)
            # The commit of the last count and the begin of this one are not what was counted.
            yield 0 if last is None else now - last - 2
            last = now

    @staticmethod
    def _created(answer: Answer) -> dict[str, Any]:
        assert answer.status == 201, (answer.status, answer.body)
        body: dict[str, Any] = answer.body
        return body


class SentMail:
    """A mail as its reader's program sees it."""

    def __init__(self, raw: str | bytes) -> None:
        self.raw = raw if isinstance(raw, bytes) else raw.encode()
        parsed = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.message = parsed
        self.parts = {part.get_content_type(): part for part in parsed.walk() if not part.is_multipart()}

    @property
    def text(self) -> str:
        return str(self.parts["text/plain"].get_content())

    @property
    def html(self) -> str:
        return str(self.parts["text/html"].get_content())

    @property
    def calendar(self) -> Any:
        return Calendar.from_ical(self.parts["text/calendar"].get_content())

    @property
    def event(self) -> Any:
        (event,) = self.calendar.walk("VEVENT")
        return event

    @property
    def link(self) -> str:
        """The path of the management link."""
        return next("/bookings/" + line.partition("/bookings/")[2].strip() for line in self.text.splitlines() if "/bookings/" in line)
