"""Stored once, however often and in whatever order bodies come; what is malformed or unknown harms no neighbour."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from parley.inbox import ingestion
from parley.inbox.declared import InboxDirectory
from parley.inbox.models import Conversation, ConversationStatus, Message, PlatformConnection
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import directory, transactions
from parley.kernel.persistence.outbox import OutboxEvent
from tests.harness import World, sqs_event
from tests.inbox import whatsapp_bodies
from tests.inbox.conftest import Quarantine, WhatsAppNumber


def audited(line: WhatsAppNumber, action: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = list(line.member.rows(select(AuditLog.new_values).where(AuditLog.action == action).order_by(AuditLog.id)))
    return rows


def announced(line: WhatsAppNumber, name: str) -> list[dict[str, Any]]:
    payloads: list[dict[str, Any]] = list(
        line.member.rows(select(OutboxEvent.payload).where(OutboxEvent.name == name).order_by(OutboxEvent.id))
    )
    return payloads


def test_a_message_comes_in_through_the_front_door(line: WhatsAppNumber) -> None:
    raw = whatsapp_bodies.text("Grüße 👋 a/b")
    line.deliver(whatsapp_bodies.change(line.number, messages=[raw], contacts=[whatsapp_bodies.card(name="Erika")]))
    conversation = line.conversation()
    assert conversation | {"id": 0, "created_at": 0, "updated_at": 0, "last_message_at": 0} == {
        "id": 0,
        "connection_id": str(line.connection_id),
        "platform": "WHATSAPP",
        "external_id": whatsapp_bodies.CUSTOMER,
        "contact_external_id": whatsapp_bodies.CUSTOMER,
        "contact_name": "Erika",
        "contact_username": None,
        "contact_avatar_url": None,
        "last_message_preview": "Grüße 👋 a/b",
        "last_message_at": 0,
        "unread_count": 1,
        "status": "OPEN",
        "created_at": 0,
        "updated_at": 0,
    }
    message = line.message()
    assert (message["content"], message["direction"], message["content_type"], message["status"]) == (
        "Grüße 👋 a/b",
        "INBOUND",
        "TEXT",
        "DELIVERED",
    )
    assert message["external_id"] == raw["id"]
    assert "payload" not in message
    (row,) = line.rows()
    assert row.payload == raw


def test_twenty_deliveries_of_one_body_are_one(line: WhatsAppNumber) -> None:
    change = whatsapp_bodies.change(
        line.number, messages=[whatsapp_bodies.text("a"), whatsapp_bodies.text("b")], contacts=[whatsapp_bodies.card()]
    )
    content = whatsapp_bodies.wire(whatsapp_bodies.body(change))
    for _ in range(10):
        assert line.work(content) == []
    assert line.work(*[content] * 10) == []
    assert line.counts() == (1, 2)
    assert line.conversation()["unread_count"] == 2
    (trail,) = audited(line, "message.received")
    assert len(trail["message_ids"]) == 2
    assert len(announced(line, "inbox.message_received")) == 2


def test_a_body_that_has_come_in_part_adds_the_rest_only(line: WhatsAppNumber) -> None:
    first, second = whatsapp_bodies.text("a"), whatsapp_bodies.text("b")
    line.receive(first)
    line.receive(first, second, first)
    assert line.counts() == (1, 2)
    assert line.conversation()["unread_count"] == 2
    assert [len(trail["message_ids"]) for trail in audited(line, "message.received")] == [1, 1]
    events = announced(line, "inbox.message_received")
    assert [event["message_id"] for event in events] == [message["id"] for message in reversed(line.messages())]
    assert {event["conversation_id"] for event in events} == {line.conversation()["id"]}


def test_the_trail_and_the_events_hold_no_words_and_no_persons(line: WhatsAppNumber) -> None:
    line.receive(whatsapp_bodies.text("geheim"), contacts=[whatsapp_bodies.card(name="Erika")])
    document = json.dumps([audited(line, "message.received"), announced(line, "inbox.message_received")])
    for secret in ("geheim", "Erika", whatsapp_bodies.CUSTOMER):
        assert secret not in document


def test_order_is_the_platforms_then_the_arrivals(line: WhatsAppNumber) -> None:
    at = whatsapp_bodies.now()
    line.receive(whatsapp_bodies.text("third", at=at + 2))
    line.receive(whatsapp_bodies.text("first", at=at))
    line.receive(whatsapp_bodies.text("second", at=at + 1), whatsapp_bodies.text("second too", at=at + 1))
    assert [message["content"] for message in line.messages()] == ["third", "second too", "second", "first"]
    assert line.conversation()["last_message_preview"] == "third"
    line.receive(whatsapp_bodies.text("third too", at=at + 2))
    assert line.conversation()["last_message_preview"] == "third too"
    assert line.conversation()["unread_count"] == 5


def test_the_inbox_shows_newest_activity_first(line: WhatsAppNumber) -> None:
    at = whatsapp_bodies.now()
    line.receive(*[whatsapp_bodies.text(sender=f"49{n}", at=at + n) for n in (2, 1, 3)])
    assert [conversation["external_id"] for conversation in line.conversations()] == ["493", "492", "491"]
    line.receive(whatsapp_bodies.text(sender="491", at=at + 9))
    assert [conversation["external_id"] for conversation in line.conversations()] == ["491", "493", "492"]


def test_media_have_a_preview(line: WhatsAppNumber) -> None:
    line.receive(whatsapp_bodies.message("image", {"id": "1", "mime_type": "image/jpeg"}))
    assert line.conversation()["last_message_preview"] == "[image]"
    assert line.message()["media_type"] == "image/jpeg"
    line.receive(whatsapp_bodies.text("ü" * 500))
    assert line.conversation()["last_message_preview"] == "ü" * 200


def test_a_new_message_opens_a_closed_conversation(line: WhatsAppNumber) -> None:
    line.receive(whatsapp_bodies.text())
    for status in (ConversationStatus.CLOSED, ConversationStatus.ARCHIVED):
        with transactions.transaction(line.member.caller) as session:
            session.execute(update(Conversation).values(status=status))
        line.echo(whatsapp_bodies.text(sender="4930", to=whatsapp_bodies.CUSTOMER))
        assert line.conversation()["status"] == status.value
        line.receive(whatsapp_bodies.text())
        assert line.conversation()["status"] == "OPEN"


def test_what_was_written_elsewhere_is_sent_and_not_unread(line: WhatsAppNumber) -> None:
    raw = whatsapp_bodies.text("von uns", sender="4930123456", to=whatsapp_bodies.CUSTOMER)
    line.echo(raw)
    line.echo(raw)
    assert (line.message()["direction"], line.message()["status"]) == ("OUTBOUND", "SENT")
    assert line.conversation()["unread_count"] == 0
    assert len(announced(line, "inbox.message_sent")) == 1
    assert announced(line, "inbox.message_received") == announced(line, "inbox.message_status_changed") == []


def test_two_organizations_in_one_body(line: WhatsAppNumber, other: WhatsAppNumber) -> None:
    changes = [
        whatsapp_bodies.change(number, messages=[whatsapp_bodies.text(number)]) for number in (line.number, other.number, line.number)
    ]
    line.hand(*changes)
    assert [message.content for message in line.rows()] == [line.number] * 2
    assert [message.content for message in other.rows()] == [other.number]


def test_two_numbers_of_one_organization_keep_their_contacts_apart(line: WhatsAppNumber, world: World) -> None:
    from tests.inbox.conftest import connect

    second = connect(world, line.member)
    line.hand(
        whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text("a")]),
        whatsapp_bodies.change(second.number, messages=[whatsapp_bodies.text("b")]),
    )
    assert {(conversation["connection_id"], conversation["last_message_preview"]) for conversation in line.conversations()} == {
        (str(line.connection_id), "a"),
        (str(second.connection_id), "b"),
    }


def test_an_unknown_number_goes_into_quarantine_and_in_nobodys_inbox(
    line: WhatsAppNumber, other: WhatsAppNumber, quarantine: Quarantine
) -> None:
    unknown = whatsapp_bodies.change(whatsapp_bodies.number(), messages=[whatsapp_bodies.text("whose?"), whatsapp_bodies.text("mine?")])
    line.hand(whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text("ours")]), unknown)
    assert line.counts() == (1, 1)
    assert other.counts() == (0, 0)
    assert quarantine.only("unknown-account") == whatsapp_bodies.body(unknown)


def test_what_was_in_quarantine_is_delivered_again_once_the_number_is_known(
    line: WhatsAppNumber, world: World, quarantine: Quarantine
) -> None:
    from tests.inbox.conftest import connect

    number = whatsapp_bodies.number()
    line.hand(whatsapp_bodies.change(number, messages=[whatsapp_bodies.text("early")]))
    later = connect(world, line.member, number)
    assert later.work(whatsapp_bodies.wire(quarantine.only("unknown-account"))) == []
    assert later.conversation()["last_message_preview"] == "early"


def test_a_connection_that_is_gone_is_an_unknown_number(line: WhatsAppNumber, other: WhatsAppNumber, quarantine: Quarantine) -> None:
    with transactions.transaction(line.member.caller) as session:
        session.execute(delete(PlatformConnection))
    lost = whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text()])
    line.hand(lost, whatsapp_bodies.change(other.number, messages=[whatsapp_bodies.text("ok")]))
    assert quarantine.only("unknown-account") == whatsapp_bodies.body(lost)
    assert other.counts() == (1, 1)


def test_a_malformed_item_goes_into_quarantine_and_its_neighbours_are_not(line: WhatsAppNumber, quarantine: Quarantine) -> None:
    odd = {"id": "wamid.X", "type": "text", "text": {"body": "from nobody"}}
    line.hand(
        whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text("1"), odd, whatsapp_bodies.text("2")]),
        whatsapp_bodies.change(line.number, field="history", x=1),
    )
    assert [message.content for message in line.rows()] == ["1", "2"]
    kept = {key.split("/")[2]: json.loads(content) for key, content in quarantine.fresh().items()}
    assert kept["malformed-item"] == whatsapp_bodies.body(whatsapp_bodies.change(line.number, messages=[odd]))
    assert kept["unhandled"] == whatsapp_bodies.body(whatsapp_bodies.change(line.number, field="history", x=1))


@pytest.mark.parametrize("none", [None, {}, "x", 5])
def test_a_list_that_is_none_harms_no_neighbour(line: WhatsAppNumber, quarantine: Quarantine, none: Any) -> None:
    echo = whatsapp_bodies.text("ours", sender="4930", to=whatsapp_bodies.CUSTOMER)
    line.echo(echo)
    line.hand(
        whatsapp_bodies.change(line.number, messages=none, statuses=[whatsapp_bodies.status("read", echo["id"])]),
        whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text("theirs")], statuses=none, errors=none),
    )
    assert [(row.content, row.status.value) for row in line.rows()] == [("ours", "READ"), ("theirs", "DELIVERED")]
    if none is None:
        assert quarantine.fresh() == {}
    else:
        kept = [entry["changes"] for entry in quarantine.only("malformed-item")["entry"]]
        assert kept == [[whatsapp_bodies.change(line.number, **{part: none})] for part in ("messages", "statuses", "errors")]


def test_one_that_the_database_refuses_does_not_lose_the_other_999(line: WhatsAppNumber, quarantine: Quarantine, world: World) -> None:
    """Nothing that parsing lets through should be refused, so the database is made to refuse one."""
    messages = [whatsapp_bodies.text(str(number)) for number in range(1000)]
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run(f"ALTER TABLE inbox_messages ADD CONSTRAINT odd CHECK (external_id <> '{messages[321]['id']}') NOT VALID")
        try:
            line.receive(*messages)
        finally:
            superuser.run("ALTER TABLE inbox_messages DROP CONSTRAINT odd")
    assert line.counts() == (1, 999)
    assert line.conversation()["unread_count"] == 999
    assert quarantine.only("unstorable") == whatsapp_bodies.body(whatsapp_bodies.change(line.number, messages=[messages[321]]))


def test_a_poison_message_comes_back_alone(line: WhatsAppNumber, world: World) -> None:
    good = [
        json.dumps(
            {
                "arrived_at": "2026-11-20T10:00:00+00:00",
                "body": json.dumps(whatsapp_bodies.body(whatsapp_bodies.change(line.number, messages=[m]))),
            }
        )
        for m in (whatsapp_bodies.text("1"), whatsapp_bodies.text("2"))
    ]
    poison = ["not ours", json.dumps({"arrived_at": "2026-11-20T10:00:00+00:00", "object_key": "webhooks/gone.json"})]
    answer = world.invoke("inbox/on_webhook_received", sqs_event(good[0], *poison, good[1]))
    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["message-1", "message-2"]
    assert line.counts() == (1, 2)


def test_one_organizations_trouble_is_not_anothers(line: WhatsAppNumber, other: WhatsAppNumber, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ingestion.store

    def troubled(session: Session, caller: Any, *rest: Any) -> None:
        if caller.organization_id == line.member.organization_id:
            session.execute(text("SELECT * FROM there_is_no_such_table"))
        store(session, caller, *rest)

    monkeypatch.setattr(ingestion, "store", troubled)
    content = whatsapp_bodies.wire(
        whatsapp_bodies.body(
            *(whatsapp_bodies.change(phone_line.number, messages=[whatsapp_bodies.text()]) for phone_line in (line, other))
        )
    )
    assert len(line.work(content)) == 1
    assert (line.counts(), other.counts()) == ((0, 0), (1, 1))
    monkeypatch.undo()
    assert line.work(content) == []
    assert (line.counts(), other.counts()) == ((1, 1), (1, 1))


@pytest.mark.parametrize("code", ["40P01", "40001", "23503", "23505"])
def test_a_lost_race_is_tried_again(line: WhatsAppNumber, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """A deadlock was broken, or a conversation was merged away or made by somebody else after it was looked for."""
    store, calls = ingestion.store, []

    def unlucky(session: Session, *rest: Any) -> None:
        calls.append(1)
        store(session, *rest)
        if len(calls) < 3:
            session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END $$"))

    monkeypatch.setattr(ingestion, "store", unlucky)
    line.receive(whatsapp_bodies.text())
    assert len(calls) == 3
    assert line.counts() == (1, 1)
    assert len(audited(line, "message.received")) == 1


def test_strange_characters_and_numbers_are_stored(line: WhatsAppNumber) -> None:
    item = (
        r'{"id":"w\u0000X","from":"49\ud800","timestamp":"1","type":"te\u0000xt","te\u0000xt":{"body":"x"},"n":1e400,'
        r'"big":123456789012345678901234567890,"f":1e300,"":"\u0000"}'
    )
    raw = whatsapp_bodies.wire(
        whatsapp_bodies.body(whatsapp_bodies.change(line.number, messages=["HERE"], contacts=[whatsapp_bodies.card("49", "N\0\ud800ame")]))
    )
    assert line.work(raw.replace(b'"HERE"', item.encode())) == []
    (row,) = line.rows()
    assert row.external_id == "wX"
    assert row.payload["n"] == "1e400"
    assert row.payload["big"] == 123456789012345678901234567890
    assert line.conversation()["contact_external_id"] == "49"


def test_complaints_of_the_platform_stand_at_the_connection(line: WhatsAppNumber) -> None:
    line.hand(whatsapp_bodies.change(line.number, errors=[{"code": 130429, "title": "Rate limit hit"}]))
    assert line.member.get(f"/v1/inbox/connections/{line.connection_id}").body["error_message"] == "130429: Rate limit hit"


def test_a_tenants_rows_are_its_own_by_name(line: WhatsAppNumber, other: WhatsAppNumber) -> None:
    """The same ids at two tenants are two messages, and neither sees the other's."""
    raw = whatsapp_bodies.text("x")
    line.hand(whatsapp_bodies.change(line.number, messages=[raw]), whatsapp_bodies.change(other.number, messages=[raw]))
    assert line.counts() == other.counts() == (1, 1)
    assert line.rows()[0].id != other.rows()[0].id


def test_the_directory_forgets_nothing_that_is_connected(line: WhatsAppNumber) -> None:
    assert directory.organizations_of(InboxDirectory.WHATSAPP_NUMBER, [line.number, "0"]) == {line.number: line.member.organization_id}


def test_deleting_a_connection_takes_everything_along(line: WhatsAppNumber) -> None:
    line.receive(whatsapp_bodies.text(), whatsapp_bodies.message("reaction", {"message_id": "wamid.T", "emoji": "x"}))
    line.tell(whatsapp_bodies.status("sent", "wamid.U"))
    with transactions.transaction(line.member.caller) as session:
        session.execute(delete(PlatformConnection).where(PlatformConnection.id == line.connection_id))
    for table in ("conversations", "contact_keys", "messages", "receipts", "message_changes"):
        with transactions.transaction(line.member.caller) as session:
            assert session.scalar(text(f"SELECT count(*) FROM inbox_{table}")) == 0, table


def test_a_message_belongs_to_a_conversation_of_its_tenant(line: WhatsAppNumber, other: WhatsAppNumber) -> None:
    other.receive(whatsapp_bodies.text())
    foreign = UUID(other.conversation()["id"])
    with pytest.raises(DBAPIError), transactions.transaction(line.member.caller) as session:
        line.receive(whatsapp_bodies.text())
        session.execute(update(Message).values(conversation_id=foreign))
