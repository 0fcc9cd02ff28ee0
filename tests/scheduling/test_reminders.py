"""Reminders with a clock that tests move: each leaves once, at its time, and never for a booking that does not stand then."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from sqlalchemy import select

from parley.identity.models import User
from parley.kernel.access.callers import system
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from parley.notifications.delivery.retry import StillSending
from parley.notifications.delivery.sender import Message
from parley.notifications.models import NotificationLog
from parley.scheduling.bookings.booking_service import management_token
from parley.scheduling.declared import SchedulingEvent
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.workflow_models import Reminder
from parley.scheduling.workflows import reminders, triggers, workflow_worker
from parley.webhooks.queue_messages import envelope
from tests.harness import Member, sqs_event
from tests.scheduling.booking_scenarios import at, invitee
from tests.scheduling.workflow_scenarios import BEFORE, WORKFLOWS, WorkflowScenario, ago

AFTER = {"trigger": "AFTER_MEETING", "minutes_after": 30}
MINUTE = timedelta(minutes=1)


def give(agency: WorkflowScenario, *bodies: str) -> list[str]:
    """Gives messages to the worker; returns the ids of those that failed."""
    answer = agency.world.invoke("scheduling/on_workflow_event", sqs_event(*bodies))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def due(agency: WorkflowScenario) -> str:
    """The message of the sweep about every reminder that there is."""
    ids = agency.host.rows(select(Reminder.id).order_by(Reminder.due_at))
    return envelope("scheduling.reminders_due", agency.host.organization_id, {"reminder_ids": [str(reminder_id) for reminder_id in ids]})


def test_a_reminder_leaves_once_at_its_time_before_and_after(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.workflow(event_type_id=kind["id"], **AFTER)
    start = at("10:00")
    booking = agency.booked(kind, start)
    agency.work()
    assert agency.reminders() == [(booking["id"], ago(start, 60)), (booking["id"], ago(start, -60))]
    agency.until(start, -61 * MINUTE)
    agency.work()
    assert agency.log() == []
    agency.until(start, -60 * MINUTE)
    agency.work()
    agency.work()
    assert [(row["event"], row["status"]) for row in agency.log()] == [("BEFORE_MEETING", "SENT")]
    agency.until(start, 61 * MINUTE)
    assert agency.host.post(f"/v1/scheduling/bookings/{booking['id']}/complete").status == 200  # the sweep would do so to everybody's
    agency.work()
    agency.work()
    assert [(row["event"], row["status"]) for row in agency.log()] == [("BEFORE_MEETING", "SENT"), ("AFTER_MEETING", "SENT")]
    assert (len(agency.letters()), agency.reminders()) == (2, [])


def test_a_canceled_booking_is_not_reminded_of(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.workflow(event_type_id=kind["id"], **AFTER)
    booking = agency.booked(kind, at("10:00"))
    agency.work()
    agency.cancel(booking)
    agency.work()
    assert agency.reminders() == []
    agency.until(at("12:00"))
    agency.work()
    assert agency.log() == []


def test_a_deleted_organization_reminds_nobody(agency: WorkflowScenario, acme: Member) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.workflow(event_type_id=kind["id"], trigger="BOOKING_CREATED")
    agency.booked(kind, at("10:00"))
    agency.work()
    agency.booked(kind, at("11:00"))
    assert acme.delete("/v1/identity/organization").status == 204
    agency.until(at("09:00"))
    agency.work()
    rows = acme.rows(select(NotificationLog).where(NotificationLog.workflow_id.is_not(None)).order_by(NotificationLog.id))
    assert [(row.event, row.status.value, row.error_message) for row in rows] == [
        ("BOOKING_CREATED", "SENT", None),
        ("BEFORE_MEETING", "CANCELED", "organization_deleted"),
    ]


def test_a_no_show_is_not_thanked_for_coming(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], **AFTER)
    booking = agency.booked(kind, at("10:00"))
    agency.work()
    agency.until(at("10:10"))
    assert agency.host.post(f"/v1/scheduling/bookings/{booking['id']}/no-show").status == 200
    agency.until(at("11:00"))
    agency.work()
    assert agency.ended() == [("INVITEE", "CANCELED", "booking_no_show")]


def test_a_moved_booking_is_reminded_of_at_its_new_time_alone(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    later, earlier = at("15:00"), at("11:00")
    booking = agency.booked(kind, at("13:00"))
    agency.work()
    first = agency.move(booking, later).body
    second = agency.move(first, earlier).body
    # Events of the chain in any order, and twice.
    events = [
        (name, revision) for name, revision in (("created", booking), ("rescheduled", first), ("rescheduled", second)) for _ in range(2)
    ]
    for name, revision in reversed(events):
        payload = {"booking_id": revision["id"]}
        assert give(agency, envelope(f"scheduling.booking_{name}", agency.host.organization_id, payload)) == []
    assert agency.reminders() == [(second["id"], ago(earlier, 60))]
    agency.work()
    for start in (earlier, at("13:00"), later):
        agency.until(start, -60 * MINUTE)
        agency.work()
    assert [(row["booking_id"], row["status"]) for row in agency.log()] == [(second["id"], "SENT")]


def test_who_moves_it_by_the_link_of_the_mail_is_reminded_at_the_new_time(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.workflow(event_type_id=kind["id"], trigger="BOOKING_RESCHEDULED")
    agency.workflow(event_type_id=kind["id"], trigger="BOOKING_CANCELED")
    booking = agency.booked(kind, at("10:00"))
    agency.work()
    row = agency.host.rows(select(Booking).where(Booking.id == booking["id"]))[0]
    path = f"/v1/scheduling/managed-bookings/{management_token(row)}"
    moved = agency.stranger.post(f"{path}/reschedule", {"start_time": at("13:00")})
    assert moved.status == 201, moved.raw
    agency.work()
    assert [due for _, due in agency.reminders()] == [ago(at("13:00"), 60)]
    agency.until(at("09:00"))
    agency.work()
    assert [row["event"] for row in agency.log()] == ["BOOKING_RESCHEDULED"]
    last = agency.host.rows(select(Booking).order_by(Booking.id.desc()))[0]
    assert agency.stranger.post(f"/v1/scheduling/managed-bookings/{management_token(last)}/cancel", {"reason": "Ill"}).status == 200
    agency.until(at("12:00"))
    agency.work()
    assert ([row["event"] for row in agency.log()], agency.reminders()) == (["BOOKING_RESCHEDULED", "BOOKING_CANCELED"], [])


@pytest.mark.parametrize("what", ["canceled", "moved"])
def test_what_changes_between_sweep_and_sending_is_not_reminded_of(agency: WorkflowScenario, what: str) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    booking = agency.booked(kind, at("10:00"))
    agency.work()
    agency.until(at("09:00"))
    agency.world.invoke("scheduling/sweep_reminders", {})
    assert len(agency.world.queued("SchedulingWorkflows")) == 1
    if what == "canceled":
        agency.cancel(booking)
    else:
        assert agency.move(booking, at("16:00")).status == 201
    answered = agency.world.sources["SchedulingOnWorkflowEvent"].once()
    assert answered == 1
    status = "booking_canceled" if what == "canceled" else "booking_rescheduled"
    assert agency.ended() == [("INVITEE", "CANCELED", status)]
    agency.work()
    assert len(agency.letters()) == 0


def test_a_booking_that_comes_too_late_for_its_reminder_has_none(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.until(at("09:30"))
    agency.booked(kind, at("10:00"))
    agency.work()
    assert (agency.reminders(), agency.log()) == ([], [])


def test_a_reminder_that_comes_twice_leaves_once(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], recipients=["INVITEE", "HOST"], **BEFORE)
    agency.booked(kind, at("10:00"))
    agency.work()
    agency.until(at("09:00"))
    message = due(agency)
    assert give(agency, message, message, message) == []
    assert give(agency, message) == []
    assert (len(agency.letters()), [row[1] for row in agency.ended()]) == (2, ["SENT", "SENT"])


def test_two_workers_at_once_send_one(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.booked(kind, at("10:00"))
    agency.work()
    agency.until(at("09:00"))
    payload, is_sending, may_end = json.loads(due(agency))["detail"]["payload"], Event(), Event()
    sent: list[str] = []

    def deliver(message: Message) -> None:
        is_sending.set()
        assert may_end.wait(20)
        sent.append(message.recipient)

    def work() -> None:
        effects = workflow_worker.WorkflowEffects(deliver, wake=lambda _: None)
        workflow_worker.handle_message(system(agency.host.organization_id), SchedulingEvent.REMINDERS_DUE, agency.moved(), payload, effects)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(work)
        assert is_sending.wait(20)
        with pytest.raises(ExceptionGroup) as left:  # to the first; the message comes back, to see
            work()
        assert [type(exception) for exception in left.value.exceptions] == [StillSending]
        may_end.set()
        first.result(20)
    work()
    assert (sent, agency.ended(), agency.reminders()) == (["grace@visitor.example"], [("INVITEE", "SENT", None)], [])


def test_two_sweeps_at_once_queue_each_reminder_once(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    for slot in range(9, 16):
        agency.booked(kind, at(f"{slot:02}:30"))
    agency.world.pump()
    agency.until(at("15:00"))
    with transactions.sweep() as first, transactions.sweep() as second:
        now = agency.moved()
        taken = [*reminders.take_due(first, now, 4), *reminders.take_due(second, now, 500), *reminders.take_due(first, now, 500)]
    assert len(taken) == len(set(taken))
    assert len([reminder_id for organization, reminder_id in taken if organization == agency.host.organization_id]) == 7
    with transactions.sweep() as third:
        assert reminders.take_due(third, agency.moved(), 500) == []


def test_what_is_overdue_is_marked_and_not_sent_as_if_on_time(agency: WorkflowScenario, acme: Member) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], trigger="BEFORE_MEETING", minutes_before=600)
    agency.workflow(event_type_id=kind["id"], trigger="BEFORE_MEETING", minutes_before=10)
    booking = agency.booked(kind, at("16:00"))
    agency.work()
    agency.until(at("06:00"), triggers.LATE)  # as late as it may be
    agency.work()
    assert agency.ended() == [("INVITEE", "SENT", None)]
    agency.until(at("16:00"), MINUTE)  # within the time, but the meeting has begun
    agency.work()
    assert agency.ended() == [("INVITEE", "SENT", None), ("INVITEE", "FAILED", "overdue")]
    (failed,) = agency.log(status="FAILED")
    refused = acme.post(f"/v1/scheduling/notifications/{failed['id']}/resend")
    assert (refused.status, refused.body["code"]) == (409, "nothing_to_send")
    assert agency.reminders() == [] and booking["id"] == failed["booking_id"]


def test_a_sweep_that_was_down_marks_what_it_missed_and_a_person_may_still_send_it(agency: WorkflowScenario, acme: Member) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], trigger="BEFORE_MEETING", minutes_before=600)
    agency.booked(kind, at("16:00"))
    agency.work()
    agency.until(at("06:00"), triggers.LATE + MINUTE)
    agency.work()
    assert agency.ended() == [("INVITEE", "FAILED", "overdue")]
    (failed,) = agency.log()
    assert acme.post(f"/v1/scheduling/notifications/{failed['id']}/resend").status == 202
    agency.work()
    assert (agency.ended(), len(agency.letters())) == ([("INVITEE", "SENT", None)], 1)


def test_a_mail_that_fails_comes_again_until_it_is_late(agency: WorkflowScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], recipients=["INVITEE", "HOST"], **BEFORE)
    agency.booked(kind, at("10:00"), invitee=invitee(email="grace@nowhere.example"))
    agency.work()
    agency.until(at("09:00"))
    message = due(agency)
    with monkeypatch.context() as patch:
        patch.setenv("MAIL_FROM", "nobody@not-verified.example")
        assert give(agency, message) == ["message-0"]
        assert {row[1:] for row in agency.ended()} == {("FAILED", "MessageRejected")}
    assert give(agency, message) == []
    assert {row[1:] for row in agency.ended()} == {("SENT", None)}
    assert (len(agency.letters()), agency.reminders()) == (2, [])


# --- workflows that change ---------------------------------------------------------------------------------------------------------------


def test_a_workflow_that_is_made_later_applies_to_bookings_that_are_there(
    agency: WorkflowScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "STEP", 3)
    kind, other = agency.event_type(), agency.event_type()
    starts = [at(f"{hour:02}:00") for hour in range(9, 16)]
    booked = [agency.booked(kind, start)["id"] for start in starts]
    agency.booked(other, at("16:00"))
    agency.work()
    flow = agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.work()
    assert agency.reminders() == [(booking_id, ago(start, 60)) for booking_id, start in zip(booked, starts, strict=True)]
    path = f"{WORKFLOWS}/{flow['id']}"
    assert agency.host.patch(path, {"minutes_before": 15}).status == 200
    agency.work()
    assert agency.reminders() == [(booking_id, ago(start, 15)) for booking_id, start in zip(booked, starts, strict=True)]
    agency.host.patch(path, {"is_active": False})
    agency.work()
    assert agency.reminders() == []
    agency.host.patch(path, {"is_active": True, "event_type_id": other["id"]})
    agency.work()
    assert [due for _, due in agency.reminders()] == [ago(at("16:00"), 15)]
    agency.host.patch(path, {"event_type_id": None})
    agency.work()
    assert len(agency.reminders()) == 8
    assert agency.host.delete(path).status == 204
    agency.work()
    assert agency.reminders() == []


def test_a_workflow_that_is_switched_off_sends_nothing_before_its_rows_are_gone(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    flow = agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.booked(kind, at("10:00"))
    agency.work()
    agency.until(at("09:00"))
    message = due(agency)
    agency.host.patch(f"{WORKFLOWS}/{flow['id']}", {"is_active": False})
    assert give(agency, message) == []
    assert (agency.log(), agency.reminders()) == ([], [])


def test_another_text_changes_what_is_sent_and_not_when(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    flow = agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.booked(kind, at("10:00"))
    agency.work()
    agency.until(at("09:00"), -MINUTE)
    agency.host.patch(f"{WORKFLOWS}/{flow['id']}", {"subject": "About something else"})
    agency.until(at("09:00"))
    agency.work()
    assert [letter.message["Subject"] for letter in agency.letters()] == ["About something else"]


def test_a_message_of_an_earlier_change_undoes_no_later_one(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    flow = agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.booked(kind, at("10:00"))
    agency.work()
    agency.host.patch(f"{WORKFLOWS}/{flow['id']}", {"minutes_before": 5})
    agency.work()
    payload = {"workflow_id": flow["id"], "revision": 1}
    assert give(agency, envelope("scheduling.workflow_changed", agency.host.organization_id, payload)) == []
    assert [due for _, due in agency.reminders()] == [ago(at("10:00"), 5)]


def test_what_was_due_before_a_workflow_was_made_is_not_sent(agency: WorkflowScenario) -> None:
    kind = agency.event_type()
    agency.booked(kind, at("10:00"))
    agency.work()
    agency.until(at("09:30"))
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.workflow(event_type_id=kind["id"])
    agency.work()
    assert (agency.reminders(), agency.log()) == ([], [])


def test_a_reminder_is_said_in_the_readers_zone_at_a_change_of_clocks(agency: WorkflowScenario) -> None:
    """A day before the first Monday after Berlin's change, by the clock of the universe: the wall clock shows another hour."""
    year = agency.moved().year + 1
    change = max(day for day in (datetime(year, 3, day_number, tzinfo=UTC) for day_number in range(25, 32)) if day.weekday() == 6).date()
    agency.until(datetime(year, 3, 10, tzinfo=UTC))
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], body="{{booking.start}}|{{booking.when}}", trigger="BEFORE_MEETING", minutes_before=1440)
    monday = change + timedelta(days=1)
    start = at("10:00", monday)
    assert start.endswith("T08:00:00Z")
    agency.booked(kind, start, invitee=invitee(timezone="Europe/Berlin"))
    agency.booked(kind, at("10:30", monday), invitee=invitee(timezone="Asia/Kolkata"))
    agency.work()
    assert agency.reminders()[0][1] == ago(start, 1440)
    for clock in ("10:00", "10:30"):
        agency.until(at(clock, monday), timedelta(days=-1))
        agency.work()
    berlin, kolkata = sorted(letter.text.strip() for letter in agency.letters())
    assert berlin.startswith(f"{monday} 10:00 (Europe/Berlin)|Monday, ")
    assert kolkata.startswith(f"{monday} 14:00 (Asia/Kolkata)|Monday, ")


def test_a_reminder_of_another_tenant_is_nobodys(agency: WorkflowScenario, globex: Member) -> None:
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.booked(kind, at("10:00"))
    agency.work()
    agency.until(at("09:00"))
    ids = [str(reminder_id) for reminder_id in agency.host.rows(select(Reminder.id))]
    assert give(agency, envelope("scheduling.reminders_due", globex.organization_id, {"reminder_ids": [*ids, str(new_id())]})) == []
    assert (agency.log(), len(agency.reminders()), globex.rows(select(NotificationLog))) == ([], 1, [])


def test_a_group_reminds_each_seat_and_a_handed_over_booking_its_new_host(agency: WorkflowScenario, acme: Member) -> None:
    colleague = acme.as_role("MEMBER")
    hosts = [{"user_id": str(user_id)} for user_id in (acme.user_id, colleague.user_id)]
    pool = acme.post("/v1/scheduling/pools", {"name": "Sales", "strategy": "PRIORITY", "hosts": hosts}).body
    kind = agency.event_type(kind="ROUND_ROBIN", pool_id=pool["id"])
    group = agency.event_type(kind="GROUP", capacity=3)
    agency.workflow(is_organization_wide=True, recipients=["HOST"], **BEFORE)
    booking = agency.booked(kind, at("10:00"))
    for name in ("a", "b"):
        agency.booked(group, at("14:00"), invitee=invitee(email=f"{name}@visitor.example"))
    agency.work()
    moved = acme.post(f"/v1/scheduling/bookings/{booking['id']}/reassign")
    assert moved.status == 200, moved.raw
    agency.until(at("09:00"))
    agency.work()
    agency.until(at("13:00"))
    agency.work()
    addresses = {str(user.id): user.email for user in acme.rows(select(User))}
    owner = addresses[str(acme.user_id)]
    assert [row["recipient"] for row in agency.log()] == [addresses[moved.body["host_id"]], owner, owner]


def test_a_sweep_costs_the_same_however_much_is_due_later(agency: WorkflowScenario) -> None:
    """Rows of a year ahead, and a plan that was made knowing of them."""
    kind = agency.event_type()
    agency.workflow(event_type_id=kind["id"], **BEFORE)
    agency.booked(kind, at("10:00"))
    agency.work()
    agency.until(at("09:00"))
    many = """
        INSERT INTO scheduling_reminders (organization_id, id, workflow_id, booking_id, due_at, revision)
        SELECT organization_id, gen_random_uuid(), workflow_id, gen_random_uuid(), due_at + n * interval '10 minutes', 1
        FROM scheduling_reminders, generate_series(1, 50000) n WHERE organization_id = :organization
    """
    swept = """
        EXPLAIN SELECT organization_id, id FROM scheduling_reminders WHERE queued_at IS NULL AND due_at <= :now
        ORDER BY due_at LIMIT 500 FOR UPDATE SKIP LOCKED
    """
    with agency.world.stack.postgres.superuser("parley") as superuser:
        superuser.run("SET session_replication_role = replica")  # 50,000 bookings are not what this is about
        superuser.run(many, organization=agency.host.organization_id)
        superuser.run("ANALYZE scheduling_reminders")
        superuser.run("SET ROLE parley_app")
        superuser.run("SET app.is_sweep = 'on'")
        plan = " ".join(line for (line,) in superuser.run(swept, now=agency.moved()))
    assert "Index Scan using ix_scheduling_reminders_due_at" in plan and "Seq Scan" not in plan and "Sort" not in plan, plan
    with transactions.sweep() as session:
        taken = [
            reminder_id
            for organization, reminder_id in reminders.take_due(session, agency.moved(), 500)
            if organization == agency.host.organization_id
        ]
    assert len(taken) == 1
    with agency.world.stack.postgres.superuser("parley") as superuser:
        superuser.run("DELETE FROM scheduling_reminders WHERE organization_id = :organization", organization=agency.host.organization_id)
