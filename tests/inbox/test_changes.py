"""Reactions, edits and revocations: also before their message, also twice, always the same end."""

from __future__ import annotations

import itertools
from typing import Any

from sqlalchemy import func, select

from parley.inbox.models import MessageChange
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence.outbox import OutboxEvent
from tests.inbox import whatsapp_bodies
from tests.inbox.conftest import WhatsAppNumber


def reaction(target: str, emoji: str | None, **more: Any) -> dict[str, Any]:
    return whatsapp_bodies.message("reaction", {"message_id": target} | ({"emoji": emoji} if emoji is not None else {}), **more)


def edit(target: str, words: str, **more: Any) -> dict[str, Any]:
    return whatsapp_bodies.message("edit", {"original_message_id": target, "message": {"type": "text", "text": {"body": words}}}, **more)


def revoke(target: str, **more: Any) -> dict[str, Any]:
    return whatsapp_bodies.message("revoke", {"original_message_id": target}, **more)


def shown(message: dict[str, Any]) -> tuple[Any, ...]:
    is_edited, is_revoked = message["edited_at"] is not None, message["revoked_at"] is not None
    return message["content"], [(entry["by"], entry["emoji"]) for entry in message["reactions"]], is_edited, is_revoked


def test_a_reaction_is_an_update_of_its_target(line: WhatsAppNumber) -> None:
    raw = whatsapp_bodies.text("in")
    line.receive(raw)
    line.receive(reaction(raw["id"], "👍"))
    assert shown(line.message()) == ("in", [("contact", "👍")], False, False)
    line.receive(reaction(raw["id"], "❤️"))
    assert shown(line.message())[1] == [("contact", "❤️")]
    line.echo(reaction(raw["id"], "🙏", sender="4930", to=whatsapp_bodies.CUSTOMER))
    assert shown(line.message())[1] == [("contact", "❤️"), ("business", "🙏")]
    line.receive(reaction(raw["id"], None))
    assert shown(line.message())[1] == [("business", "🙏")]
    line.echo(reaction(raw["id"], "", sender="4930", to=whatsapp_bodies.CUSTOMER))
    assert shown(line.message())[1] == []
    assert line.conversation()["unread_count"] == 1


def test_in_a_group_everybody_reacts_for_himself(line: WhatsAppNumber) -> None:
    raw = whatsapp_bodies.text("in", group_id="g")
    line.receive(raw, reaction(raw["id"], "1", group_id="g", sender="491"), reaction(raw["id"], "2", group_id="g", sender="492"))
    assert shown(line.message())[1] == [("491", "1"), ("492", "2")]
    assert line.conversation()["external_id"] == "group:g"


def test_edits_and_revocations(line: WhatsAppNumber) -> None:
    raw = whatsapp_bodies.text("in")
    line.receive(raw)
    line.receive(edit(raw["id"], "neu"))
    assert shown(line.message()) == ("neu", [], True, False)
    assert line.conversation()["last_message_preview"] == "neu"
    line.receive(revoke(raw["id"]))
    assert shown(line.message()) == (None, [], True, True)
    assert line.conversation()["last_message_preview"] == "[deleted]"
    line.receive(edit(raw["id"], "zu spät"))
    assert shown(line.message()) == (None, [], True, True)
    (row,) = line.rows()
    assert row.payload == raw


def test_every_order_of_changes_and_message_ends_alike(line: WhatsAppNumber) -> None:
    start = whatsapp_bodies.now()
    ends = []
    for index, order in enumerate(itertools.permutations(range(5))):
        sender = f"49{index:09d}"
        raw = whatsapp_bodies.text("in", sender=sender, at=start)
        items = [
            raw,
            reaction(raw["id"], "👍", sender=sender, at=start + 1),
            reaction(raw["id"], "👎", sender=sender, at=start + 2),
            edit(raw["id"], "neu", sender=sender, at=start + 3),
            edit(raw["id"], "neuer", sender=sender, at=start + 4),
        ]
        ends.append([items[position] for position in order])
    for step in range(5):
        line.receive(*[items[step] for items in ends])
        line.receive(*[items[step] for items in ends])
    rows = line.rows()
    assert len(rows) == 120
    assert {(row.content, str([(entry["by"], entry["emoji"]) for entry in row.reactions])) for row in rows} == {
        ("neuer", "[('contact', '👎')]")
    }
    assert {conversation["unread_count"] for conversation in line.conversations(limit=100)} == {1}
    assert {conversation["last_message_preview"] for conversation in line.conversations(limit=100)} == {"neuer"}


def test_a_change_before_its_message_waits_and_is_seen_in_the_same_body_too(line: WhatsAppNumber) -> None:
    raw = whatsapp_bodies.text("in")
    line.receive(revoke(raw["id"]))
    assert line.conversation()["last_message_preview"] is None
    line.receive(raw)
    assert shown(line.message()) == (None, [], False, True)
    both = whatsapp_bodies.text("both")
    line.receive(edit(both["id"], "edited"), both)
    assert line.messages()[0]["content"] == "edited"


def test_the_same_change_again_changes_nothing_and_is_told_once(line: WhatsAppNumber) -> None:
    raw = whatsapp_bodies.text("in")
    line.receive(raw)
    change = reaction(raw["id"], "👍")
    for _ in range(3):
        line.receive(change, change)
    assert line.member.rows(select(func.count()).select_from(MessageChange)) == [1]
    assert len(line.member.rows(select(OutboxEvent.id).where(OutboxEvent.name == "inbox.message_updated"))) == 1
    (trail,) = line.member.rows(select(AuditLog.new_values).where(AuditLog.action == "message.updated"))
    assert trail == {"message_ids": [line.message()["id"]]}


def test_an_older_message_that_changes_leaves_the_preview_to_the_newest(line: WhatsAppNumber) -> None:
    first, second = whatsapp_bodies.text("first"), whatsapp_bodies.text("second")
    line.receive(first, second)
    line.receive(edit(first["id"], "neu"))
    assert line.conversation()["last_message_preview"] == "second"


def test_another_tenants_message_of_the_same_id_is_not_changed(line: WhatsAppNumber, other: WhatsAppNumber) -> None:
    raw = whatsapp_bodies.text("in")
    line.receive(raw)
    other.receive(revoke(raw["id"]))
    assert shown(line.message()) == ("in", [], False, False)
