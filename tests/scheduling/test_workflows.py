"""Workflows by the front door: what is set off by what, what it says, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from parley.kernel.audit.audit import AuditLog
from tests.harness import Member
from tests.scheduling.booking_scenarios import at, invitee
from tests.scheduling.workflow_scenarios import BEFORE, LOG, MAIL, WORKFLOWS, WorkflowScenario


def test_a_booking_that_is_made_sends_a_mail_to_the_invitee_and_the_host(agency: WorkflowScenario, acme: Member) -> None:
    kind = agency.event_type()
    to = {"recipients": ["INVITEE", "HOST"], "addresses": ["desk@acme.example", "Grace@visitor.example"]}
    agency.agreed(*to["addresses"])
    flow = agency.workflow(event_type_id=kind["id"], **to)
    assert (flow["secret"], flow["url"], flow["is_active"], flow["recipients"]) == (None, None, True, ["INVITEE", "HOST"])
    booking = agency.booked(kind, at("10:00"))
    agency.work()
    assert agency.ended() == [("INVITEE", "SENT", None), ("HOST", "SENT", None), ("ADDRESS", "SENT", None)]
    assert {(row["booking_id"], row["event"], row["channel"]) for row in agency.log()} == {(booking["id"], "BOOKING_CREATED", "EMAIL")}
    (letter,) = agency.letters(to="grace@visitor.example")
    assert letter.message["Subject"] == "About Introduction"
    # Each in their own zone.
    assert "Hello Grace Hopper: " in letter.text and "04:00 (America/New_York)." in letter.text
    (desk,) = agency.letters(to="desk@acme.example")
    assert desk.message["Reply-To"].addresses[0].addr_spec == "grace@visitor.example"
    actions = acme.rows(select(AuditLog.action).where(AuditLog.entity_id == flow["id"]))
    assert actions == ["workflow.created"]


def test_moves_and_cancellations_have_triggers_of_their_own(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    for trigger in ("BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_CANCELED"):
        body = "From {{booking.previous_start}} to {{booking.start}}, {{booking.cancel_reason}}"
        agency.workflow(trigger=trigger, event_type_id=kind["id"], subject=trigger, body=body)
    booking = agency.booked(kind, at("10:00"))
    agency.work()
    moved = agency.move(booking, at("11:00"))
    assert moved.status == 201, moved.raw
    agency.work()
    agency.cancel(moved.body, "I am ill")
    agency.work()
    assert [row["event"] for row in agency.log()] == ["BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_CANCELED"]
    texts = [letter.text for letter in agency.letters("BOOKING_")]
    assert "04:00 (America/New_York) to" in texts[1] and "05:00 (America/New_York)" in texts[1]
    assert "I am ill" in texts[2]


def test_a_request_is_told_when_it_is_confirmed_and_its_refusal_never(agency: WorkflowScenario) -> None:
    kind = agency.event_type(requires_confirmation=True)
    agency.workflow(event_type_id=kind["id"])
    agency.workflow(event_type_id=kind["id"], trigger="BOOKING_CANCELED")
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    first, second = agency.booked(kind, at("10:00")), agency.booked(kind, at("11:00"))
    agency.work()
    assert (agency.log(), agency.reminders()) == ([], [])
    agency.host.post(f"/v1/scheduling/bookings/{first['id']}/confirm")
    agency.host.post(f"/v1/scheduling/bookings/{second['id']}/decline")
    agency.work()
    assert [(row["booking_id"], row["event"]) for row in agency.log()] == [(first["id"], "BOOKING_CREATED")]
    assert [booking for booking, _ in agency.reminders()] == [first["id"]]


def test_without_an_event_type_it_is_for_all_of_its_maker_or_of_everybody(agency: WorkflowScenario, acme: Member) -> None:
    event_type = agency.event_type()
    colleague = acme.as_role("MEMBER")
    colleague_event_type = WorkflowScenario(agency.world, colleague, agency.moved).event_type()
    agency.workflow(name="mine", subject="Mine")
    agency.workflow(name="all", subject="All", is_organization_wide=True)
    refused = colleague.post(WORKFLOWS, MAIL | {"trigger": "BOOKING_CREATED", "is_organization_wide": True})
    assert (refused.status, refused.body["code"]) == (403, "not_for_everybody")
    refused = colleague.post(WORKFLOWS, MAIL | {"trigger": "BOOKING_CREATED", "event_type_id": event_type["id"]})
    assert (refused.status, refused.body["code"]) == (403, "not_yours")
    agency.booked(event_type, at("10:00"))
    agency.booked(colleague_event_type, at("11:00"))
    agency.work()
    assert sorted(row["subject"] for row in agency.log()) == ["All", "All", "Mine"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"trigger": "BEFORE_MEETING"}, "minutes_before"),
        ({"trigger": "AFTER_MEETING"}, "minutes_after"),
        ({"minutes_before": 10}, "minutes_before"),
        ({"trigger": "AFTER_MEETING", "minutes_after": 5, "minutes_before": 5}, "minutes_before"),
        ({"subject": None}, "subject"),
        ({"body": None}, "body"),
        ({"subject": "a\nb"}, "subject"),
        ({"addresses": ["not an address"]}, "addresses"),
        ({"addresses": ["Bcc: <a@b.example>"]}, "addresses"),
        ({"url": "https://8.8.8.8/"}, "url"),
        ({"channel": "WEBHOOK"}, "url"),
        ({"channel": "WEBHOOK", "url": "https://8.8.8.8/", "recipients": ["HOST"]}, "recipients"),
        ({"channel": "SMS"}, "subject"),
        ({"channel": "SMS", "subject": None, "recipients": ["HOST"]}, "recipients"),
        ({"channel": "SMS", "subject": None, "addresses": ["0170 123"]}, "addresses"),
        ({"channel": "SMS", "subject": None, "body": "ж" * 300}, "body"),
        ({"event_type_id": "x", "is_organization_wide": True}, "is_organization_wide"),
    ],
)
def test_what_does_not_fit_is_named(agency: WorkflowScenario, wrong: dict[str, Any], field: str) -> None:
    if wrong.get("event_type_id"):
        wrong = wrong | {"event_type_id": agency.event_type()["id"]}
    refused = agency.host.post(WORKFLOWS, MAIL | {"trigger": "BOOKING_CREATED"} | wrong)
    assert (refused.status, refused.body["code"]) == (422, "misfit_workflow"), refused.raw
    assert field in {error["field"] for error in refused.body["errors"]}


@pytest.mark.parametrize("wrong", [{"minutes_before": 0}, {"minutes_before": 10**6}, {"minutes_before": "5"}, {"minutes_before": True}])
def test_minutes_have_bounds(agency: WorkflowScenario, wrong: dict[str, Any]) -> None:
    assert agency.host.post(WORKFLOWS, MAIL | BEFORE | wrong).status == 422


@pytest.mark.parametrize("field", ["subject", "body"])
def test_an_unknown_variable_is_named_with_those_that_there_are(agency: WorkflowScenario, field: str) -> None:
    refused = agency.host.post(WORKFLOWS, MAIL | {"trigger": "BOOKING_CREATED", field: "{{invitee.name}} {{ invitee.salary }}"})
    assert (refused.status, refused.body["code"]) == (422, "unknown_variable")
    assert (refused.body["unknown"], refused.body["field"]) == (["invitee.salary"], field)
    assert "invitee.name" in refused.body["variables"] and "invitee.salary" in refused.body["detail"]


@pytest.mark.parametrize(
    "broken",
    [
        "{{invitee.name",
        "invitee.name}}",
        "{{}}",
        "{{ 7*7 }}",
        "{{invitee.name|upper}}",
        "{{ invitee['name'] }}",
        "{{ ''.__class__ }}",
        "{{{invitee.name}}}",
        "{{invitee.name()}}",
        "{{invitee..name}}",
    ],
)
def test_braces_that_hold_no_name_are_refused(agency: WorkflowScenario, broken: str) -> None:
    refused = agency.host.post(WORKFLOWS, MAIL | {"trigger": "BOOKING_CREATED", "body": broken})
    assert (refused.status, refused.body["code"]) == (422, "broken_template"), refused.raw
    flow = agency.workflow()
    refused = agency.host.patch(f"{WORKFLOWS}/{flow['id']}", {"body": broken})
    assert (refused.status, refused.body["code"]) == (422, "broken_template")


def test_what_an_invitee_writes_is_text_and_nothing_else(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    body = "{{invitee.name}}\n{{invitee.notes}}\n{{booking.link}}|{{host.email}}"
    agency.workflow(event_type_id=kind["id"], recipients=["INVITEE", "HOST"], subject="About {{invitee.name}}", body=body)
    who = invitee(name="<b>{{booking.link}}</b> =?utf-8?q?x?=", notes="{{host.email}}\nBcc: a@b.example")
    assert agency.book(kind, at("10:00"), invitee=who).status == 201
    agency.work()
    invitee_letter, hosts = agency.letters()
    assert invitee_letter.message["Subject"] == "About <b>{{booking. link}}</b> =?utf-8?q?x?="
    assert (
        "{{host.email}}" in invitee_letter.text
        and "&lt;b&gt;{{booking. link}}&lt;/b&gt;" in invitee_letter.html
        and "<b>" not in invitee_letter.html
    )
    assert invitee_letter.message["Bcc"] is None
    # The link is the invitee's alone, and in no row.
    assert invitee_letter.text.count("/bookings/") == 1 and "/bookings/" not in hosts.text
    assert [row["body"].count("[link]") for row in agency.log()] == [1, 0]
    assert "/bookings/" not in str(agency.log())


def test_text_messages_are_refused_where_nobody_switched_them_on(agency: WorkflowScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"name": "Text", "channel": "SMS", "body": "{{booking.start}}", "trigger": "BOOKING_CREATED", "addresses": ["+491700000001"]}
    monkeypatch.setenv("SMS_CHANNEL", "disabled")
    refused = agency.host.post(WORKFLOWS, wanted)
    assert (refused.status, refused.body["code"]) == (422, "texts_not_offered")
    monkeypatch.setenv("SMS_CHANNEL", "enabled")
    agency.agreed("+491700000001", channel="SMS")
    assert agency.host.post(WORKFLOWS, wanted).status == 201
    kind = agency.event_type()
    agency.workflow(channel="SMS", subject=None, event_type_id=kind["id"], body="ж {{invitee.notes}}")
    agency.booked(kind, at("10:00"), invitee=invitee(phone="+49 (0)170 123-4567", notes="x" * 500))
    agency.booked(kind, at("11:00"), invitee=invitee(phone="0170 1234567"))
    agency.work()
    expected = [("ADDRESS", "SENT", None)] * 2 + [("INVITEE", "FAILED", "no_number"), ("INVITEE", "SENT", None)]
    assert sorted(agency.ended(), key=str) == expected
    texts = {text["to"]: text["text"] for text in agency.world.stack.emulator.texts()}
    assert texts["+491701234567"].startswith("ж xxx") and texts["+491701234567"].endswith("...") and len(texts["+491701234567"]) == 201
    monkeypatch.setenv("SMS_CHANNEL", "disabled")
    agency.booked(kind, at("12:00"), invitee=invitee(phone="+491701234567"))
    agency.work()
    assert {row[2] for row in agency.ended()[-2:]} == {"sms_disabled"}


def test_a_workflow_is_changed_and_deleted(agency: WorkflowScenario, acme: Member, globex: Member) -> None:
    kind = agency.event_type()
    flow = agency.workflow(event_type_id=kind["id"])
    path = f"{WORKFLOWS}/{flow['id']}"
    changed = acme.patch(path, {"name": "Other", "trigger": "AFTER_MEETING", "minutes_after": 0})
    assert (changed.status, changed.body["minutes_after"], changed.body["name"]) == (200, 0, "Other")
    back = acme.patch(path, {"trigger": "BOOKING_CREATED"})
    assert (back.status, back.body["minutes_after"]) == (200, None)
    assert acme.patch(path, {"channel": "SMS"}).status == 422
    assert acme.patch(path, {"name": None}).status == 422
    assert acme.get(path).body == acme.get(WORKFLOWS).body["items"][0] | {"url": None, "agreements": []}
    assert acme.get(WORKFLOWS, event_type_id=kind["id"]).body["items"][0]["id"] == flow["id"]
    assert globex.get(path).status == globex.delete(path).status == globex.post(f"{path}/test").status == 404
    assert acme.as_role("MEMBER").delete(path).status == 403
    assert acme.delete(path).status == 204
    assert acme.get(path).status == acme.delete(path).status == acme.patch(path, {"name": "x"}).status == 404
    agency.booked(kind, at("10:00"))
    agency.work()
    assert agency.log() == []


def test_a_preview_shows_what_would_be_sent_and_a_test_sends_it_to_oneself(agency: WorkflowScenario, acme: Member) -> None:
    kind = agency.event_type()
    booking = agency.booked(kind, at("10:00"))
    wanted = {"channel": "EMAIL", "subject": "{{invitee.name}}", "body": "{{booking.link}} {{booking.id}}", "booking_id": booking["id"]}
    shown = acme.post(f"{WORKFLOWS}/preview", wanted)
    assert (shown.status, shown.body["subject"], shown.body["body"]) == (200, "Grace Hopper", f"[link] {booking['id']}")
    made_up = acme.post(f"{WORKFLOWS}/preview", {"channel": "SMS", "body": "{{invitee.name}} {{booking.answers}}"}).body
    assert (made_up["segments"], made_up["body"]) == (1, "Grace Hopper What is it about?: Compilers")
    assert "invitee.name" in {variable["name"] for variable in made_up["variables"]}
    assert acme.post(f"{WORKFLOWS}/preview", {"channel": "EMAIL", "body": "{{nothing}}"}).body["code"] == "unknown_variable"
    agency.work()
    flow = agency.workflow(subject="{{event_type.name}}")
    tested = acme.post(f"{WORKFLOWS}/{flow['id']}/test", {}, {"idempotency-key": "once"})
    again = acme.post(f"{WORKFLOWS}/{flow['id']}/test", {}, {"idempotency-key": "once"})
    assert (tested.status, tested.body["status"], tested.body["id"]) == (202, "PENDING", again.body["id"])
    agency.work()
    (row,) = agency.log()
    assert (row["status"], row["event"], row["booking_id"], row["subject"]) == ("SENT", "TEST", None, "Test: Introduction")
    assert len(agency.letters("Test: ")) == 1


def test_what_failed_is_sent_again_and_nothing_else(agency: WorkflowScenario, acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"])
    agency.booked(kind, at("10:00"))
    with monkeypatch.context() as patch:
        patch.setenv("MAIL_FROM", "nobody@not-verified.example")
        agency.work()
    (row,) = agency.log()
    assert (row["status"], row["error_message"]) == ("FAILED", "MessageRejected")
    everything = acme.get(LOG, status="FAILED").body["items"]
    assert len(everything) == 3  # the standard mails as well
    for notification in everything:
        answer = acme.post(f"{LOG}/{notification['id']}/resend")
        assert (answer.status, answer.body["status"]) == (202, "PENDING"), answer.raw
    agency.world.pump()
    assert {item["status"] for item in acme.get(LOG).body["items"]} == {"SENT"}
    assert len(agency.letters()) == 1
    refused = acme.post(f"{LOG}/{row['id']}/resend")
    assert (refused.status, refused.body["code"], refused.body["notification_status"]) == (409, "nothing_to_send", "SENT")


def test_what_failed_is_sent_again_by_whose_it_is_and_by_administrators(
    agency: WorkflowScenario, acme: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, colleague = acme.as_role("MEMBER"), acme.as_role("MEMBER")
    host_agency = WorkflowScenario(agency.world, host, agency.moved)
    kind = host_agency.event_type()
    host_agency.workflow(event_type_id=kind["id"])
    host_agency.booked(kind, at("10:00"))
    with monkeypatch.context() as patch:
        patch.setenv("MAIL_FROM", "nobody@not-verified.example")
        host_agency.work()
    failed = acme.get(LOG, status="FAILED").body["items"]
    (of_workflow,) = [item for item in failed if item["workflow_id"]]
    standard = next(item for item in failed if not item["workflow_id"])
    for notification in (of_workflow, standard):
        refused = colleague.post(f"{LOG}/{notification['id']}/resend")
        assert (refused.status, refused.body["code"]) == (403, "not_yours")
        assert host.post(f"{LOG}/{notification['id']}/resend").status == 202
    left = next(item for item in failed if not item["workflow_id"] and item["id"] != standard["id"])
    assert acme.as_role("ADMIN").post(f"{LOG}/{left['id']}/resend").status == 202


def test_a_day_has_an_end(agency: WorkflowScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    from parley.kernel.access.plans import PlanType
    from parley.notifications.enums import NotificationChannel
    from parley.notifications.limits import daily_quotas

    monkeypatch.setitem(daily_quotas.A_DAY[PlanType.BUSINESS], NotificationChannel.EMAIL, 2)
    kind = agency.event_type()
    flow = agency.workflow(event_type_id=kind["id"])
    for start in ("10:00", "11:00", "12:00"):
        agency.booked(kind, at(start))
    agency.work()
    assert sorted(row[1:] for row in agency.ended()) == [("FAILED", "daily_limit"), ("SENT", None), ("SENT", None)]
    refused = agency.host.post(f"{WORKFLOWS}/{flow['id']}/test")
    assert (refused.status, refused.body["code"]) == (429, "daily_limit")
    agency.moved.move(timedelta(days=1))
    (failed,) = agency.log(status="FAILED")
    assert agency.host.post(f"{LOG}/{failed['id']}/resend").status == 202
    agency.work()
    assert {row[1] for row in agency.ended()} == {"SENT"}


def test_a_day_has_an_end_for_what_is_sent_again_too(agency: WorkflowScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    from parley.kernel.access.plans import PlanType
    from parley.notifications.enums import NotificationChannel
    from parley.notifications.limits import daily_quotas

    monkeypatch.setitem(daily_quotas.A_DAY[PlanType.BUSINESS], NotificationChannel.EMAIL, 1)
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"])
    for start in ("10:00", "11:00", "12:00"):
        agency.booked(kind, at(start))
    agency.work()
    first, second = (row["id"] for row in agency.log(status="FAILED"))
    refused = agency.host.post(f"{LOG}/{first}/resend")
    assert (refused.status, refused.body["code"]) == (429, "daily_limit")
    agency.moved.move(timedelta(days=1))
    assert agency.host.post(f"{LOG}/{first}/resend").status == 202
    assert agency.host.post(f"{LOG}/{second}/resend").status == 429
    agency.work()
    assert sorted(row[1:] for row in agency.ended()) == [("FAILED", "daily_limit"), ("SENT", None), ("SENT", None)]


def test_a_link_in_a_subject_is_the_invitees_and_a_mark_nowhere(agency: WorkflowScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = agency.event_type()
    template = {"subject": "About {{booking.link}}", "body": "Here: {{booking.link}}"}
    agency.workflow(event_type_id=kind["id"], recipients=["INVITEE", "HOST"], **template)
    seen = agency.host.post(f"{WORKFLOWS}/preview", {"channel": "EMAIL", **template}).body
    assert (seen["subject"], seen["body"]) == ("About [link]", "Here: [link]")
    agency.booked(kind, at("10:00"))
    agency.work()
    (letter,) = agency.letters(to="grace@visitor.example")
    link = letter.text.strip().removeprefix("Here: ")
    assert "/bookings/" in link and letter.message["Subject"] == f"About {link}"
    assert {row["subject"] for row in agency.log()} == {"About [link]", "About "}
    with monkeypatch.context() as patch:
        patch.setenv("MAIL_FROM", "nobody@not-verified.example")
        agency.booked(kind, at("11:00"))
        agency.work()
    for row in agency.log(status="FAILED"):
        assert agency.host.post(f"{LOG}/{row['id']}/resend").status == 202
    agency.work()
    again = agency.letters(to="grace@visitor.example")[-1]
    assert again.message["Subject"] == f"About {again.text.strip().removeprefix('Here: ')}" != f"About {link}"


def test_texts_are_forgotten_after_thirty_days(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"])
    agency.booked(kind, at("10:00"))
    agency.work()
    agency.moved.move(timedelta(days=29))
    agency.work()
    assert agency.log()[0]["body"]
    agency.moved.move(timedelta(days=2))
    agency.work()
    (row,) = agency.log()
    assert (row["body"], row["status"], row["recipient"]) == (None, "SENT", "grace@visitor.example")
