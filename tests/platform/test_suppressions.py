"""An address that bounces, or that complains, gets no more mail; SES says so by EventBridge, and there are ways back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.notifications.email import suppressions
from parley.notifications.email.suppressions import SuppressedAddress, SuppressionKind
from parley.notifications.models import NotificationLog
from parley.scheduling.bookings.address_proofs import code
from tests.harness import Client, Member, World, recorded, sqs_event
from tests.identity.registered_users import Person, ProgramClient, person, received_mails
from tests.stack.load_scenarios import at, booking, event_type, schedule


def event(
    world: World, kind: str, address: str, *, of: str | None = None, feedback_id: str | None = None, **details: Any
) -> dict[str, Any]:
    """What SES gives to EventBridge (its developer guide, "Examples of event data")."""
    about = {"feedbackId": feedback_id or new_id().hex, "timestamp": now().isoformat()}
    if kind == "Bounce":
        what = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [{"emailAddress": address, "status": "5.1.1"}]}
    else:
        what = {"complaintFeedbackType": "abuse", "complainedRecipients": [{"emailAddress": address}], "userAgent": "FBL"}
    sent = {
        "messageId": new_id().hex,
        "destination": [of or address],
        "tags": {"ses:configuration-set": [world.stack.attributes["MailEvents"]]},
    }
    return {"eventType": kind, kind.lower(): about | what | details, "mail": sent}


def tell(world: World, *details: dict[str, Any]) -> list[str]:
    """As the rule's queue brings them. Returns what came back."""
    bodies = [json.dumps({"source": "aws.ses", "detail-type": "Email Bounced", "detail": detail}) for detail in details]
    answer = world.invoke("platform/on_mail_feedback", sqs_event(*bodies))
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def rows(address: str) -> list[SuppressedAddress]:
    with transactions.transaction(system(NOWHERE)) as session:
        chosen = select(SuppressedAddress).where(SuppressedAddress.address_hash == suppressions.keyed_hash(address))
        return list(session.scalars(chosen))


def age(address: str, **by: float) -> None:
    with transactions.transaction(system(NOWHERE)) as session:
        statement = update(SuppressedAddress).where(SuppressedAddress.address_hash == suppressions.keyed_hash(address))
        aged = {name: getattr(SuppressedAddress, name) - timedelta(days=days) for name, days in by.items()}
        session.execute(statement.values(aged), execution_options={"synchronize_session": False})


@pytest.fixture
def visitor() -> str:
    return f"{new_id().hex}@visitor.example"


@pytest.fixture
def account_owner(world: World) -> Person:
    return person(world)


def booked(acme: Member, visitor: str, clock: str = "10:00") -> str:
    kind = event_type(acme, schedule(acme))  # type: ignore[arg-type]  # both clients answer alike
    body = booking(kind, at(clock), "x")
    body["invitee"]["email"] = visitor
    made = acme.post("/v1/scheduling/bookings", body)
    assert made.status == 201, made.body
    acme.world.pump()
    return str(made.body["id"])


def mails_to(world: World, address: str) -> int:
    return sum(address in mail["to"] for mail in world.mails())


def test_a_bounce_on_the_bus_ends_mails_to_the_address_and_the_log_says_so(world: World, acme: Member, visitor: str) -> None:
    """All the way: the default bus, its rule, the queue, the worker; then a booking whose invitee gets nothing."""
    world.stack.clients.events.put_events(
        Entries=[{"Source": "aws.ses", "DetailType": "Email Bounced", "Detail": json.dumps(event(world, "Bounce", visitor.upper()))}]
    )
    world.pump()
    assert [(row.kind, row.reason, row.bounces) for row in rows(visitor)] == [(SuppressionKind.BOUNCE, "General", 1)]
    booking_id = booked(acme, visitor)
    assert mails_to(world, visitor) == 0
    log = acme.get("/v1/scheduling/notifications", booking_id=booking_id).body["items"]
    shown = {row["recipient"]: (row["status"], row["error_message"]) for row in log}
    assert shown.pop(visitor) == ("FAILED", "address_bounced")
    assert {status for status, _ in shown.values()} == {"SENT"}  # the host's
    assert acme.rows(select(NotificationLog.doubtful_sends).where(NotificationLog.recipient == visitor)) == [0]


def test_another_configuration_sets_events_are_not_ours(world: World, visitor: str) -> None:
    detail = event(world, "Bounce", visitor)
    detail["mail"]["tags"]["ses:configuration-set"] = ["somebody-elses"]
    world.stack.clients.events.put_events(Entries=[{"Source": "aws.ses", "DetailType": "Email Bounced", "Detail": json.dumps(detail)}])
    world.pump()
    assert rows(visitor) == []


def test_a_complaint_stays_one_whatever_bounces_later(world: World, visitor: str) -> None:
    assert tell(world, event(world, "Complaint", f"Grace <{visitor}>", of=visitor), event(world, "Bounce", visitor)) == []
    assert [(row.kind, row.reason, row.bounces) for row in rows(visitor)] == [(SuppressionKind.COMPLAINT, "abuse", 2)]


def test_the_same_event_again_counts_once(world: World, visitor: str) -> None:
    soft = event(world, "Bounce", visitor, feedback_id="same", bounceType="Transient")
    assert tell(world, soft, soft, soft) == []
    assert [row.bounces for row in rows(visitor)] == [1]


def test_bounces_that_are_temporary_count_and_rest_for_a_week(world: World, acme: Member, visitor: str) -> None:
    for _ in range(suppressions.SOFT_BOUNCES - 1):
        tell(world, event(world, "Bounce", visitor, bounceType="Transient", bounceSubType="MailboxFull"))
    booked(acme, visitor, "09:00")
    assert mails_to(world, visitor) == 1
    tell(world, event(world, "Bounce", visitor, bounceType="Transient", bounceSubType="MailboxFull"))
    booked(acme, visitor, "10:00")
    assert mails_to(world, visitor) == 1
    age(visitor, bounced_at=8)
    booked(acme, visitor, "11:00")
    assert mails_to(world, visitor) == 2
    tell(world, event(world, "Bounce", visitor, bounceType="Transient"))
    assert [row.bounces for row in rows(visitor)] == [1]  # of a new week


@pytest.mark.parametrize(
    "details",
    [
        {"bounceType": "Transient", "bounceSubType": "MessageTooLarge"},
        {"bouncedRecipients": [{"emailAddress": "somebody-else@visitor.example"}]},
    ],
    ids=["the message was too large", "an address that the mail did not go to"],
)
def test_what_says_nothing_of_the_address_is_not_believed(world: World, visitor: str, details: dict[str, Any]) -> None:
    assert tell(world, event(world, "Bounce", visitor, **details)) == []
    assert rows(visitor) == rows("somebody-else@visitor.example") == []


def test_not_spam_is_no_complaint(world: World, visitor: str) -> None:
    assert tell(world, event(world, "Complaint", visitor, complaintFeedbackType="not-spam")) == []
    assert rows(visitor) == []


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"detail": {"eventType": "Open"}}', '{"detail": {"eventType": "Bounce", "bounce": 1}}', "["]
)
def test_what_cannot_be_read_comes_back_without_its_neighbours(world: World, visitor: str, body: str) -> None:
    good = json.dumps({"source": "aws.ses", "detail": event(world, "Bounce", visitor)})
    answer = world.invoke("platform/on_mail_feedback", sqs_event(body, good))
    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == ["message-0"]
    assert len(rows(visitor)) == 1


@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
def test_who_asks_for_a_link_gets_one_a_day_later_and_using_it_is_the_way_back(world: World, account_owner: Person, kind: str) -> None:
    tell(world, event(world, kind, account_owner.email))
    browser, count = ProgramClient(world), len(received_mails(world, account_owner.email))

    def ask() -> int:
        assert browser.post("/v1/auth/magic-link", {"email": account_owner.email}).status == 202
        return len(received_mails(world, account_owner.email)) - count

    assert ask() == 0
    age(account_owner.email, bounced_at=1.1)
    assert [ask(), ask()] == [1, 1]  # one trial a week
    token = received_mails(world, account_owner.email)[-1].token
    assert browser.post("/v1/auth/magic-link/redeem", {"token": token}).status == 200
    assert rows(account_owner.email) == []
    assert ask() == 2


def test_an_alert_does_not_try_an_address_that_bounced(world: World, account_owner: Person) -> None:
    """It is told to nobody who asked; the trial is for who waits for a mail."""
    tell(world, event(world, "Bounce", account_owner.email))
    age(account_owner.email, bounced_at=400)
    with transactions.transaction(system(NOWHERE)) as session:
        assert suppressions.errors(session, [account_owner.email, "other@visitor.example"]) == {account_owner.email: "address_bounced"}


def test_a_code_that_was_sent_to_a_booker_is_a_way_back(world: World, acme: Member, visitor: str) -> None:
    tell(world, event(world, "Bounce", visitor))
    age(visitor, bounced_at=2)
    kind = event_type(acme, schedule(acme), requires_address_proof=True)  # type: ignore[arg-type]  # both clients answer alike
    wanted = booking(kind, at("10:00"), "x")
    wanted["invitee"]["email"] = visitor
    stranger = Client(world)
    response = stranger.post("/v1/scheduling/bookings", wanted)
    assert response.body["code"] == "address_proof_needed"
    world.pump()
    assert mails_to(world, visitor) == 1
    proof = {"address_proof": code(acme.organization_id, visitor), "hold_token": response.body["hold_token"]}
    made = stranger.post("/v1/scheduling/bookings", wanted | proof)
    assert made.status == 201, made.body
    assert rows(visitor) == []
    world.pump()
    assert mails_to(world, visitor) == 2


def test_an_operator_lets_mails_go_there_again(world: World, acme: Member, visitor: str) -> None:
    tell(world, event(world, "Complaint", visitor))
    assert world.invoke("platform/release_address", {"address": f" {visitor.upper()}"}) == {"was_suppressed": True}
    assert world.invoke("platform/release_address", {"address": visitor}) == {"was_suppressed": False}
    booked(acme, visitor)
    assert mails_to(world, visitor) == 1


def test_what_bounced_a_year_ago_is_forgotten_and_a_complaint_is_not(world: World, visitor: str) -> None:
    complained, soft = f"c{visitor}", f"s{visitor}"
    tell(
        world, event(world, "Bounce", visitor), event(world, "Complaint", complained), event(world, "Bounce", soft, bounceType="Transient")
    )
    age(soft, bounced_at=15)
    age(visitor, bounced_at=366)
    age(complained, bounced_at=366)
    with transactions.sweep() as session:
        assert suppressions.forget(session) >= 2
    assert [len(rows(address)) for address in (visitor, complained, soft)] == [0, 1, 0]


def test_the_recorded_event_of_ses_is_understood(world: World) -> None:
    assert world.invoke("platform/on_mail_feedback", recorded("mail_bounced_queue")) == {"batchItemFailures": []}
    assert [row.kind for row in rows("nobody@visitor.example")] == [SuppressionKind.BOUNCE]
