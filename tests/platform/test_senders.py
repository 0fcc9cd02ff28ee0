"""Everything that sends a mail or a text claims it first: an event that comes again, or in part, sends nobody the same mail twice."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_string, policy
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from parley.identity.accounts import email_links, security_alerts
from parley.identity.declared import IdentityEvent
from parley.identity.models import Invitation, OrganizationMember, User, VerificationKind
from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.kernel.values.errors import AnswerLost
from parley.kernel.values.ids import new_id
from parley.notifications.delivery import claims
from parley.notifications.delivery.sender import Sender
from parley.notifications.email.email_message import Mail
from parley.notifications.models import MailClaim
from parley.notifications.sms import SmsMessage
from parley.scheduling.declared import SchedulingEvent
from parley.scheduling.tables import booking_models
from parley.scheduling.tables.calendar_models import CalendarConnection, CalendarMethod, CalendarProvider, CalendarStatus
from parley.scheduling.tables.workflow_models import AddressAgreement
from parley.scheduling.workflows import workflow_worker
from parley.webhooks.declared import WebhooksEvent
from parley.webhooks.models import DisabledReason, WebhookSubscription
from tests.harness import Client, Member, World, sqs_event
from tests.kernel.lossy_aws_proxy import losing
from tests.stack.load_scenarios import at, booking, event_type, schedule
from tests.webhooks.webhook_scenarios import SUBSCRIPTIONS, URL

PACKAGE = "parley.notifications"
FUNCTIONS = Path(__file__).parents[2] / "functions"
# Their claims are the rows of the log of notifications (`notifications.delivery.log`).
LOGGED = {
    "scheduling/on_booking_changed.py": "booking_notices.notices_to_send",
    "scheduling/on_workflow_event.py": "workflow_worker.handle_message",
}


def address_of(acme: Member, user_id: UUID | None) -> str:
    (address,) = acme.rows(select(User.email).where(User.id == user_id))
    return str(address)


def webhook(acme: Member) -> tuple[str, str, UUID, dict[str, Any]]:
    made = acme.post(SUBSCRIPTIONS, {"name": f"Hook {new_id()}", "url": URL, "events": ["booking.created"]}).body
    ended = {"is_active": False, "disabled_reason": DisabledReason.GONE, "disabled_at": now()}
    with transactions.transaction(acme.caller) as session:
        session.execute(update(WebhookSubscription).where(WebhookSubscription.id == made["id"]).values(**ended))
    return "webhooks/on_event", WebhooksEvent.SUBSCRIPTION_DISABLED, acme.organization_id, {"subscription_id": made["id"], "reason": "GONE"}


def password(acme: Member) -> tuple[str, str, UUID, dict[str, Any]]:
    with transactions.personal(system(NOWHERE), acme.user_id) as session:
        wanted = {"change": security_alerts.SecurityChange.PASSWORD.value}
        row = email_links.add(session, VerificationKind.SECURITY_ALERT, "", at=now(), user_id=acme.user_id, wanted=wanted)
    return "identity/on_mail_due", IdentityEvent.SECURITY_ALERT_RAISED, NOWHERE, {"token_id": str(row.id), "user_id": str(acme.user_id)}


def invitation(acme: Member) -> tuple[str, str, UUID, dict[str, Any]]:
    made = acme.post("/v1/identity/invitations", {"email": address_of(acme, acme.user_id).replace("@", "+invited@"), "role": "MEMBER"})
    assert made.status == 201, made.body
    return "identity/on_mail_due", IdentityEvent.INVITATION_CREATED, acme.organization_id, {"invitation_id": made.body["id"]}


def calendar(acme: Member) -> tuple[str, str, UUID, dict[str, Any]]:
    row = CalendarConnection(
        user_id=acme.user_id,
        provider=CalendarProvider.GOOGLE,
        method=next(iter(CalendarMethod)),
        provider_account_id=str(new_id()),
        account_name="Calendar",
        status=CalendarStatus.EXPIRED,
    )
    with transactions.transaction(acme.caller) as session:
        session.add(row)
    return "scheduling/on_calendar_job", SchedulingEvent.CALENDAR_DIED, acme.organization_id, {"connection_id": str(row.id)}


def proof(acme: Member) -> tuple[str, str, UUID, dict[str, Any]]:
    kind = event_type(acme, schedule(acme), requires_address_proof=True)  # type: ignore[arg-type]  # both clients answer alike
    answer = Client(acme.world).post("/v1/scheduling/bookings", booking(kind, at("10:00"), f"proof{new_id().hex}"))
    assert answer.body["code"] == "address_proof_needed", answer.body
    (hold_id,) = acme.rows(select(booking_models.Hold.id).where(booking_models.Hold.proof_email.is_not(None)))
    return "scheduling/on_booking_changed", SchedulingEvent.ADDRESS_PROOF_ASKED, acme.organization_id, {"hold_id": str(hold_id)}


def agreement(acme: Member) -> tuple[str, str, UUID, dict[str, Any]]:
    wanted = {"name": "Copy", "channel": "EMAIL", "trigger": "BOOKING_CANCELED", "subject": "x", "body": "y"}
    address = f"{new_id().hex}@elsewhere.example"
    made = acme.post("/v1/scheduling/workflows", wanted | {"is_organization_wide": True, "addresses": [address]})
    assert made.status == 201, made.body
    (row_id,) = acme.rows(select(AddressAgreement.id).where(AddressAgreement.address == address))
    return "scheduling/on_workflow_event", SchedulingEvent.ADDRESS_ASKED, acme.organization_id, {"agreement_id": str(row_id)}


def give(world: World, message: tuple[str, str, UUID, dict[str, Any]], event_id: UUID) -> bool:
    """Whether the worker took it."""
    function, name, organization_id, payload = message
    detail = {"id": str(event_id), "organization_id": str(organization_id), "occurred_at": now().isoformat(), "payload": payload}
    answer = world.invoke(function, sqs_event(json.dumps({"detail-type": name, "detail": detail})))
    return not answer["batchItemFailures"]


def sent(world: World, before: int) -> list[tuple[str, str]]:
    """Recipient and Message-ID of the mails since."""
    return [(mail["to"][0], str(message_from_string(mail["raw"], policy=policy.default)["Message-ID"])) for mail in world.mails()[before:]]


EVENTS = [webhook, password, invitation, calendar, proof, agreement]


@pytest.mark.parametrize("made", EVENTS)
def test_the_same_event_again_sends_no_second_letter(world: World, acme: Member, made: Callable[[Member], Any]) -> None:
    message, event_id, before = made(acme), new_id(), len(world.mails())
    assert all(give(world, message, event_id) for _ in range(3))
    first = sent(world, before)
    assert len(first) == 1
    assert acme.rows(select(MailClaim.sent_at).order_by(MailClaim.created_at.desc()).limit(1))[0] is not None


@pytest.mark.parametrize("made", EVENTS)
def test_an_answer_that_is_lost_leaves_three_copies_with_one_id(
    world: World, acme: Member, made: Callable[[Member], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    message, event_id, before = made(acme), new_id(), len(world.mails())
    with losing(monkeypatch, "sesv2") as endpoint:
        taken = [give(world, message, event_id) for _ in range(6)]
        assert (taken, endpoint.taken) == ([False] * 3 + [True] * 3, 3)
    copies = sent(world, before)
    assert (len(copies), len(set(copies))) == (3, 1)


def test_one_refused_address_does_not_repeat_the_others(world: World, acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    admins = [acme.as_role("ADMIN") for _ in range(2)]
    keepers = [address_of(acme, member.user_id) for member in (acme, *admins)]
    message, event_id, before = webhook(acme), new_id(), len(world.mails())
    with losing(monkeypatch, "sesv2") as endpoint:
        endpoint.loses, endpoint.refuses = False, {keepers[0]}
        assert [give(world, message, event_id) for _ in range(3)] == [False] * 3
        assert sorted(to for to, _ in sent(world, before)) == sorted(keepers[1:])
        endpoint.refuses = set()
        assert give(world, message, event_id)
    assert sorted(to for to, _ in sent(world, before)) == sorted(keepers)
    assert len(acme.rows(select(OrganizationMember).where(OrganizationMember.role.in_(["OWNER", "ADMIN"])))) == 3


def test_a_letter_that_another_worker_has_in_hand_comes_back_and_is_taken_over(world: World, acme: Member) -> None:
    message, event_id, before = password(acme), new_id(), len(world.mails())
    held = Sender(acme.caller, event_id, lambda _: None)
    mail = Mail(address_of(acme, acme.user_id), b"")
    claim_ids = set(acme.rows(select(MailClaim.claim)))
    held(mail)
    [fresh] = set(acme.rows(select(MailClaim.claim))) - claim_ids
    claim = MailClaim.claim == fresh
    with transactions.transaction(acme.caller) as session:
        session.execute(update(MailClaim).where(claim).values(sent_at=None, attempted_at=now()))
    assert not give(world, message, event_id)
    with transactions.transaction(acme.caller) as session:
        session.execute(update(MailClaim).where(claim).values(attempted_at=now() - timedelta(minutes=3)))
    assert give(world, message, event_id)
    assert len(sent(world, before)) == 1


def test_an_invitation_is_marked_when_its_letter_has_left(world: World, acme: Member) -> None:
    message = invitation(acme)
    assert give(world, message, new_id())
    (mailed_at,) = acme.rows(select(Invitation.mailed_at).where(Invitation.id == message[3]["invitation_id"]))
    assert mailed_at is not None


def test_claims_are_forgotten_when_no_event_comes_again(world: World, acme: Member) -> None:
    event_id = new_id()
    assert give(world, password(acme), event_id)
    with transactions.transaction(acme.caller) as session:
        session.execute(update(MailClaim).values(created_at=now() - timedelta(days=31)))
    with transactions.sweep() as session:
        assert claims.forget(session) >= 1
        assert claims.forget(session) == 0


def _modules(tree: ast.Module) -> set[str]:
    names = {f"{node.module}.{alias.name}" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    return names | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


def test_whoever_sends_claims_first() -> None:
    """Over all functions: who imports what sends gives it to a `Sender`, or is one of those whose claims are rows of the log."""
    senders = {}
    for path in sorted(FUNCTIONS.rglob("*.py")):
        names = _modules(ast.parse(path.read_text()))
        if f"{PACKAGE}.email.ses.send" in names or f"{PACKAGE}.delivery.channels.deliver" in names:
            senders[str(path.relative_to(FUNCTIONS))] = path.read_text()
        assert not names & {f"{PACKAGE}.{name}" for name in ("email.ses", "sns", "sns.send", "delivery.channels")}, path
    assert len(senders) >= 5
    for name, source in senders.items():
        matches = re.findall(r"(?<!def )(?:Sender|send_logged)\(caller, (?:[\w.]+, )?(?:send|deliver)\b|Effects\(deliver\b", source)
        used = re.findall(r"(?<![.=\w])(?:send|deliver)\b(?!=|\()", re.sub(r'(?m)^.*import.*$|^""".*$', "", source))
        assert matches, name
        assert len(used) == len(matches), name
        assert name not in LOGGED or LOGGED[name] in source, name
    shared = FUNCTIONS.parent / "shared" / "parley"
    calls = [path for path in shared.rglob("*.py") if ".send_email(" in path.read_text() or ".publish(PhoneNumber" in path.read_text()]
    assert {path.name for path in calls} == {"ses.py", "sns.py"}
    for path in shared.rglob("*.py"):
        if path.name != "channels.py":
            names = _modules(ast.parse(path.read_text()))
            assert not {
                name
                for name in names
                if f"{name}.".startswith((f"{PACKAGE}.email.ses.", f"{PACKAGE}.sns.", f"{PACKAGE}.delivery.channels."))
            }, path


def test_nothing_is_sent_within_a_transaction() -> None:
    """A claim that is rolled back with a lost answer is none; and whoever waits for the row waits for the mail."""
    tree = ast.parse(Path(workflow_worker.__file__).read_text())
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.With) and "transaction(" in ast.unparse(node.items[0])]
    assert len(blocks) >= 5
    effects = re.compile(r"effects\.deliver|send_logged\(|_send\(|Sender\(|\bsend\(")
    assert [ast.unparse(block) for block in blocks if effects.search(ast.unparse(block))] == []


def test_a_text_that_asks_leaves_once(acme: Member) -> None:
    texts: list[str] = []

    def lost(text: Any) -> None:
        texts.append(text.recipient)
        raise AnswerLost("nobody heard")

    send = Sender(acme.caller, new_id(), lost)
    text = SmsMessage("+491700000001", "Do you agree?")
    with pytest.raises(AnswerLost):
        send(text)
    for _ in range(3):
        send(text)
    assert len(texts) == 1
