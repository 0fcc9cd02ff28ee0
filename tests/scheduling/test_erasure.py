"""Erasing an invitee: canaries in every field that a person's data come in by, looked for in every table afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from parley.kernel.audit.audit import AuditLog, AuditOrigin
from parley.kernel.persistence import transactions
from parley.kernel.persistence.base_models import Base
from parley.kernel.values import clock
from parley.kernel.values.ids import new_id
from parley.notifications.enums import NotificationChannel
from parley.notifications.models import NotificationLog
from parley.scheduling.bookings.booking_service import management_token
from parley.scheduling.privacy import invitee_erasure
from parley.scheduling.tables.booking_models import Booking, BookingHost, Invitee
from parley.scheduling.tables.enums import AgreementStatus
from parley.scheduling.tables.workflow_models import AddressAgreement
from parley.webhooks.models import WebhookDelivery
from tests.harness import Client, Member, World
from tests.kernel.http_receivers import Receiver, Reply, receiver
from tests.scheduling.booking_scenarios import Office, SentMail, at, invitee, weekday

BOOKINGS = "/v1/scheduling/bookings"
INVITEES = "/v1/scheduling/invitees"
CANARY = "tweety"
PERSON = invitee(
    email=f"{CANARY}@visitor.example", name=f"{CANARY} Name", phone="+49 30 5550199", notes=f"{CANARY} notes", timezone="Asia/Kathmandu"
)
TAGS = {name: f"{CANARY} {name}" for name in ("utm_source", "utm_medium", "utm_campaign", "referrer")}
SINGING = (CANARY, "5550199", "Kathmandu")


def row_counts(world: World, *words: str) -> dict[str, int]:
    """How many rows of which tables hold one of the words, in letters of either case."""
    places = {}
    with world.stack.postgres.superuser("parley") as superuser:
        named = superuser.run("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace")
        for (table,) in named:
            counting = f'SELECT count(*) FROM "{table}" t WHERE t::text ILIKE ANY(:words)'
            places[table] = superuser.run(counting, words=[f"%{word}%" for word in words])[0][0]
    return {table: count for table, count in places.items() if count}


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiver() as made:
        made.answer = lambda arrival: Reply(500, b"no: " + arrival.body)
        yield made


@pytest.fixture
def history(office: Office, acme: Member, endpoint: Receiver, world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """Somebody who has been everywhere: booked by phone, moved, asked, told of, answered. The event type and the last booking."""
    wanted = {"name": "All", "url": endpoint.url, "events": ["*"]}
    assert acme.post("/v1/webhooks/subscriptions", wanted).status == 201
    questions = [{"label": "What about?", "type": "LONG_TEXT"}, {"label": "And where?", "type": "EMAIL"}]
    kind = office.event_type(location_type="PHONE", location_value=None, questions=questions)
    _set_up_workflows(acme, endpoint.url)
    _submit(office, acme)
    answers = [
        {"question_id": question["id"], "value": value}
        for question, value in zip(kind["questions"], (CANARY, PERSON["email"]), strict=True)
    ]
    first = office.book(kind, at("10:00"), {"idempotency-key": str(new_id())}, invitee=PERSON, answers=answers, **TAGS)
    assert first.status == 201, first.body
    world.pump()
    moved = acme.post(
        f"{BOOKINGS}/{first.body['id']}/reschedule",
        {"start_time": at("11:00"), "reason": f"{CANARY} asked"},
        {"idempotency-key": str(new_id())},
    )
    assert moved.status == 201, moved.body
    world.pump()
    return kind, moved.body


def _set_up_workflows(acme: Member, url: str) -> None:
    """With words about the invitee, to them and to others: now and before."""
    mail = {"subject": "{{invitee.name}}", "body": "{{invitee.email}} {{invitee.phone}} {{invitee.notes}}", "is_organization_wide": True}
    whom = {"recipients": ["INVITEE", "HOST"], "addresses": ["desk@acme.test"]}
    with transactions.transaction(acme.caller) as session:
        session.add(AddressAgreement(channel=NotificationChannel.EMAIL, address="desk@acme.test", status=AgreementStatus.AGREED))
    for wanted in (
        {"trigger": "BOOKING_CREATED", "channel": "EMAIL", **mail, **whom},
        {"trigger": "BOOKING_RESCHEDULED", "channel": "EMAIL", **mail, **whom},
        {"trigger": "BEFORE_MEETING", "minutes_before": 60, "channel": "EMAIL", **mail, **whom},
        {"trigger": "BOOKING_CREATED", "channel": "WEBHOOK", "url": url, "is_organization_wide": True},
    ):
        answer = acme.post("/v1/scheduling/workflows", {"name": "Tells", **wanted})
        assert answer.status == 201, answer.body


def _submit(office: Office, acme: Member) -> None:
    """The same address, in a routing form."""
    questions = [{"label": "Who are you?", "type": "EMAIL"}, {"label": "What about?", "type": "LONG_TEXT"}]
    form = acme.post("/v1/scheduling/routing-forms", {"name": "Hello", "slug": "hello", "questions": questions, "rules": []})
    assert form.status == 201, form.body
    values = zip(form.body["questions"], (PERSON["email"], f"{CANARY} wonders"), strict=True)
    wanted = {"answers": [{"question_id": question["id"], "value": value} for question, value in values]}
    answer = office.stranger.post(f"/v1/scheduling/routing-forms/{form.body['id']}/submissions", wanted, {"idempotency-key": str(new_id())})
    assert answer.status == 201, answer.body


def test_nothing_of_an_erased_invitee_is_left_in_any_table(
    office: Office, acme: Member, world: World, history: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    _, booking = history
    before = row_counts(world, *SINGING)
    expected = {"scheduling_invitees", "scheduling_bookings", "scheduling_answers", "scheduling_notification_logs"}
    assert expected | {"webhooks_deliveries", "idempotency_keys"} <= before.keys()
    assert not before.keys() & {"audit_logs", "outbox_events"}

    erased = acme.delete(f"{INVITEES}/{booking['invitee']['id']}")
    assert (erased.status, erased.body["id"]) == (200, booking["invitee"]["id"])
    world.pump()
    assert row_counts(world, *SINGING) == {}
    endings = [(row.channel.value, row.status.value) for row in acme.rows(select(NotificationLog))]
    assert {status for _, status in endings} == {"SENT", "CANCELED"}, "nothing waits for ever"
    assert [status for channel, status in endings if channel == "WEBHOOK"] == ["CANCELED"]

    seen = acme.get(f"{BOOKINGS}/{booking['id']}").body
    kept = ("id", "start_time", "end_time", "event_type_id", "host_id", "rescheduled_from_id", "created_at")
    assert {name: seen[name] for name in kept} == {name: booking[name] for name in kept}
    assert {**seen["invitee"], "id": None} == {**dict.fromkeys(seen["invitee"]), "name": "", "email": "", "timezone": "UTC"}
    assert (seen["answers"], seen["location"], seen["cancel_reason"]) == ([], None, None)
    trail = acme.rows(select(AuditLog).where(AuditLog.entity_type == "Booking").order_by(AuditLog.created_at))
    assert [row.action for row in trail] == ["booking.created", "booking.rescheduled", "booking.canceled"]
    (row,) = acme.rows(select(AuditLog).where(AuditLog.action == "invitee.erased"))
    assert (str(row.entity_id), row.actor_id) == (booking["invitee"]["id"], acme.user_id)
    assert sorted(row.new_values["booking_ids"]) == sorted([booking["id"], booking["rescheduled_from_id"]])


def test_where_an_erased_visitor_came_from_stands_nowhere_and_the_evidence_stays(
    office: Office, acme: Member, world: World, event_type: dict[str, Any]
) -> None:
    ip, agent = "198.51.100.78", {"user-agent": f"Visitor-{new_id().hex}"}
    office.stranger.ip = ip
    her = invitee(email=f"{new_id()}@visitor.example")
    booking = office.book(event_type, at("10:00"), {"idempotency-key": str(new_id())} | agent, invitee=her)
    assert booking.status == 201, booking.raw
    (row,) = acme.rows(select(Booking))
    link = f"/v1/scheduling/managed-bookings/{management_token(row)}/cancel"
    assert office.stranger.post(link, {"reason": "Ill"}, agent).status == 200
    office.booked(event_type, at("12:00"), invitee=invitee(email=f"{new_id()}@visitor.example"))  # somebody else, from the same network
    visitors = select(AuditLog.id).where(AuditLog.actor_type == "VISITOR")
    of_hers = visitors.where(AuditLog.entity_id == row.id)
    assert len(acme.rows(select(AuditOrigin).where(AuditOrigin.id.in_(of_hers)))) == len(acme.rows(of_hers)) == 2
    assert set(row_counts(world, agent["user-agent"])) == {"audit_origins"}

    assert acme.delete(f"{INVITEES}/{row.invitee_id}").status == 200
    world.pump()
    assert row_counts(world, agent["user-agent"]) == {}
    assert acme.rows(select(AuditOrigin).where(AuditOrigin.id.in_(of_hers))) == []
    assert len(acme.rows(of_hers)) == 2
    assert len(acme.rows(select(AuditOrigin).where(AuditOrigin.id.in_(visitors)))) == 1


def test_what_is_still_to_come_is_canceled_and_the_host_alone_is_told(
    office: Office, acme: Member, world: World, history: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    kind, booking = history
    mail_count = len([mail for mail in world.mails() if PERSON["email"] in mail["to"]])
    (host,) = acme.rows(select(func.lower(NotificationLog.recipient)).where(NotificationLog.recipient_kind == "HOST").limit(1))
    assert "11:00" not in office.starts(kind, weekday(0))
    assert acme.delete(f"{INVITEES}/{booking['invitee']['id']}").status == 200
    assert "11:00" in office.starts(kind, weekday(0))
    world.pump()
    seen = acme.get(f"{BOOKINGS}/{booking['id']}").body
    assert (seen["status"], seen["canceled_by"]) == ("CANCELED", "HOST")
    assert len([mail for mail in world.mails() if PERSON["email"] in mail["to"]]) == mail_count
    letters = [SentMail(mail["raw"]) for mail in world.mails() if host in mail["to"]]
    last = next(letter for letter in reversed(letters) if booking["id"] in letter.message["Message-ID"])
    assert last.event["STATUS"] == "CANCELLED" and not last.event.get("ATTENDEE") and CANARY not in last.raw.decode()
    deliveries = acme.rows(select(WebhookDelivery).where(WebhookDelivery.event == "booking.canceled"))
    assert deliveries and all(CANARY not in row.payload for row in deliveries)


def test_what_was_sent_again_of_an_old_booking_is_not_kept_for_its_key(
    office: Office, acme: Member, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set_up_workflows(acme, "https://8.8.8.8/hook")
    booked = office.book(office.event_type(), at("10:00"), invitee=PERSON)
    assert booked.status == 201, booked.body
    with monkeypatch.context() as patch:
        patch.setenv("MAIL_FROM", "nobody@not-verified.example")
        world.pump()
    later_on = datetime.now(UTC) + timedelta(days=2)
    monkeypatch.setattr(clock, "_read", lambda: later_on)
    monkeypatch.setattr(clock, "_read_of_database", lambda: later_on)
    failed = acme.get("/v1/scheduling/notifications", status="FAILED", recipient=PERSON["email"]).body["items"]
    for notification in failed:
        again = acme.post(f"/v1/scheduling/notifications/{notification['id']}/resend", {}, {"idempotency-key": str(new_id())})
        assert again.status == 202, again.body
    assert "idempotency_keys" in row_counts(world, *SINGING)
    who = acme.get(f"{BOOKINGS}/{booked.body['id']}").body["invitee"]["id"]
    assert acme.delete(f"{INVITEES}/{who}").status == 200
    world.pump()
    assert row_counts(world, *SINGING) == {}


def test_what_took_place_stays_as_it_was(office: Office, acme: Member, event_type: dict[str, Any]) -> None:
    from tests.platform.routes_scheduling import long_ago

    past = long_ago(acme, office.booked(event_type, at("10:00"))["id"])
    seen = acme.get(f"{BOOKINGS}/{past}").body
    assert acme.delete(f"{INVITEES}/{seen['invitee']['id']}").status == 200
    after = acme.get(f"{BOOKINGS}/{past}").body
    assert (after["status"], after["start_time"], after["end_time"]) == (seen["status"], seen["start_time"], seen["end_time"])
    assert acme.rows(select(BookingHost.status)) == ["CONFIRMED"]


def test_the_link_of_the_mail_opens_nothing_any_more(office: Office, acme: Member, event_type: dict[str, Any]) -> None:
    office.booked(event_type, at("10:00"))
    (row,) = acme.rows(select(Booking))
    link = f"/v1/scheduling/managed-bookings/{management_token(row)}"
    assert office.stranger.get(link).status == 200
    assert acme.delete(f"{INVITEES}/{row.invitee_id}").status == 200
    assert office.stranger.get(link).status == 404


def test_erasing_again_changes_nothing_and_unknown_ones_are_not_there(
    office: Office, acme: Member, globex: Member, event_type: dict[str, Any]
) -> None:
    office.booked(event_type, at("10:00"))
    (row,) = acme.rows(select(Invitee))
    assert globex.delete(f"{INVITEES}/{row.id}").status == 404
    first = acme.delete(f"{INVITEES}/{row.id}")
    assert (first.status, acme.delete(f"{INVITEES}/{row.id}").body) == (200, first.body)
    assert len(acme.rows(select(AuditLog).where(AuditLog.action == "invitee.erased"))) == 1
    missing = acme.delete(f"{INVITEES}/{new_id()}")
    assert (missing.status, missing.body["code"]) == (404, "no_such_invitee")


def test_a_request_that_comes_again_books_nobody_anew(office: Office, acme: Member, event_type: dict[str, Any]) -> None:
    again = {"idempotency-key": str(new_id())}
    assert office.book(event_type, at("10:00"), again).status == 201
    assert acme.post(f"{INVITEES}/erase", {"email": "grace@visitor.example"}).body == {"erased": 1, "waiting": 0}
    replayed = office.book(event_type, at("10:00"), again)
    assert (replayed.status, replayed.body) == (201, {"is_erased": True})
    assert len(acme.rows(select(Booking))) == 1


def test_an_address_is_erased_in_letters_of_either_case_in_one_organization(
    office: Office, acme: Member, globex: Member, world: World, event_type: dict[str, Any]
) -> None:
    other = Office(world, globex)
    other.booked(other.event_type(), at("10:00"))
    for start, email in (("10:00", "Grace@Visitor.example"), ("11:00", "grace@visitor.example"), ("12:00", "ada@visitor.example")):
        office.booked(event_type, at(start), invitee=invitee(email=email))
    assert acme.post(f"{INVITEES}/erase", {"email": "GRACE@visitor.example"}).body == {"erased": 2, "waiting": 0}
    assert acme.post(f"{INVITEES}/erase", {"email": "grace@visitor.example"}).body == {"erased": 0, "waiting": 0}
    assert sorted(acme.rows(select(Invitee.email))) == ["", "", "ada@visitor.example"]
    assert globex.rows(select(Invitee.email)) == ["grace@visitor.example"]


def test_what_is_more_than_a_call_takes_the_sweep_goes_on_with(
    office: Office, acme: Member, world: World, event_type: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitee_erasure, "BATCH", 2)
    for start in ("10:00", "11:00", "12:00", "13:00", "14:00"):
        office.booked(event_type, at(start))
    assert acme.post(f"{INVITEES}/erase", {"email": "grace@visitor.example"}).body == {"erased": 2, "waiting": 3}
    assert sorted(acme.rows(select(Invitee.email))) == ["", ""] + ["grace@visitor.example"] * 3
    world.invoke("scheduling/complete_bookings", {})
    assert set(acme.rows(select(Invitee.email))) == {""}
    assert acme.rows(select(Invitee.erasure_wanted_at).where(Invitee.erasure_wanted_at.is_not(None))) == []
    trail = acme.rows(select(AuditLog.actor_type).where(AuditLog.action == "invitee.erased"))
    assert sorted(actor.value for actor in trail) == ["SYSTEM"] * 3 + ["USER"] * 2


def test_a_pool_gives_the_turn_back(office: Office, acme: Member) -> None:
    pool = acme.post("/v1/scheduling/pools", {"name": "Sales", "strategy": "ROTATE", "hosts": [{"user_id": str(acme.user_id)}]}).body["id"]
    office.booked(office.event_type(kind="ROUND_ROBIN", pool_id=pool), at("10:00"))
    assert acme.post(f"{INVITEES}/erase", {"email": "grace@visitor.example"}).status == 200
    assert acme.get(f"/v1/scheduling/pools/{pool}").body["hosts"][0]["assignment_count"] == 0


def test_who_writes_of_somebody_at_that_moment_is_waited_for(office: Office, acme: Member, event_type: dict[str, Any]) -> None:
    """A worker that has read the invitee and not yet written: its row is among what is emptied."""
    from parley.scheduling.notifications import booking_notices

    booking = office.booked(event_type, at("10:00"))
    (row,) = acme.rows(select(Invitee))
    with transactions.transaction(acme.caller) as session:
        booking_notices.notices_to_send(session, new_id(), "scheduling.booking_created", booking["id"])
        erasing = threading.Thread(target=acme.delete, args=(f"{INVITEES}/{row.id}",))
        erasing.start()
        erasing.join(0.5)
        assert erasing.is_alive()
    erasing.join(10)
    recipients = acme.rows(select(NotificationLog.recipient).where(NotificationLog.recipient_kind == "INVITEE"))
    assert len(recipients) == 1 and recipients[0].startswith("erased:")


def test_only_who_administers_may(office: Office, acme: Member, event_type: dict[str, Any]) -> None:
    office.booked(event_type, at("10:00"))
    (row,) = acme.rows(select(Invitee))
    assert acme.as_role("MEMBER").delete(f"{INVITEES}/{row.id}").status == 403
    assert Client(acme.world).delete(f"{INVITEES}/{row.id}").status == 401
    assert acme.key("invitees:erase").delete(f"{INVITEES}/{row.id}").status == 200


def test_every_table_of_an_invitee_or_a_booking_is_thought_of() -> None:
    """A table that is added: say here that it holds nothing of a person, or add a function to `invitee_erasure.FORGETTING`."""
    from parley import schema

    schema.metadata()
    emptied = {"scheduling_invitees", "scheduling_bookings", "scheduling_answers", "scheduling_notification_logs"}
    holds_nobody = {"scheduling_booking_hosts", "scheduling_reminders", "scheduling_calendar_events"}  # the last: ids and a digest
    pointing = {
        mapper.class_.__tablename__
        for mapper in Base.registry.mappers
        for key in mapper.local_table.foreign_keys
        if key.column.table.name in ("scheduling_bookings", "scheduling_invitees")
    }
    assert pointing - emptied - holds_nobody == set()
