"""The calendar part of the mails of every transition: one event, whose sequence rises, and which a library that did not write it reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import vobject
from sqlalchemy import select

from parley.identity.models import User
from tests.harness import Member, World
from tests.scheduling.booking_scenarios import Office, SentMail, at


def letters(world: World, to: str) -> list[SentMail]:
    """Oldest first."""
    return [SentMail(mail["raw"]) for mail in world.mails() if to in mail["to"]]


def calendar_fields(letter: SentMail) -> tuple[str, int, str]:
    return str(letter.calendar["METHOD"]), int(letter.event["SEQUENCE"]), str(letter.event["STATUS"])


def steps(office: Office, pump: Callable[[], int], *verbs: str) -> dict[str, Any]:
    """A booking that has to be confirmed, and what becomes of it; mails leave after each step."""
    event_type = office.event_type(requires_confirmation=True, slug="talk")
    someone = {"email": f"{event_type['id']}@visitor.example", "name": "Grace Hopper", "timezone": "America/New_York"}
    booking = first = office.booked(event_type, at("10:00"), invitee=someone)
    pump()
    for verb in verbs:
        body = {"start_time": at("11:00")} if verb == "reschedule" else {}
        answer = office.host.post(f"/v1/scheduling/bookings/{booking['id']}/{verb}", body)
        assert answer.status in (200, 201), answer.body
        booking = answer.body
        pump()
    return {"id": first["id"], "email": someone["email"]}


def test_requested_confirmed_moved_and_canceled(world: World, office: Office, acme: Member, pump: Callable[[], int]) -> None:
    booking = steps(office, pump, "confirm", "reschedule", "cancel")
    (host,) = acme.rows(select(User.email).where(User.id == acme.user_id))
    for address in (booking["email"], host):
        got = letters(world, address)
        methods = [calendar_fields(letter) for letter in got]
        assert [(method, status) for method, _, status in methods] == [
            ("REQUEST", "TENTATIVE"), ("REQUEST", "CONFIRMED"), ("REQUEST", "CONFIRMED"), ("CANCEL", "CANCELLED"),
        ]  # fmt: skip
        sequences = [sequence for _, sequence, _ in methods]
        assert sequences == sorted(set(sequences)), "each is newer than the one before"
        assert {str(letter.event["UID"]) for letter in got} == {f"{booking['id']}@bookings.parley"}
        assert {(str(letter.event["ORGANIZER"]), str(letter.event["ATTENDEE"])) for letter in got} == {
            (f"mailto:{host}", f"mailto:{booking['email']}")
        }
        assert {letter.parts["text/calendar"]["Content-Type"].params["method"] for letter in got} == {"REQUEST", "CANCEL"}
        assert got[2].event["DTSTART"].to_ical() != got[1].event["DTSTART"].to_ical()
        assert all(letter.calendar.to_ical() for letter in got)
    assert "/talk" in letters(world, booking["email"])[-1].text, "where to book another time"


HOSTILE = 'Zoë "Tab"; Ünïcode, the \\ 名前 🙂 ' + "ä" * 60 + " END:VEVENT ATTENDEE:mailto:x@evil.example"
PLACE = "Room 5; 2nd floor, Straße 1\\2 " + "ß🙂" * 40


def test_the_bytes_are_those_of_rfc_5545_and_a_library_that_did_not_write_them_reads_them(
    world: World, office: Office, pump: Callable[[], int]
) -> None:
    kind = office.event_type(name=HOSTILE[:100], location_type="IN_PERSON", location_value=PLACE)
    someone = {"email": f"{kind['id']}@visitor.example", "name": HOSTILE[:150], "timezone": "America/New_York"}
    booking = office.booked(kind, at("10:00"), invitee=someone)
    pump()
    assert office.host.post(f"/v1/scheduling/bookings/{booking['id']}/cancel", {"reason": "x"}).status == 200
    pump()
    read = [_read(letter) for letter in letters(world, someone["email"])]
    assert [(str(calendar.method.value), str(calendar.vevent.status.value)) for calendar in read] == [
        ("REQUEST", "CONFIRMED"),
        ("CANCEL", "CANCELLED"),
    ]
    first, last = (calendar.vevent for calendar in read)
    assert first.uid.value == last.uid.value and int(first.sequence.value) < int(last.sequence.value)
    assert first.dtstamp.value <= last.dtstamp.value
    assert (first.dtstart.value.isoformat(), first.dtend.value.isoformat()) == (_utc(booking["start_time"]), _utc(booking["end_time"]))
    for event in (first, last):
        assert event.location.value == PLACE
        assert event.summary.value.startswith(f"{HOSTILE[:100].strip()}: ")
        assert event.attendee.value == f"mailto:{someone['email']}" and len(event.attendee_list) == 1
        assert event.organizer.value.startswith("mailto:") and len(read[0].vevent_list) == 1
        (name,) = event.attendee.params["CN"]  # as it was written, but for what a header cannot hold and what would be a link
        assert name.startswith(HOSTILE[:40].replace('"', "'").replace("\\", "/"))
        assert "@" not in name and "mailto" not in name


def _utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


def _read(letter: SentMail) -> Any:
    """The calendar part, by vobject, and as bytes: lines end in CRLF and have 75 octets at most (RFC 5545, 3.1)."""
    part = letter.parts["text/calendar"]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes) and content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")
    assert content.startswith(b"BEGIN:VCALENDAR\r\n") and content.endswith(b"END:VCALENDAR\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 75
    assert content == letter.parts["application/ics"].get_payload(decode=True)
    read = vobject.readOne(content.decode())
    assert part["Content-Type"].params["method"] == read.method.value and part["Content-Type"].params["charset"] == "utf-8"
    return read


def test_requested_and_declined(world: World, office: Office, pump: Callable[[], int]) -> None:
    booking = steps(office, pump, "decline")
    request, declined = letters(world, booking["email"])
    assert (calendar_fields(request)[0], calendar_fields(declined)[0]) == ("REQUEST", "CANCEL")
    assert calendar_fields(declined)[1] > calendar_fields(request)[1]
    assert declined.event["UID"] == request.event["UID"]
    assert declined.message["Subject"].startswith("Declined: ")
