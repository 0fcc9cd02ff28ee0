"""Receipts in every order, before and after their message: one final state."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from parley.inbox import delivery_receipts
from parley.inbox.models import Message, Receipt
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.persistence.outbox import OutboxEvent
from tests.inbox import whatsapp_bodies
from tests.inbox.conftest import WhatsAppNumber

RECEIPTS = ("sent", "delivered", "read", "failed", "played")


def receipt(name: str, identifier: str, at: int) -> dict[str, Any]:
    return whatsapp_bodies.failed(identifier, at=at) if name == "failed" else whatsapp_bodies.status(name, identifier, at=at)


def states(line: WhatsAppNumber) -> dict[str, tuple[Any, ...]]:
    return {
        str(row.content): (row.status.value, row.sent_at, row.delivered_at, row.read_at, row.failed_at, row.failure) for row in line.rows()
    }


def test_every_order_of_five_receipts_before_and_after_the_message_ends_alike(line: WhatsAppNumber) -> None:
    """120 orders, and in each the message comes at each of the six places: 720 messages, one receipt of each in a body at a time."""
    start = whatsapp_bodies.now()
    at = {name: start + 1 + index for index, name in enumerate(RECEIPTS)}
    cases = [(order, position) for order in itertools.permutations(RECEIPTS) for position in range(6)]
    echoes = [
        whatsapp_bodies.text(f"{order} {position}", sender="4930", to=whatsapp_bodies.CUSTOMER, at=start) for order, position in cases
    ]
    for step in range(6):
        line.echo(*[echo for echo, (_, position) in zip(echoes, cases, strict=True) if position == step])
        if step < 5:
            line.tell(*[receipt(order[step], echo["id"], at[order[step]]) for echo, (order, _) in zip(echoes, cases, strict=True)])
    message_states = states(line)
    assert len(message_states) == 720
    assert len({repr(state) for state in message_states.values()}) == 1
    status, sent_at, delivered_at, read_at, failed_at, error = next(iter(message_states.values()))
    assert status == "READ"
    assert [int(instant.timestamp()) - start for instant in (sent_at, delivered_at, read_at, failed_at)] == [0, 2, 3, 4]
    assert error["code"] == 131047
    assert all(message["error"] is None for message in line.messages())


@pytest.mark.parametrize(
    ("receipt_names", "expected"),
    [
        ((), "SENT"),
        (("sent",), "SENT"),
        (("failed",), "FAILED"),
        (("delivered",), "DELIVERED"),
        (("read",), "READ"),
        (("played",), "READ"),
        (("sent", "failed"), "FAILED"),
        (("sent", "delivered"), "DELIVERED"),
        (("failed", "delivered"), "DELIVERED"),
        (("failed", "read"), "READ"),
        (("failed", "played"), "READ"),
        (("sent", "delivered", "failed"), "DELIVERED"),
        (("sent", "delivered", "read"), "READ"),
        (("sent", "delivered", "read", "played", "failed"), "READ"),
    ],
)
def test_the_ladder_in_every_order_with_repetitions(line: WhatsAppNumber, receipt_names: tuple[str, ...], expected: str) -> None:
    echoes = []
    for order in itertools.permutations(receipt_names):
        echo = whatsapp_bodies.text("x", sender="4930", to=whatsapp_bodies.CUSTOMER)
        echoes.append(echo)
        # All in one body, then again one by one.
        line.hand(
            whatsapp_bodies.change(line.number, field="smb_message_echoes", message_echoes=[echo]),
            whatsapp_bodies.change(line.number, statuses=[receipt(name, echo["id"], whatsapp_bodies.now()) for name in (*order, *order)]),
        )
        if len(order) < 4:
            for name in order:
                line.tell(receipt(name, echo["id"], whatsapp_bodies.now()))
    assert {row.status.value for row in line.rows()} == {expected}
    assert len(line.rows()) == len(echoes)
    shown = {message["status"]: message["error"] for message in line.messages()}
    assert (shown[expected] is not None) == (expected == "FAILED")


def test_a_receipt_of_an_unknown_message_waits_for_it(line: WhatsAppNumber) -> None:
    echo = whatsapp_bodies.text("later", sender="4930", to=whatsapp_bodies.CUSTOMER)
    line.tell(whatsapp_bodies.failed(echo["id"]), whatsapp_bodies.status("read", "wamid.never"))
    assert line.counts() == (0, 0)
    line.echo(echo)
    assert (line.message()["status"], line.message()["error"]["code"]) == ("FAILED", 131047)


def test_a_message_that_learns_its_id_later_takes_its_receipts_over(line: WhatsAppNumber) -> None:
    """As sending will: the row first, the platform's id after its answer; the receipt may be faster."""
    line.echo(whatsapp_bodies.text("x", sender="4930", to=whatsapp_bodies.CUSTOMER))
    with transactions.transaction(line.member.caller) as session:
        session.execute(update(Message).values(external_id=None, sent_at=None))
    assert line.message()["status"] == "PENDING"
    line.tell(whatsapp_bodies.status("delivered", "wamid.NEW"))
    with transactions.transaction(line.member.caller) as session:
        name = (line.connection_id, "wamid.NEW")
        delivery_receipts.merge(session, line.member.caller, {name: delivery_receipts.MessageProgress()})
        session.execute(update(Message).values(external_id="wamid.NEW"))
        (row,) = delivery_receipts.apply(session, line.member.caller, [name])
    assert (row.old_status, row.status) == ("PENDING", "DELIVERED")
    assert line.message()["status"] == "DELIVERED"


def test_receipts_change_nothing_of_what_customers_wrote(line: WhatsAppNumber) -> None:
    raw = whatsapp_bodies.text("in")
    line.receive(raw)
    line.tell(whatsapp_bodies.failed(raw["id"]))
    assert (line.message()["status"], line.message()["error"]) == ("DELIVERED", None)


def test_a_change_of_status_is_told_once(line: WhatsAppNumber) -> None:
    echo = whatsapp_bodies.text("x", sender="4930", to=whatsapp_bodies.CUSTOMER)
    line.echo(echo)
    for name in ("delivered", "delivered", "sent", "read", "played", "delivered", "failed"):
        line.tell(receipt(name, echo["id"], whatsapp_bodies.now()))
    events = line.member.rows(
        select(OutboxEvent.payload).where(OutboxEvent.name == "inbox.message_status_changed").order_by(OutboxEvent.id)
    )
    assert [event["status"] for event in events] == ["DELIVERED", "READ"]
    trail = line.member.rows(select(AuditLog.new_values).where(AuditLog.action == "message.status_changed").order_by(AuditLog.id))
    assert [list(values["statuses"].values()) for values in trail] == [["DELIVERED"], ["READ"]]


def test_of_two_failures_the_first_is_told_in_both_orders(line: WhatsAppNumber) -> None:
    at = whatsapp_bodies.now()
    for order in (1, -1):
        echo = whatsapp_bodies.text("x", sender="4930", to=whatsapp_bodies.CUSTOMER)
        line.echo(echo)
        for failure in [
            whatsapp_bodies.failed(echo["id"], at=at, code=1),
            whatsapp_bodies.failed(echo["id"], at=at, code=2),
            whatsapp_bodies.failed(echo["id"], at=at + 5, code=0),
        ][::order]:
            line.tell(failure)
    assert [row.failure["code"] for row in line.rows() if row.failure] == [1, 1]


def test_receipts_are_forgotten_after_two_weeks_and_not_before_one(line: WhatsAppNumber) -> None:
    assert timedelta(days=7) <= delivery_receipts.RETENTION
    line.tell(whatsapp_bodies.status("sent", "wamid.old"), whatsapp_bodies.status("sent", "wamid.new"))
    with transactions.transaction(line.member.caller) as session:
        session.execute(
            text("UPDATE inbox_receipts SET arrived_at = :then WHERE external_id = 'wamid.old'"),
            {"then": datetime.now(UTC) - timedelta(days=15)},
        )
    assert line.world.invoke("platform/make_partitions", {})["receipts"] >= 1
    assert line.member.rows(select(Receipt.external_id)) == ["wamid.new"]


def test_receipts_of_another_tenants_message_do_nothing_to_it(line: WhatsAppNumber, other: WhatsAppNumber) -> None:
    echo = whatsapp_bodies.text("x", sender="4930", to=whatsapp_bodies.CUSTOMER)
    line.echo(echo)
    other.tell(whatsapp_bodies.status("read", echo["id"]))
    assert line.message()["status"] == "SENT"
