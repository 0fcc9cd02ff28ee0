"""Mails and texts whose answer is lost on the way: they left, and nobody knows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from parley.kernel.aws import boto3_clients
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.notifications.delivery import log
from parley.notifications.models import NotificationLog
from tests.harness import Member, World
from tests.kernel.lossy_aws_proxy import losing
from tests.scheduling.booking_scenarios import Office, SentMail, at, invitee
from tests.scheduling.test_mails import booking_event, give
from tests.scheduling.workflow_scenarios import WorkflowScenario

Letters = Callable[..., list[SentMail]]
NUMBER = "+491701112233"


def rows(acme: Member) -> list[tuple[str, str, str | None]]:
    notification_logs = acme.rows(select(NotificationLog).order_by(NotificationLog.id))
    return [(row.recipient_kind.value, row.status.value, row.error_message) for row in notification_logs]


def test_a_mail_whose_answer_is_lost_leaves_once_a_try_and_three_times_in_all(
    office: Office, event_type: dict[str, Any], acme: Member, world: World, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = office.booked(event_type, at("10:00"))
    event = booking_event(acme, booking, "booking_created")
    with losing(monkeypatch, "sesv2") as endpoint:
        assert give(world, event) == ["message-0"]
        assert (endpoint.taken, len(letters(booking))) == (2, 1)  # the invitee's and the host's
        for _ in range(9):
            give(world, event)
        assert endpoint.taken == 2 * 3
    copies = letters(booking)
    assert (len(copies), len({letter.message["Message-ID"] for letter in copies})) == (3, 1)
    assert rows(acme) == [("INVITEE", "FAILED", "answer_lost"), ("HOST", "FAILED", "answer_lost")]
    assert give(world, event) == []  # it has come to rest: no dead letter
    (row,) = [row for row in acme.rows(select(NotificationLog)) if row.recipient_kind.value == "INVITEE"]
    assert acme.post(f"/v1/scheduling/notifications/{row.id}/resend").status == 202  # who knows that it did not arrive
    world.pump()
    assert len(letters(booking)) == 5  # that one, and what the booking's own event asks for


def test_a_refusal_is_no_copy(
    office: Office, event_type: dict[str, Any], acme: Member, world: World, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = office.booked(event_type, at("10:00"))
    event = booking_event(acme, booking, "booking_created")
    with losing(monkeypatch, "sesv2") as endpoint:
        endpoint.loses = False
        for status in (429, 503, 400, 503, 429):
            endpoint.status = status
            assert give(world, event) == ["message-0"]
        assert endpoint.taken == 2 * 5
        endpoint.status = None
        assert give(world, event) == []
    assert [status for _, status, _ in rows(acme)] == ["SENT", "SENT"]
    assert len(letters(booking)) == 1


def test_a_text_whose_answer_is_lost_is_not_sent_again_by_itself(
    agency: WorkflowScenario, acme: Member, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_CHANNEL", "enabled")
    event_type = agency.event_type()
    agency.workflow(channel="SMS", subject=None, event_type_id=event_type["id"], body="See you")
    sent = len([text for text in world.stack.emulator.texts() if text["to"] == NUMBER])
    with losing(monkeypatch, "sns") as endpoint:
        agency.booked(event_type, at("10:00"), invitee=invitee(phone=NUMBER))
        for _ in range(3):
            agency.work()
        assert endpoint.taken == 1
    agency.work()
    assert len([text for text in world.stack.emulator.texts() if text["to"] == NUMBER]) == sent + 1
    assert agency.ended() == [("INVITEE", "FAILED", "answer_lost")]


def test_a_worker_that_dies_while_it_sends_leaves_a_bounded_number_of_copies(
    office: Office, event_type: dict[str, Any], acme: Member, world: World, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed between SES and the row, each time: nothing is written down but that it was taken up."""
    booking = office.booked(event_type, at("10:00"))
    event = booking_event(acme, booking, "booking_created")
    with monkeypatch.context() as patch:
        patch.setattr(log.LogClaim, "settle", lambda *_: None)
        for _ in range(5):
            give(world, event)
            with transactions.transaction(acme.caller) as session:
                session.execute(update(NotificationLog).values(attempted_at=now() - timedelta(minutes=3)))
    assert give(world, event) == []
    assert len(letters(booking)) == 3
    assert rows(acme) == [("INVITEE", "FAILED", "answer_lost"), ("HOST", "FAILED", "answer_lost")]


@pytest.mark.parametrize(("service", "attempts"), [("sesv2", 1), ("sns", 1), ("s3", 3)])
def test_what_has_an_effect_and_no_name_is_called_once(world: World, service: str, attempts: int) -> None:
    assert boto3_clients.client(service).meta.config.retries["total_max_attempts"] == attempts
