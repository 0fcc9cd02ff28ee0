"""What a body and a request cost: round trips to the database, counted at the connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from parley.inbox.inbound_webhooks import process_webhook
from parley.kernel.persistence import transactions
from parley.kernel.postgres.deferred import driver_connection
from parley.kernel.values.clock import now
from tests.inbox import whatsapp_bodies
from tests.inbox.conftest import WhatsAppNumber


class Trips:
    counted = 0


@contextmanager
def counting() -> Iterator[Trips]:
    """Round trips of the one connection that this process has."""
    trips = Trips()
    with transactions.engine().connect() as connection:
        counted = driver_connection(connection)
        before = counted.round_trips
    yield trips
    with transactions.engine().connect() as connection:
        assert driver_connection(connection) is counted
        trips.counted = counted.round_trips - before


def cost(line: WhatsAppNumber, *changes: object) -> int:
    content = whatsapp_bodies.wire(whatsapp_bodies.body(*changes))
    with counting() as trips:
        process_webhook(content, now(), lambda reason, body: pytest.fail(reason))
    return trips.counted


def test_a_body_costs_the_same_for_one_update_and_a_thousand(line: WhatsAppNumber) -> None:
    line.receive(whatsapp_bodies.text("warm"))
    assert cost(line, whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text()])) == 6
    assert cost(line, whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text() for _ in range(1000)])) == 8
    strangers = [whatsapp_bodies.text(sender=f"49{number:09d}") for number in range(1000)]
    assert cost(line, whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text(sender="4917")])) == 7
    assert cost(line, whatsapp_bodies.change(line.number, messages=strangers)) == 9
    echoes = [whatsapp_bodies.text(sender="4930", to=whatsapp_bodies.CUSTOMER) for _ in range(1000)]
    line.echo(*echoes)
    assert cost(line, whatsapp_bodies.change(line.number, statuses=[whatsapp_bodies.status("delivered", echoes[0]["id"])])) == 5
    assert cost(line, whatsapp_bodies.change(line.number, statuses=[whatsapp_bodies.status("read", echo["id"]) for echo in echoes])) == 6


def test_a_body_for_two_numbers_of_one_tenant_is_one_transaction(line: WhatsAppNumber) -> None:
    from tests.inbox.conftest import connect

    second = connect(line.world, line.member)
    for phone_line in (line, second):
        phone_line.receive(whatsapp_bodies.text("warm"))
    assert cost(line, *[whatsapp_bodies.change(phone_line.number, messages=[whatsapp_bodies.text()]) for phone_line in (line, second)]) == 6


def test_a_repeated_body_costs_no_more_than_a_new_one(line: WhatsAppNumber) -> None:
    change = whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text()])
    line.hand(change)
    assert cost(line, change) <= 6


@pytest.mark.parametrize(
    ("path", "trips"),
    [
        (lambda line: "/v1/inbox/conversations", 3),
        (lambda line: "/v1/inbox/connections", 3),
        (lambda line: f"/v1/inbox/conversations/{line.conversations(limit=1)[0]['id']}/messages", 4),
    ],
)
def test_lists_do_not_grow_with_their_rows(line: WhatsAppNumber, path: Callable[[WhatsAppNumber], str], trips: int) -> None:
    line.receive(whatsapp_bodies.text())
    at = path(line)
    for count in (0, 60):
        line.receive(*[whatsapp_bodies.text() for _ in range(count)], *[whatsapp_bodies.text(sender=f"49{n}") for n in range(count)])
        with counting() as counted:
            assert line.member.get(at, limit=100).status == 200
        assert counted.counted == trips
