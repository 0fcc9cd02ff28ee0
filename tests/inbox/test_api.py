"""Connections and conversations by HTTP: whose they are, in what order, and what is never shown."""

from __future__ import annotations

import json
import logging
import time
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from local import graph_api
from parley.inbox.declared import InboxDirectory
from parley.inbox.models import PlatformConnection
from parley.kernel.access.plans import PlanType
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import column_encryption, directory, transactions
from parley.kernel.persistence.idempotency import IdempotencyRecord
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.values.ids import new_id
from tests.harness import Client, Member, World
from tests.inbox import whatsapp_bodies
from tests.inbox.conftest import WhatsAppNumber, connect


def wanted(**more: Any) -> dict[str, Any]:
    number = more.get("phone_number_id", whatsapp_bodies.number())
    return {"platform": "WHATSAPP", "phone_number_id": number, "access_token": graph_api.token(str(number))} | more


def test_a_number_is_connected_and_its_token_is_sealed(acme: Member, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = wanted(display_name="Support", username="support")
    token = body["access_token"]
    answer = acme.post("/v1/inbox/connections", body, {"idempotency-key": "k1"})
    assert answer.status == 201
    assert answer.body | {"id": 0, "created_at": 0, "updated_at": 0} == {
        "id": 0,
        "platform": "WHATSAPP",
        "platform_user_id": body["phone_number_id"],
        "username": "support",
        "display_name": "Support",
        "status": "ACTIVE",
        "error_message": None,
        "last_sync_at": None,
        "created_at": 0,
        "updated_at": 0,
    }
    (connection,) = acme.rows(select(PlatformConnection))
    with transactions.transaction(acme.caller) as session:
        assert column_encryption.unseal(session, connection, "access_token") == token
    with transactions.transaction(acme.caller) as session:
        stored = session.execute(text("SELECT c::text FROM inbox_connections c")).scalar_one()
    shown = [
        answer.raw.decode(),
        repr(connection),
        repr(connection.access_token),
        stored,
        caplog.text,
        acme.get("/v1/inbox/connections").raw.decode(),
        acme.get(f"/v1/inbox/connections/{connection.id}").raw.decode(),
        str(acme.rows(select(AuditLog.new_values))),
        str(acme.rows(select(OutboxEvent.payload))),
        str(acme.rows(select(IdempotencyRecord.body))),
        acme.post("/v1/inbox/connections", body | {"platform": "TELEGRAM"}).raw.decode(),
        acme.post("/v1/inbox/connections", body).raw.decode(),
    ]
    assert all(token not in content and token.encode().hex() not in content for content in shown)
    again = acme.post("/v1/inbox/connections", body, {"idempotency-key": "k1"})
    assert (again.status, again.body) == (201, answer.body)
    assert acme.rows(select(AuditLog.action).where(AuditLog.action == "connection.created")) == ["connection.created"]


def test_a_number_belongs_to_one_organization_and_nobody_learns_to_which(line: WhatsAppNumber, globex: Member) -> None:
    own = line.member.post("/v1/inbox/connections", wanted(phone_number_id=line.number))
    foreign = globex.post("/v1/inbox/connections", wanted(phone_number_id=line.number))
    assert (own.status, own.body["code"]) == (foreign.status, foreign.body["code"]) == (409, "number_taken")
    assert own.raw == foreign.raw
    assert globex.get("/v1/inbox/connections").body["items"] == []
    assert len(line.member.get("/v1/inbox/connections").body["items"]) == 1
    assert directory.organization_of(InboxDirectory.WHATSAPP_NUMBER, line.number) == line.member.organization_id


@pytest.mark.parametrize(
    "wrong",
    [
        {"platform": "FACEBOOK"},
        {"platform": None},
        {"phone_number_id": "+49 170"},
        {"phone_number_id": 123456},
        {"phone_number_id": "1" * 33},
        {"phone_number_id": "１２３４５６"},
        {"access_token": "short"},
        {"access_token": "x" * 5000},
        {"access_token": "with space" * 5},
        {"access_token": "ü" * 30},
        {"access_token": None},
        {"display_name": ""},
        {"display_name": "x" * 201},
        {"status": "ACTIVE"},
        {"organization_id": str(new_id())},
    ],
)
def test_what_does_not_fit_is_refused(acme: Member, wrong: dict[str, Any]) -> None:
    answer = acme.post("/v1/inbox/connections", wanted() | wrong)
    assert (answer.status, answer.body["code"]) == (422, "invalid_request")
    assert acme.get("/v1/inbox/connections").body["items"] == []


def test_roles(line: WhatsAppNumber) -> None:
    line.receive(whatsapp_bodies.text())
    conversation = line.conversation()["id"]
    viewer, member, admin = (line.member.as_role(role) for role in ("VIEWER", "MEMBER", "ADMIN"))
    for reader in (viewer, member):
        for path in (
            "connections",
            f"connections/{line.connection_id}",
            "conversations",
            f"conversations/{conversation}",
            f"conversations/{conversation}/messages",
        ):
            assert reader.get(f"/v1/inbox/{path}").status == 200, path
        refused = reader.post("/v1/inbox/connections", wanted())
        assert (refused.status, refused.body["code"], refused.body["scope"]) == (403, "missing_scope", "connections:write")
    assert viewer.post(f"/v1/inbox/conversations/{conversation}/read").status == 403
    assert line.conversation()["unread_count"] == 1
    assert member.post(f"/v1/inbox/conversations/{conversation}/read").status == 200
    assert admin.post("/v1/inbox/connections", wanted()).status == 201


def test_reading_a_conversation_is_counted_down_once(line: WhatsAppNumber) -> None:
    line.receive(whatsapp_bodies.text(), whatsapp_bodies.text())
    conversation = line.conversation()
    path = f"/v1/inbox/conversations/{conversation['id']}/read"
    first, again = line.member.post(path), line.member.post(path)
    assert (first.status, first.body["unread_count"]) == (200, 0)
    assert again.body == first.body
    trail = line.member.rows(select(AuditLog.entity_id).where(AuditLog.action == "conversation.read"))
    assert [str(entity) for entity in trail] == [conversation["id"]]
    assert len(line.member.rows(select(OutboxEvent.id).where(OutboxEvent.name == "inbox.conversation_read"))) == 1
    line.receive(whatsapp_bodies.text())
    assert line.conversation()["unread_count"] == 1


def foreign_paths(connection: Any, conversation: Any) -> list[tuple[str, str]]:
    return [
        ("GET", f"/v1/inbox/connections/{connection}"),
        ("GET", f"/v1/inbox/conversations/{conversation}"),
        ("GET", f"/v1/inbox/conversations/{conversation}/messages"),
        ("POST", f"/v1/inbox/conversations/{conversation}/read"),
    ]


def test_another_tenants_ids_are_unknown_ids_byte_for_byte(line: WhatsAppNumber, other: WhatsAppNumber) -> None:
    other.receive(whatsapp_bodies.text("geheim"))
    conversation = other.conversation()["id"]
    for (method, foreign), (_, unknown) in zip(
        foreign_paths(other.connection_id, conversation), foreign_paths(new_id(), new_id()), strict=True
    ):
        response, none = line.member.request(method, foreign), line.member.request(method, unknown)
        assert response.status == none.status == 404, foreign
        assert response.raw == none.raw
    assert line.conversations(connection_id=str(other.connection_id)) == line.conversations(connection_id=str(new_id())) == []
    assert line.conversations() == []
    assert other.conversation()["unread_count"] == 1


def test_without_a_token_nothing(line: WhatsAppNumber, stranger: Client) -> None:
    for method, path in [
        *foreign_paths(line.connection_id, uuid4()),
        ("GET", "/v1/inbox/conversations"),
        ("POST", "/v1/inbox/connections"),
    ]:
        assert stranger.request(method, path).status == 401


def test_filters(line: WhatsAppNumber, world: World) -> None:
    second = connect(world, line.member)
    at = whatsapp_bodies.now()
    line.receive(whatsapp_bodies.text("a", sender="491", at=at), whatsapp_bodies.text("b", sender="492", at=at + 1))
    second.receive(whatsapp_bodies.text("c", sender="493", at=at + 2))
    line.member.post(f"/v1/inbox/conversations/{line.conversations()[1]['id']}/read")
    with transactions.transaction(line.member.caller) as session:
        session.execute(text("UPDATE inbox_conversations SET status = 'CLOSED' WHERE external_id = '491'"))

    def previews(**query: Any) -> list[str]:
        return [conversation["last_message_preview"] for conversation in line.conversations(**query)]

    assert previews() == ["c", "b", "a"]
    assert previews(status="CLOSED") == ["a"]
    assert previews(status="OPEN") == ["c", "b"]
    assert previews(connection_id=str(second.connection_id)) == ["c"]
    assert previews(unread="true") == ["c", "a"]
    assert previews(unread="false") == ["b"]
    assert previews(unread="true", status="OPEN", connection_id=str(line.connection_id)) == []
    for wrong in ({"status": "LOST"}, {"connection_id": "x"}, {"unread": "perhaps"}, {"limit": 0}, {"limit": 101}):
        assert line.member.get("/v1/inbox/conversations", **wrong).status == 422
    assert line.member.get("/v1/inbox/conversations", cursor="x").status == 400


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_pages_hold_every_row_once_in_order(line: WhatsAppNumber, limit: int) -> None:
    at = whatsapp_bodies.now()
    line.receive(*[whatsapp_bodies.text(f"m{n}", at=at + n // 3) for n in range(12)])
    line.receive(*[whatsapp_bodies.text(sender=f"4930{n}", at=at + 100 + n // 2) for n in range(6)])

    def all_of(path: str) -> list[dict[str, Any]]:
        items, cursor = [], None
        while True:
            page = line.member.get(path, limit=limit, cursor=cursor).body
            assert len(page["items"]) <= limit
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    conversations = all_of("/v1/inbox/conversations")
    assert len({conversation["id"] for conversation in conversations}) == 7
    assert conversations == sorted(
        conversations, key=lambda conversation: (conversation["last_message_at"], conversation["id"]), reverse=True
    )
    messages = all_of(f"/v1/inbox/conversations/{conversations[-1]['id']}/messages")
    assert [message["content"] for message in messages] == [f"m{n}" for n in reversed(range(12))]
    connect(line.world, line.member)
    assert len(all_of("/v1/inbox/connections")) == 2


def test_a_cursor_of_one_list_or_tenant_is_no_key_to_another(line: WhatsAppNumber, other: WhatsAppNumber) -> None:
    other.receive(*[whatsapp_bodies.text(sender=f"49{n}") for n in range(3)])
    cursor = other.member.get("/v1/inbox/conversations", limit=1).body["next_cursor"]
    assert line.member.get("/v1/inbox/conversations", cursor=cursor).body["items"] == []
    assert line.member.get("/v1/inbox/connections", cursor=cursor).status == 400


@pytest.mark.parametrize("path", ["connections/x", "conversations/x", "conversations/1/messages", "conversations/%00", "conversations/%ff"])
def test_ids_that_are_none_are_refused(line: WhatsAppNumber, path: str) -> None:
    answer = line.member.get(f"/v1/inbox/{path}")
    assert answer.status in {400, 404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_answers_are_json_that_says_no_more_than_it_should(line: WhatsAppNumber) -> None:
    line.receive(whatsapp_bodies.text(), contacts=[whatsapp_bodies.card()])
    document = json.dumps(line.conversation()) + json.dumps(line.message())
    assert "organization_id" not in document
    assert "payload" not in document


@pytest.mark.parametrize(("plan", "shown"), [(PlanType.FREE, ["today"]), (PlanType.PRO, ["today", "long ago"])])
def test_the_plan_says_how_far_back_messages_are_shown(world: World, plan: PlanType, shown: list[str]) -> None:
    line = connect(world, world.organization("Acme", plan))
    long_ago = int(time.time()) - 31 * 24 * 3600
    line.receive(whatsapp_bodies.text("long ago", at=long_ago), whatsapp_bodies.text("today"))
    assert [message["content"] for message in line.messages()] == shown
