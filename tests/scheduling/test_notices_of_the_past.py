"""Who loses a meeting is told of the one that they had, whatever it has become since."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from parley.identity.models import User
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from parley.notifications.models import NotificationLog
from tests.harness import Member, World
from tests.scheduling.booking_scenarios import BERLIN, Office, SentMail, at, hours, invitee, weekday
from tests.scheduling.test_changes import token_of
from tests.scheduling.test_kinds import hosts, pool, shown

Letters = Callable[[dict[str, Any], Member], list[SentMail]]


@pytest.fixture
def to(world: World) -> Letters:
    """The mails to a host about a booking, oldest first."""

    def of(booking: dict[str, Any], host: Member) -> list[SentMail]:
        (address,) = host.rows(select(User.email).where(User.id == host.user_id))
        read = [SentMail(mail["raw"]) for mail in world.mails() if address in mail["to"]]
        return [letter for letter in read if booking["id"] in letter.message["Message-ID"]]

    return of


@pytest.fixture
def colleague(office: Office, acme: Member) -> Member:
    made = acme.as_role("MEMBER")
    assert made.post("/v1/scheduling/schedules", hours()).status == 201
    for number, member in enumerate((acme, made)):
        with transactions.transaction(acme.caller) as session:
            session.execute(update(User).where(User.id == member.user_id).values(timezone=BERLIN, name=f"Host {number}"))
    return made


def address_of(host: Member) -> str:
    (address,) = host.rows(select(User.email).where(User.id == host.user_id))
    return str(address)


def event_of(acme: Member, booking: dict[str, Any], name: str, **payload: Any) -> str:
    detail = {
        "id": str(new_id()),
        "organization_id": str(acme.organization_id),
        "occurred_at": datetime.now().astimezone().isoformat(),
        "payload": {"booking_id": booking["id"], **payload},
    }
    return json.dumps({"detail-type": f"scheduling.{name}", "detail": detail})


def lost(letter: SentMail, start: str, host: Member, when: str) -> None:
    assert letter.message["Subject"].startswith("Canceled: Introduction, " + when), letter.message["Subject"]
    assert (str(letter.calendar["METHOD"]), str(letter.event["STATUS"])) == ("CANCEL", "CANCELLED")
    assert letter.event["DTSTART"].dt == datetime.fromisoformat(start)
    assert letter.event["ORGANIZER"] == f"mailto:{address_of(host)}"
    assert any(line.startswith("When: ") and when.partition(" ")[0] in line for line in letter.text.splitlines())


def test_a_host_who_loses_a_booking_by_its_move_is_told_the_time_that_they_had(
    office: Office, acme: Member, colleague: Member, world: World, to: Letters
) -> None:
    made = pool(office, "PRIORITY", acme, colleague, priority=[2, 1])
    shared = office.event_type(kind="ROUND_ROBIN", pool_id=made["id"])
    first = office.booked(shared, at("09:00"))
    assert shown(office, first)["host_id"] == str(acme.user_id)
    world.pump()
    office.booked(office.event_type(), at("13:00", weekday(1)))  # the first host is busy then
    path = f"/v1/scheduling/managed-bookings/{token_of(acme, first)}/reschedule"
    assert office.stranger.post(path, {"start_time": at("13:00", weekday(1)), "reason": "A train"}).status == 201
    second = {"id": shown(office, first)["rescheduled_to_id"]}
    assert shown(office, second)["host_id"] == str(colleague.user_id)
    world.pump()
    (invited,), (letter,) = to(first, acme), to(second, acme)
    lost(letter, at("09:00"), acme, "Mon ")
    assert (letter.event["UID"], letter.event["ORGANIZER"]) == (invited.event["UID"], invited.event["ORGANIZER"])
    assert letter.event["SEQUENCE"] > invited.event["SEQUENCE"]
    assert letter.event["DTSTAMP"].dt >= invited.event["DTSTAMP"].dt
    assert "Tuesday" not in letter.text and "Tuesday" not in letter.html
    (taken,) = to(second, colleague)
    assert (taken.event["DTSTART"].dt, taken.event["ORGANIZER"]) == (
        datetime.fromisoformat(at("13:00", weekday(1))),
        f"mailto:{address_of(colleague)}",
    )
    assert [line for line in taken.text.splitlines() if line.startswith("Before: Monday")]


def test_a_host_who_hands_a_booking_over_is_told_as_the_one_who_had_it(
    office: Office, acme: Member, colleague: Member, world: World, to: Letters
) -> None:
    made = pool(office, "PRIORITY", acme, colleague, priority=[2, 1])
    booked = office.booked(office.event_type(kind="ROUND_ROBIN", pool_id=made["id"]), at("09:00"))
    world.pump()
    assert acme.post(f"/v1/scheduling/bookings/{booked['id']}/reassign").status == 200
    world.pump()
    invited, letter = to(booked, acme)
    lost(letter, at("09:00"), acme, "Mon ")
    assert letter.event["UID"] == invited.event["UID"]
    (taken,) = to(booked, colleague)
    assert taken.event["ORGANIZER"] == f"mailto:{address_of(colleague)}"


def test_every_host_of_a_meeting_who_is_not_in_it_after_its_move_is_told(
    office: Office, acme: Member, colleague: Member, world: World, to: Letters
) -> None:
    """Not only the one who answers for it: whom the event type does not ask for any more, as it moves."""
    third = acme.as_role("MEMBER")
    assert third.post("/v1/scheduling/schedules", hours()).status == 201
    together = office.event_type(kind="COLLECTIVE", hosts=hosts(acme, colleague, third))
    first = office.booked(together, at("09:00"))
    world.pump()
    assert acme.patch(f"/v1/scheduling/event-types/{together['id']}", {"hosts": hosts(acme, third)}).status == 200
    moved = acme.post(f"/v1/scheduling/bookings/{first['id']}/reschedule", {"start_time": at("13:00", weekday(1))})
    assert moved.status == 201
    world.pump()
    (letter,) = to(moved.body, colleague)
    lost(letter, at("09:00"), acme, "Mon ")
    assert [letter.message["Subject"][:7] for letter in to(moved.body, third)] == ["Moved: "]


@pytest.mark.parametrize("by_move", [True, False])
def test_who_lost_it_is_told_however_late_that_is_heard_of(
    office: Office, acme: Member, colleague: Member, world: World, to: Letters, by_move: bool
) -> None:
    made = pool(office, "PRIORITY", acme, colleague, priority=[2, 1])
    first = office.booked(office.event_type(kind="ROUND_ROBIN", pool_id=made["id"]), at("09:00"))
    world.pump()
    last, name = first, "booking_reassigned"
    if by_move:
        office.booked(office.event_type(), at("13:00", weekday(1)))
        last = acme.post(f"/v1/scheduling/bookings/{first['id']}/reschedule", {"start_time": at("13:00", weekday(1))}).body
        name = "booking_rescheduled"
    else:
        assert acme.post(f"/v1/scheduling/bookings/{first['id']}/reassign").status == 200
    assert office.cancel(last).status == 200
    event = event_of(acme, last, name, from_host_id=str(acme.user_id))
    world.invoke("scheduling/on_booking_changed", {"Records": [_record(event)]})
    letter = to(last, acme)[-1]
    lost(letter, at("09:00"), acme, "Mon ")
    assert [row.event for row in acme.rows(select(NotificationLog).where(NotificationLog.from_host_id == acme.user_id))] == [
        f"scheduling.{name}"
    ]


def _record(body: str) -> dict[str, Any]:
    return {"messageId": "message", "receiptHandle": "handle", "body": body, "attributes": {}, "eventSource": "aws:sqs"}


def test_what_failed_is_sent_again_to_who_lost_it(office: Office, acme: Member, colleague: Member, world: World, to: Letters) -> None:
    made = pool(office, "PRIORITY", acme, colleague, priority=[2, 1])
    booked = office.booked(office.event_type(kind="ROUND_ROBIN", pool_id=made["id"]), at("09:00"))
    world.pump()
    assert acme.post(f"/v1/scheduling/bookings/{booked['id']}/reassign").status == 200
    world.pump()
    (row,) = acme.rows(select(NotificationLog).where(NotificationLog.from_host_id == acme.user_id))
    with transactions.transaction(acme.caller) as session:
        session.execute(update(NotificationLog).where(NotificationLog.id == row.id).values(status="FAILED"))
    assert acme.post(f"/v1/scheduling/notifications/{row.id}/resend").status == 202
    world.pump()
    assert [letter.message["Subject"][:9] for letter in to(booked, acme)][-2:] == ["Canceled:"] * 2
    (row,) = acme.rows(select(NotificationLog).where(NotificationLog.from_host_id == acme.user_id))
    assert row.status.value == "SENT"


def test_a_request_that_its_visitor_takes_back_was_declined_by_nobody(office: Office, acme: Member, world: World, to: Letters) -> None:
    booked = office.booked(office.event_type(requires_confirmation=True), at("09:00"), invitee=invitee())
    world.pump()
    assert office.stranger.post(f"/v1/scheduling/managed-bookings/{token_of(acme, booked)}/cancel", {}).status == 200
    world.pump()
    assert to(booked, acme)[-1].message["Subject"].startswith("Canceled: ")
