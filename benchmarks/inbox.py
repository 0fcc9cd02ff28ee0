"""Webhooks: the acknowledgement beside HMAC and a JSON parse, a body of 1,000 updates through the worker beside a bare multi-row INSERT.

The acknowledgement's queue is replaced by nothing, and so is the kick of the relay: what would answer here is an emulator.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import closing, redirect_stdout
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pg8000.dbapi

from benchmarks.measurement import Row, Table, in_turns, show
from benchmarks.requests import standing
from parley.inbox.inbound_webhooks import QuarantineReason, process_webhook
from parley.kernel.aws import aws_requests
from parley.kernel.persistence import transactions
from parley.kernel.postgres.connection_settings import connect_arguments
from parley.kernel.postgres.deferred import driver_connection
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.kernel.values.settings import setting
from tests.harness import World
from tests.inbox import whatsapp_bodies
from tests.inbox.conftest import URL, WhatsAppNumber, connect

ROUNDS, ACKNOWLEDGEMENTS = 12, 200
UPDATES = 1000
PARSE = "HMAC and JSON parse"
INSERT = "bare multi-row INSERT"
_COLUMNS = (
    "organization_id", "id", "conversation_id", "connection_id", "external_id", "direction", "content", "content_type", "reactions",
    "platform_timestamp", "payload", "created_at", "updated_at",
)  # fmt: skip


def measure(world: World) -> list[Table]:
    with tempfile.TemporaryFile("w") as quiet, redirect_stdout(quiet), patch.dict(os.environ):
        line = connect(world, world.organization("Acme"))
        line.receive(*[whatsapp_bodies.text("warm", sender=f"48{number}") for number in range(UPDATES)])
        # Foreign keys keep the plan that was made for an empty table until somebody counts its rows; autovacuum would, within a minute.
        with world.stack.postgres.superuser("parley") as superuser:
            superuser.run("ANALYZE")
        del os.environ["RELAY_QUEUE_URL"]
        acknowledged, worked = [_acknowledged(line, count) for count in (1, 100)], _worked(line)
    return [
        Table("Acknowledgement of a webhook: CPU, verified and packed for the queue", acknowledged),
        Table(f"A body of {UPDATES:,} updates through the worker: time and round trips", worked),
    ]


def _acknowledged(line: WhatsAppNumber, count: int) -> Row:
    messages = [whatsapp_bodies.text(str(number)) for number in range(count)]
    content = whatsapp_bodies.wire(
        whatsapp_bodies.body(whatsapp_bodies.change(line.number, messages=messages, contacts=[whatsapp_bodies.card()]))
    )
    secret, signature = os.environ["WHATSAPP_APP_SECRET"].encode(), whatsapp_bodies.signature(content)
    event = {
        "version": "2.0",
        "routeKey": f"POST {URL}",
        "rawPath": URL,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "x-hub-signature-256": signature},
        "requestContext": {"http": {"method": "POST", "path": URL}, "requestId": "1", "routeKey": f"POST {URL}", "stage": "$default"},
        "body": content.decode(),
        "isBase64Encoded": False,
    }

    def receive_webhook() -> None:
        assert line.world.invoke("inbox/receive_webhook", event)["statusCode"] == 200

    def verify_and_parse() -> None:
        assert hmac.compare_digest("sha256=" + hmac.new(secret, content, hashlib.sha256).hexdigest(), signature)
        json.loads(content)

    with patch.object(aws_requests, "send_message", lambda *_: None):
        samples, bare = in_turns([lambda: receive_webhook, lambda: verify_and_parse], ACKNOWLEDGEMENTS, warm=20)
    return Row.of(f"{count} message{'s' * (count > 1)}, {len(content):,} bytes", samples.cpu, "ms", PARSE, bare.cpu)


def _worked(line: WhatsAppNumber) -> list[Row]:
    echoes = [whatsapp_bodies.text(sender="4930", to=whatsapp_bodies.CUSTOMER) for _ in range(UPDATES)]
    line.echo(*echoes)
    again = whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text(str(n)) for n in range(UPDATES)])
    kinds: dict[str, Callable[[], Any]] = {
        "messages of one contact": lambda: whatsapp_bodies.change(
            line.number, messages=[whatsapp_bodies.text(str(n)) for n in range(UPDATES)]
        ),
        "messages of as many new contacts": lambda: whatsapp_bodies.change(
            line.number, messages=[whatsapp_bodies.text(str(n), sender=f"49{os.urandom(6).hex()}") for n in range(UPDATES)]
        ),
        "the same messages again": lambda: again,
        "receipts": lambda: whatsapp_bodies.change(
            line.number, statuses=[whatsapp_bodies.status("delivered", echo["id"], at=whatsapp_bodies.now() - 50_000) for echo in echoes]
        ),
    }
    with closing(_Bare(line)) as bare:
        return [_worked_on(what, make, bare) for what, make in kinds.items()]


def _worked_on(what: str, make: Callable[[], Any], bare: _Bare) -> Row:
    def ready_webhook() -> Callable[[], object]:
        content = whatsapp_bodies.wire(whatsapp_bodies.body(make()))
        return lambda: process_webhook(content, now(), _refuse)

    def ready_insert() -> Callable[[], object]:
        values = bare.rows()
        return lambda: bare.insert(values)

    samples, inserted = in_turns([ready_webhook, ready_insert], ROUNDS)
    content = whatsapp_bodies.wire(whatsapp_bodies.body(make()))
    before = _trips()
    process_webhook(content, now(), _refuse)
    return Row.of(what, samples.wall, "ms", INSERT, inserted.wall, f"{_trips() - before} round trips")


def _refuse(reason: QuarantineReason, content: bytes) -> None:
    raise AssertionError(reason)


def _trips() -> int:
    with transactions.engine().connect() as connection:
        return driver_connection(connection).round_trips


class _Bare:
    """Nothing but the rows: one INSERT of all of them into the same table, in a transaction of the tenant, by bare pg8000."""

    def __init__(self, line: WhatsAppNumber) -> None:
        self._connection = pg8000.dbapi.connect(**connect_arguments(setting("DATABASE_URL")))
        self._line = line
        self._conversation = UUID(line.conversations()[0]["id"])
        places = ", ".join(["%s"] * len(_COLUMNS))
        self._statement = f"INSERT INTO inbox_messages ({', '.join(_COLUMNS)}) VALUES {', '.join([f'({places})'] * UPDATES)}"  # noqa: S608  # names of ours

    def close(self) -> None:
        self._connection.close()

    def rows(self) -> list[Any]:
        values: list[Any] = []
        for number in range(UPDATES):
            raw = whatsapp_bodies.text(str(number))
            identity = (self._line.member.organization_id, new_id(), self._conversation, self._line.connection_id, raw["id"])
            values += [*identity, "INBOUND", str(number), "TEXT", "[]", now(), json.dumps(raw), now(), now()]
        return values

    def insert(self, values: list[Any]) -> None:
        cursor = self._connection.cursor()
        cursor.execute(f"set local app.organization_id = '{self._line.member.organization_id}'")
        cursor.execute(self._statement, values)
        self._connection.commit()


if __name__ == "__main__":
    with standing() as made:
        show(measure(made))
