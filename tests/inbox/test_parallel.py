"""Deliveries at the same instant, on connections of their own: what the database decides, it decides once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from parley.inbox.inbound_webhooks import process_webhook
from parley.inbox.models import Conversation, Message
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.values.clock import now
from tests.inbox import whatsapp_bodies
from tests.inbox.conftest import WhatsAppNumber


@pytest.fixture(autouse=True)
def many_connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DATABASE_POOL_SIZE", "24")
    transactions.engine().dispose()
    transactions.engine.cache_clear()
    yield
    transactions.engine().dispose()
    transactions.engine.cache_clear()


def at_once(*works: Callable[[], None]) -> None:
    """All of them in threads that start together. The first error is raised."""
    gate, errors = threading.Barrier(len(works)), []

    def run(work: Callable[[], None]) -> None:
        gate.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # raised below, in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def delivery(*changes: Any) -> Callable[[], None]:
    content = whatsapp_bodies.wire(whatsapp_bodies.body(*changes))

    def refuse(reason: str, content: bytes) -> None:
        raise AssertionError(reason)

    return lambda: process_webhook(content, now(), refuse)


def test_one_body_twenty_times_at_once_is_one_message_counted_once(line: WhatsAppNumber) -> None:
    raw = whatsapp_bodies.text("once", from_user_id="DE.1")
    at_once(*[delivery(whatsapp_bodies.change(line.number, messages=[raw], contacts=[whatsapp_bodies.card()]))] * 20)
    assert line.counts() == (1, 1)
    assert line.conversation()["unread_count"] == 1
    assert len(line.member.rows(select(AuditLog.id).where(AuditLog.action == "message.received"))) == 1
    assert len(line.member.rows(select(OutboxEvent.id).where(OutboxEvent.name == "inbox.message_received"))) == 1


def test_twenty_bodies_of_a_new_contact_at_once_make_one_conversation(line: WhatsAppNumber) -> None:
    messages = [whatsapp_bodies.text(str(number)) for number in range(20)]
    at_once(*[delivery(whatsapp_bodies.change(line.number, messages=[message])) for message in messages])
    assert line.counts() == (1, 20)
    conversation = line.conversation()
    assert conversation["unread_count"] == 20
    assert conversation["last_message_preview"] == "19"


def test_one_contact_under_both_keys_at_once_ends_as_one(line: WhatsAppNumber) -> None:
    for attempt in range(6):
        phone, user = f"4915{attempt:07d}", f"DE.{attempt}A"
        works = [
            delivery(whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text("p", sender=phone)])),
            delivery(whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text("u", sender=None, from_user_id=user)])),
            delivery(whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text("b", sender=phone, from_user_id=user)])),
        ]
        at_once(*works * 3)
        line.receive(whatsapp_bodies.text("last", sender=phone, from_user_id=user))
    assert line.member.rows(select(Conversation.unread_count)) == [4] * 6
    assert line.counts() == (6, 24)


def test_receipts_and_their_message_at_once_never_miss_each_other(line: WhatsAppNumber) -> None:
    """The narrow case: the message commits between a receipt's look and its own commit, or the other way round."""
    for _ in range(25):
        echo = whatsapp_bodies.text("x", sender="4930", to=whatsapp_bodies.CUSTOMER)
        tells = [
            delivery(whatsapp_bodies.change(line.number, statuses=[whatsapp_bodies.status(name, echo["id"])]))
            for name in ("sent", "delivered", "read")
        ]
        at_once(
            delivery(whatsapp_bodies.change(line.number, field="smb_message_echoes", message_echoes=[echo])),
            *tells,
            delivery(whatsapp_bodies.change(line.number, statuses=[whatsapp_bodies.failed(echo["id"])])),
        )
    assert {row.status.value for row in line.rows()} == {"READ"}
    assert all(row.sent_at and row.delivered_at and row.read_at and row.failed_at for row in line.rows())


def test_changes_and_their_message_at_once_never_miss_each_other(line: WhatsAppNumber) -> None:
    for number in range(25):
        sender = f"49{number}"
        raw = whatsapp_bodies.text("in", sender=sender)
        reaction = whatsapp_bodies.message("reaction", {"message_id": raw["id"], "emoji": "x"}, sender=sender)
        revoke = whatsapp_bodies.message("revoke", {"original_message_id": raw["id"]}, sender=sender)
        at_once(*[delivery(whatsapp_bodies.change(line.number, messages=[message])) for message in (raw, reaction, revoke, raw)])
    rows = line.rows()
    assert len(rows) == 25
    assert all(row.content is None and len(row.reactions) == 1 for row in rows)


def test_a_storm_of_overlapping_bodies_ends_as_if_they_had_come_in_turn(line: WhatsAppNumber, other: WhatsAppNumber) -> None:
    """Fifty messages of eight contacts at two tenants, in eighty bodies of random shares and orders, sixteen at a time."""
    dice = random.Random(7)
    contacts = [(f"4915{n:06d}", f"DE.{n}Z") for n in range(8)]
    start = whatsapp_bodies.now()
    messages = []
    for number in range(50):
        phone, user = contacts[number % 8]
        messages.append(
            whatsapp_bodies.text(str(number), at=start + number, sender=phone, **({"from_user_id": user} if number % 3 == 0 else {}))
        )
    # Both keys of everybody are known before: what the storm is about is order and repetition.
    for phone_line in (line, other):
        phone_line.receive(*[whatsapp_bodies.text("hello", at=start - 10, sender=phone, from_user_id=user) for phone, user in contacts])
    works = []
    for _ in range(80):
        share = dice.sample(messages, dice.randint(1, 20))
        half = len(share) // 2
        works.append(
            delivery(
                whatsapp_bodies.change(line.number, messages=share[:half]),
                whatsapp_bodies.change(other.number, messages=share),
                whatsapp_bodies.change(line.number, messages=share[half:]),
            )
        )
    works.append(delivery(*[whatsapp_bodies.change(phone_line.number, messages=messages) for phone_line in (line, other)]))
    for begin in range(0, len(works), 16):
        at_once(*works[begin : begin + 16])
    for phone_line in (line, other):
        assert phone_line.counts() == (8, 58)
        unread = {row.contact_external_id: row.unread_count for row in phone_line.member.rows(select(Conversation))}
        assert unread == {phone: 1 + sum(message["from"] == phone for message in messages) for phone, _ in contacts}
        previews = {row.contact_external_id: row.last_message_preview for row in phone_line.member.rows(select(Conversation))}
        assert previews == {
            phone: max((m for m in messages if m["from"] == phone), key=lambda m: int(m["timestamp"]))["text"]["body"]
            for phone, _ in contacts
        }
        assert len(phone_line.member.rows(select(OutboxEvent.id).where(OutboxEvent.name == "inbox.message_received"))) == 58
        assert len(set(phone_line.member.rows(select(Message.external_id)))) == 58
