"""The mails of a booking, as they leave; and events that come twice, late, or in the wrong order."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from parley.identity.models import OrganizationMember, User
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.notifications.email.email_message import display_name
from parley.notifications.models import NotificationLog
from parley.scheduling.tables.booking_models import Booking, Invitee
from tests.harness import Member, World, recorded, sqs_event
from tests.scheduling.booking_scenarios import Office, SentMail, at, invitee

Letters = Callable[..., list[SentMail]]


@pytest.fixture
def host(acme: Member) -> str:
    (email,) = acme.rows(select(User.email).where(User.id == acme.user_id))
    return str(email)


def logs(acme: Member, booking: dict[str, Any]) -> list[tuple[str, str]]:
    rows = acme.rows(select(NotificationLog).where(NotificationLog.booking_id == booking["id"]).order_by(NotificationLog.id))
    return [(row.recipient_kind.value, row.status.value) for row in rows]


def booking_event(acme: Member, booking: dict[str, Any], name: str, event_id: UUID | None = None) -> dict[str, Any]:
    """The recorded event, about this booking."""
    event: dict[str, Any] = json.loads(recorded("scheduling_booking_created_queue")["Records"][0]["body"])
    detail = event["detail"] | {"id": str(event_id or new_id()), "organization_id": str(acme.organization_id)}
    return event | {"detail-type": f"scheduling.{name}", "detail": detail | {"payload": {"booking_id": booking["id"]}}}


def give(world: World, *events: dict[str, Any]) -> list[str]:
    """Gives events to the worker; returns the ids of the messages that failed."""
    answer = world.invoke("scheduling/on_booking_changed", sqs_event(*(json.dumps(event) for event in events)))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_the_invitee_gets_an_invitation(office: Office, acme: Member, host: str, letters: Letters, pump: Callable[[], int]) -> None:
    event_type = office.event_type(name="Größe & Co; a, b")
    booking = office.booked(event_type, at("10:00"))
    pump()
    (letter,) = letters(booking)
    message = letter.message
    assert message["Subject"].startswith("Größe & Co; a, b, Mon ")
    assert message["Subject"].endswith("(America/New_York)")
    assert (message["To"].addresses[0].display_name, message["To"].addresses[0].addr_spec) == ("Grace Hopper", "grace@visitor.example")
    assert message["From"].addresses[0].addr_spec == os.environ["MAIL_FROM"]
    assert message["Reply-To"].addresses[0].addr_spec == host
    assert message["Message-ID"].startswith(f"<{booking['id']}.0.invitee@")
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics",
    ]  # fmt: skip
    assert letter.parts["text/calendar"]["Content-Type"].params["method"] == "REQUEST"
    assert letter.parts["application/ics"].get_filename() == "invite.ics"
    assert letter.link.startswith("/bookings/")
    assert f'href="{os.environ["PUBLIC_URL"]}{letter.link}"' in letter.html
    assert "Größe &amp; Co" in letter.html
    assert "https://zoom.example/j/1" in letter.text

    (event,) = letter.calendar.walk("VEVENT")
    assert (letter.calendar["METHOD"], letter.calendar["VERSION"]) == ("REQUEST", "2.0")
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (f"{booking['id']}@bookings.parley", 0, "CONFIRMED")
    assert event["DTSTART"].dt == datetime.fromisoformat(booking["start_time"])
    assert event["DTEND"].dt == datetime.fromisoformat(booking["end_time"])
    assert event["DTSTART"].to_ical().endswith(b"Z")
    assert (event["ORGANIZER"], event["ATTENDEE"]) == (f"mailto:{host}", "mailto:grace@visitor.example")
    assert event["ATTENDEE"].params["CN"] == "Grace Hopper"
    assert event["SUMMARY"] == "Größe & Co; a, b: Grace Hopper and Owner of Acme"
    raw = letter.parts["application/ics"].get_content()
    assert b"\r\n" in raw
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))


def test_the_host_is_told_and_gets_no_key_to_the_invitees_page(
    office: Office, host: str, letters: Letters, pump: Callable[[], int]
) -> None:
    event_type = office.event_type(questions=[{"label": "Days", "type": "MULTI_SELECT", "options": ["Mon", "Tue"]}])
    answers = [{"question_id": event_type["questions"][0]["id"], "value": ["Tue", "Mon"]}]
    booking = office.booked(event_type, at("10:00"), invitee=invitee(notes="Bring\ncoffee"), answers=answers)
    pump()
    (letter,) = letters(booking, host)
    assert "/bookings/" not in letter.message.as_string()
    assert letter.message["Reply-To"].addresses[0].addr_spec == "grace@visitor.example"
    assert "Days: Tue, Mon" in letter.text
    assert "coffee" in letter.text
    assert letter.event["SEQUENCE"] == 0
    assert "DESCRIPTION" not in letter.event


def test_a_cancellation_goes_to_both_with_a_higher_sequence(
    office: Office, event_type: dict[str, Any], acme: Member, host: str, letters: Letters, pump: Callable[[], int]
) -> None:
    booking = office.booked(event_type, at("10:00"))
    pump()
    office.cancel(booking, "I am ill")
    pump()
    for address in ("grace@visitor.example", host):
        invited, canceled = letters(booking, address)
        assert (canceled.calendar["METHOD"], canceled.event["STATUS"]) == ("CANCEL", "CANCELLED")
        assert canceled.event["UID"] == invited.event["UID"]
        assert canceled.event["SEQUENCE"] == invited.event["SEQUENCE"] + 1
        assert canceled.message["Subject"].startswith("Canceled: Introduction, Mon ")
        assert "I am ill" in canceled.text
        assert "/bookings/" not in canceled.text
    assert logs(acme, booking) == [("INVITEE", "SENT"), ("HOST", "SENT")] * 2


def test_the_link_of_the_mail_opens_the_page(
    office: Office, event_type: dict[str, Any], acme: Member, letters: Letters, pump: Callable[[], int]
) -> None:
    booking = office.booked(event_type, at("10:00"))
    pump()
    (letter,) = letters(booking)
    assert office.stranger.get(letter.link).status == 200
    canceled = office.stranger.request("POST", letter.link, b"reason=", {"content-type": "application/x-www-form-urlencoded"})
    assert canceled.status == 303
    pump()
    assert acme.get(f"/v1/scheduling/bookings/{booking['id']}").body["canceled_by"] == "INVITEE"
    assert [mail.calendar["METHOD"] for mail in letters(booking)] == ["REQUEST", "CANCEL"]


def test_an_event_that_comes_again_sends_nothing(
    office: Office, event_type: dict[str, Any], acme: Member, world: World, letters: Letters, pump: Callable[[], int]
) -> None:
    booking = office.booked(event_type, at("10:00"))
    pump()
    (event_id,) = {row.event_id for row in acme.rows(select(NotificationLog))}
    again = booking_event(acme, booking, "booking_created", event_id)
    assert give(world, again, again, again) == []
    assert len(letters(booking)) == 1
    assert logs(acme, booking) == [("INVITEE", "SENT"), ("HOST", "SENT")]


def test_a_booking_that_was_canceled_before_its_creation_was_heard_of_is_not_confirmed(
    office: Office, event_type: dict[str, Any], acme: Member, world: World, letters: Letters
) -> None:
    booking = office.booked(event_type, at("10:00"))
    office.cancel(booking)
    assert give(world, booking_event(acme, booking, "booking_canceled"), booking_event(acme, booking, "booking_created")) == []
    assert [letter.calendar["METHOD"] for letter in letters(booking)] == ["CANCEL"]
    assert sorted(logs(acme, booking)) == [("HOST", "CANCELED"), ("HOST", "SENT"), ("INVITEE", "CANCELED"), ("INVITEE", "SENT")]


def test_a_mail_that_fails_comes_again(
    office: Office,
    event_type: dict[str, Any],
    acme: Member,
    host: str,
    world: World,
    letters: Letters,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    booking = office.booked(event_type, at("10:00"))
    event = booking_event(acme, booking, "booking_created")
    with monkeypatch.context() as patch, caplog.at_level("ERROR", logger="parley"):
        patch.setenv("MAIL_FROM", "nobody@not-verified.example")
        assert give(world, event) == ["message-0"]
    assert "NotSent: MessageRejected" in caplog.text
    assert "not-verified.example" not in caplog.text
    assert logs(acme, booking) == [("INVITEE", "FAILED"), ("HOST", "FAILED")]
    failed = acme.rows(select(NotificationLog))
    assert {(bool(row.failed_at), row.sent_at, row.body) for row in failed} == {(True, None, None)}
    assert "@" not in "".join(row.error_message for row in failed)
    assert give(world, event) == []
    assert logs(acme, booking) == [("INVITEE", "SENT"), ("HOST", "SENT")]
    assert (len(letters(booking)), len(letters(booking, host))) == (1, 1)


def test_of_two_mails_only_the_one_that_failed_comes_again(
    office: Office, event_type: dict[str, Any], acme: Member, host: str, world: World, letters: Letters
) -> None:
    booking = office.booked(event_type, at("10:00"))
    with transactions.transaction(acme.caller) as session:
        session.execute(update(Invitee).values(email="grace"))  # the emulator wants a domain
    event = booking_event(acme, booking, "booking_created")
    assert give(world, event) == give(world, event) == ["message-0"]
    assert logs(acme, booking) == [("INVITEE", "FAILED"), ("HOST", "SENT")]
    assert len(letters(booking, host)) == 1


def test_a_host_without_a_good_address_keeps_nobody_from_his_mail(
    office: Office, event_type: dict[str, Any], acme: Member, world: World, letters: Letters
) -> None:
    booking = office.booked(event_type, at("10:00"))
    with transactions.transaction(acme.caller) as session:
        session.execute(update(User).where(User.id == acme.user_id).values(email=f"not an address {new_id()}"))
    assert give(world, booking_event(acme, booking, "booking_created")) == []
    assert logs(acme, booking) == [("INVITEE", "SENT")]
    assert letters(booking)[0].message["Reply-To"] is None


def test_what_a_dead_worker_left_is_taken_up_after_a_while(
    office: Office, event_type: dict[str, Any], acme: Member, world: World, letters: Letters
) -> None:
    booking, event_id = office.booked(event_type, at("10:00")), new_id()
    event = booking_event(acme, booking, "booking_created", event_id)
    from parley.scheduling.notifications import booking_notices

    with transactions.transaction(acme.caller) as session:
        assert len(booking_notices.notices_to_send(session, event_id, "scheduling.booking_created", UUID(booking["id"]))) == 2
    # Whoever that was may still be at it: the message comes back.
    assert give(world, event) == ["message-0"]
    assert letters(booking) == []
    with transactions.transaction(acme.caller) as session:
        session.execute(update(NotificationLog).values(attempted_at=now() - timedelta(minutes=3)))
    assert give(world, event) == []
    assert len(letters(booking)) == 1
    assert logs(acme, booking) == [("INVITEE", "SENT"), ("HOST", "SENT")]


def test_a_host_who_left_keeps_nobody_from_his_mail(office: Office, acme: Member, world: World, letters: Letters) -> None:
    colleague = acme.as_role("MEMBER")
    booking = Office(world, colleague).booked(Office(world, colleague).event_type(), at("10:00"))
    with transactions.transaction(acme.caller) as session:
        session.delete(session.scalars(select(OrganizationMember).where(OrganizationMember.user_id == colleague.user_id)).one())
    assert give(world, booking_event(acme, booking, "booking_created")) == []
    (letter,) = letters(booking)
    assert letter.message["Reply-To"] is None
    assert letter.event["ORGANIZER"] == f"mailto:{os.environ['MAIL_FROM']}"


def test_names_break_no_header_and_no_calendar(office: Office, acme: Member, world: World, host: str, letters: Letters) -> None:
    evil = 'Eve" <eve@evil.example>\r\nBcc: all@evil.example\r\nX: \x07\u2028'
    with transactions.transaction(acme.caller) as session:
        session.execute(update(User).where(User.id == acme.user_id).values(name=evil))
    event_type = office.event_type(name="=?utf-8?q?Subject?= ; x=y")
    booking = office.booked(event_type, at("10:00"), invitee=invitee(name='O"Brien; <x>, \\n'))
    assert give(world, booking_event(acme, booking, "booking_created")) == []
    for address in ("grace@visitor.example", host):
        (letter,) = letters(booking, address)
        assert letter.message["Bcc"] is None
        assert letter.message["X"] is None
        assert len(letter.message["To"].addresses) == 1
        assert letter.event["ORGANIZER"] == f"mailto:{host}"
        assert len(letter.calendar.walk("VEVENT")) == 1
        assert not letter.event.errors
        assert "\x07" not in letter.parts["application/ics"].get_content().decode()


@pytest.mark.parametrize(
    "name",
    [
        "=?utf-8?q?a=0D=0ABcc:_all@evil.example?=",
        "=?utf-8?q?a=2C_all=40evil.example=2C?=",
        "ÄÖ, <all@evil.example>, " * 8,
        "all@evil.example, " * 11,
        "名前、" * 60,
        "x" * 200,
        'quote" back\\slash',
    ],
)
def test_a_name_stays_text_in_every_header(office: Office, acme: Member, world: World, host: str, letters: Letters, name: str) -> None:
    booking = office.booked(office.event_type(name=name), at("10:00"), invitee=invitee(name=name))
    assert give(world, booking_event(acme, booking, "booking_created")) == []
    (letter,), (copy,) = letters(booking), letters(booking, host)
    for message, field in ((letter.message, "To"), (copy.message, "Reply-To")):
        raw = unfolded(message, field)
        assert parseaddr(raw) == (parseaddr(raw)[0], "grace@visitor.example")
        assert len(getaddresses([raw])) == 1
        assert str(make_header(decode_header(parseaddr(raw)[0]))) == display_name(name)
    subject = str(make_header(decode_header(unfolded(letter.message, "Subject"))))
    assert subject.startswith(f"{name.strip()}, "[:200])
    assert (letter.raw.isascii(), copy.raw.isascii()) == (True, True)
    assert str(letter.event["SUMMARY"]).startswith(name.strip()[:190])


def unfolded(message: EmailMessage, field: str) -> str:
    """A header as it came, its words still encoded."""
    return str(dict(message.raw_items())[field]).replace("\r\n", "").replace("\n", "")


def test_an_address_is_no_field_of_a_calendars_uri(
    office: Office, event_type: dict[str, Any], letters: Letters, pump: Callable[[], int]
) -> None:
    address = "o'brien+work?cc=all&x@visitor.example"
    booking = office.booked(event_type, at("10:00"), invitee=invitee(email=address))
    pump()
    (letter,) = letters(booking, address)
    assert letter.event["ATTENDEE"] == "mailto:o'brien+work%3Fcc%3Dall%26x@visitor.example"


def test_the_recorded_event_reaches_the_worker(world: World) -> None:
    answer = world.invoke("scheduling/on_booking_changed", recorded("scheduling_booking_created_queue"))
    assert answer == {"batchItemFailures": []}


def test_an_unknown_booking_asks_for_nothing(acme: Member, world: World) -> None:
    assert give(world, booking_event(acme, {"id": str(new_id())}, "booking_created")) == []


def test_a_poisoned_message_fails_alone(office: Office, event_type: dict[str, Any], acme: Member, world: World, letters: Letters) -> None:
    booking = office.booked(event_type, at("10:00"))
    nonsense = booking_event(acme, {"id": "not an id"}, "booking_created")
    assert give(world, nonsense, booking_event(acme, booking, "booking_created")) == ["message-0"]
    assert len(letters(booking)) == 1


def test_the_stamp_of_an_invitation_does_not_move(office: Office, event_type: dict[str, Any], acme: Member) -> None:
    """A copy that is sent again is the same revision, byte for byte."""
    from parley.scheduling.notifications import booking_mails, booking_notices

    booking = office.booked(event_type, at("10:00"))
    with transactions.transaction(acme.caller) as session:
        (notice, _) = booking_notices.notices_to_send(session, new_id(), "scheduling.booking_created", UUID(booking["id"]))
    letter, two = (SentMail(booking_mails.compose(notice.facts, notice.reader, notice.news).message) for _ in range(2))
    assert letter.parts["application/ics"].get_content() == two.parts["application/ics"].get_content()
    assert letter.message["Message-ID"] == two.message["Message-ID"]
    (row,) = acme.rows(select(Booking))
    assert letter.event["DTSTAMP"].dt == row.created_at.replace(microsecond=0).astimezone(UTC)
