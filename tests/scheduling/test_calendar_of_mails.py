"""The calendar part of the mails of every transition, read by a library of somebody else: one event, whose sequence rises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from parley.identity.models import User
from tests.harness import Member, World
from tests.scheduling.office import Letter, Office, at


def letters(world: World, to: str) -> list[Letter]:
    """Oldest first."""
    return [Letter(mail["raw"]) for mail in world.mails() if to in mail["to"]]


def said(letter: Letter) -> tuple[str, int, str]:
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
        methods = [said(one) for one in got]
        assert [(method, status) for method, _, status in methods] == [
            ("REQUEST", "TENTATIVE"), ("REQUEST", "CONFIRMED"), ("REQUEST", "CONFIRMED"), ("CANCEL", "CANCELLED"),
        ]  # fmt: skip
        sequences = [sequence for _, sequence, _ in methods]
        assert sequences == sorted(set(sequences)), "each is newer than the one before"
        assert {str(one.event["UID"]) for one in got} == {f"{booking['id']}@bookings.parley"}
        assert {(str(one.event["ORGANIZER"]), str(one.event["ATTENDEE"])) for one in got} == {
            (f"mailto:{host}", f"mailto:{booking['email']}")
        }
        assert {one.parts["text/calendar"]["Content-Type"].params["method"] for one in got} == {"REQUEST", "CANCEL"}
        assert got[2].event["DTSTART"].to_ical() != got[1].event["DTSTART"].to_ical()
        assert all(one.calendar.to_ical() for one in got)
    assert "/talk" in letters(world, booking["email"])[-1].text, "where to book another time"


def test_requested_and_declined(world: World, office: Office, pump: Callable[[], int]) -> None:
    booking = steps(office, pump, "decline")
    asked, declined = letters(world, booking["email"])
    assert (said(asked)[0], said(declined)[0]) == ("REQUEST", "CANCEL")
    assert said(declined)[1] > said(asked)[1]
    assert declined.event["UID"] == asked.event["UID"]
    assert declined.message["Subject"].startswith("Declined: ")
