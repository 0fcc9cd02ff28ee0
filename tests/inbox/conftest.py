from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from local import graph_api
from parley.inbox.claim_check import pack
from parley.inbox.models import Conversation, Message, PlatformConnection
from parley.kernel.values.clock import now
from tests.harness import Answer, Client, Member, World, sqs_event
from tests.inbox import whatsapp_bodies

URL = "/v1/webhooks/whatsapp"


@dataclass
class WhatsAppNumber:
    """An organization's number, and both ends of it: the customers at the platform, and the inbox."""

    world: World
    member: Member
    number: str
    connection_id: UUID

    def post(self, content: bytes, headers: dict[str, str] | None = None) -> Answer:
        """A delivery of the platform."""
        signed = {"x-hub-signature-256": whatsapp_bodies.signature(content)} if headers is None else headers
        return Client(self.world).request("POST", URL, content, {"content-type": "application/json"} | signed)

    def deliver(self, *changes: Any) -> None:
        """One body through the front door, and to the worker."""
        assert self.post(whatsapp_bodies.wire(whatsapp_bodies.body(*changes))).status == 200
        self.world.pump()

    def hand(self, *changes: Any) -> None:
        """One body straight to the worker, for tests with many."""
        assert self.work(whatsapp_bodies.wire(whatsapp_bodies.body(*changes))) == []

    def work(self, *contents: bytes) -> list[Any]:
        """Bodies to the worker, as one batch. Returns what it reports as failed."""

        def refuse(key: str, content: bytes) -> None:
            raise AssertionError(key)

        answer = self.world.invoke("inbox/on_webhook_received", sqs_event(*(pack(content, now(), refuse) for content in contents)))
        failures: list[Any] = answer["batchItemFailures"]
        return failures

    def receive(self, *messages: Any, **parts: Any) -> None:
        self.hand(whatsapp_bodies.change(self.number, messages=list(messages), **parts))

    def echo(self, *messages: Any, **parts: Any) -> None:
        self.hand(whatsapp_bodies.change(self.number, field="smb_message_echoes", message_echoes=list(messages), **parts))

    def tell(self, *statuses: Any) -> None:
        self.hand(whatsapp_bodies.change(self.number, statuses=list(statuses)))

    def conversations(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.member.get("/v1/inbox/conversations", **query)
        assert answer.status == 200, answer.body
        items: list[dict[str, Any]] = answer.body["items"]
        return items

    def conversation(self) -> dict[str, Any]:
        """The only one."""
        (only,) = self.conversations()
        return only

    def messages(self, conversation_id: str | None = None) -> list[dict[str, Any]]:
        """Newest first."""
        answer = self.member.get(f"/v1/inbox/conversations/{conversation_id or self.conversation()['id']}/messages", limit=100)
        assert answer.status == 200, answer.body
        items: list[dict[str, Any]] = answer.body["items"]
        return items

    def message(self) -> dict[str, Any]:
        (only,) = self.messages()
        return only

    def rows(self) -> list[Message]:
        return list(self.member.rows(select(Message).order_by(Message.platform_timestamp, Message.id)))

    def counts(self) -> tuple[int, int]:
        return len(self.member.rows(select(Conversation.id))), len(self.member.rows(select(Message.id)))

    def connection(self) -> PlatformConnection:
        (only,) = self.member.rows(select(PlatformConnection).where(PlatformConnection.id == self.connection_id))
        connection: PlatformConnection = only
        return connection


def connect(world: World, member: Member, number: str | None = None) -> WhatsAppNumber:
    named = number or whatsapp_bodies.number()
    wanted = {"platform": "WHATSAPP", "phone_number_id": named, "access_token": graph_api.token(named), "display_name": "Support"}
    answer = member.post("/v1/inbox/connections", wanted)
    assert answer.status == 201, answer.body
    return WhatsAppNumber(world, member, wanted["phone_number_id"], UUID(answer.body["id"]))


@pytest.fixture
def line(world: World, acme: Member) -> WhatsAppNumber:
    return connect(world, acme)


@pytest.fixture
def other(world: World, globex: Member) -> WhatsAppNumber:
    """Another organization's."""
    return connect(world, globex)


class Quarantine:
    """What is in quarantine, by the tests' own reading of the bucket."""

    def __init__(self, world: World) -> None:
        self._s3 = world.stack.clients.s3
        self._bucket = world.stack.environment["MEDIA_BUCKET"]
        self._before = set(self._keys())

    def _keys(self) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        return [entry["Key"] for page in pages for entry in page.get("Contents", []) if "webhooks/" in entry["Key"]]

    def fresh(self) -> dict[str, bytes]:
        """Key and content of what came since the test began."""
        return {key: self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read() for key in self._keys() if key not in self._before}

    def only(self, reason: str) -> Any:
        ((key, content),) = self.fresh().items()
        assert key.startswith(f"quarantine/webhooks/{reason}/"), key
        return json.loads(content)


@pytest.fixture
def quarantine(world: World) -> Quarantine:
    return Quarantine(world)
