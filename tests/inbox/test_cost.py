"""What a body and a request cost: round trips to the database, counted at the connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from parley.inbox.receiving import take_in
from parley.kernel import db
from parley.kernel.clock import now
from parley.kernel.gather import driver
from tests.inbox import bodies
from tests.inbox.conftest import Line


class Trips:
    counted = 0


@contextmanager
def counting() -> Iterator[Trips]:
    """Round trips of the one connection that this process has."""
    trips = Trips()
    with db.engine().connect() as connection:
        counted = driver(connection)
        before = counted.round_trips
    yield trips
    with db.engine().connect() as connection:
        assert driver(connection) is counted
        trips.counted = counted.round_trips - before


def cost(line: Line, *changes: object) -> int:
    content = bodies.wire(bodies.body(*changes))
    with counting() as trips:
        take_in(content, now(), lambda reason, body: pytest.fail(reason))
    return trips.counted


def test_a_body_costs_the_same_for_one_update_and_a_thousand(line: Line) -> None:
    line.receive(bodies.text("warm"))
    assert cost(line, bodies.change(line.number, messages=[bodies.text()])) == 6
    assert cost(line, bodies.change(line.number, messages=[bodies.text() for _ in range(1000)])) == 8
    strangers = [bodies.text(sender=f"49{number:09d}") for number in range(1000)]
    assert cost(line, bodies.change(line.number, messages=[bodies.text(sender="4917")])) == 7
    assert cost(line, bodies.change(line.number, messages=strangers)) == 9
    echoes = [bodies.text(sender="4930", to=bodies.CUSTOMER) for _ in range(1000)]
    line.echo(*echoes)
    assert cost(line, bodies.change(line.number, statuses=[bodies.status("delivered", echoes[0]["id"])])) == 5
    assert cost(line, bodies.change(line.number, statuses=[bodies.status("read", echo["id"]) for echo in echoes])) == 6


def test_a_body_for_two_numbers_of_one_tenant_is_one_transaction(line: Line) -> None:
    from tests.inbox.conftest import connect

    second = connect(line.world, line.member)
    for one in (line, second):
        one.receive(bodies.text("warm"))
    assert cost(line, *[bodies.change(one.number, messages=[bodies.text()]) for one in (line, second)]) == 6


def test_a_repeated_body_costs_no_more_than_a_new_one(line: Line) -> None:
    change = bodies.change(line.number, messages=[bodies.text()])
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
def test_lists_do_not_grow_with_their_rows(line: Line, path: Callable[[Line], str], trips: int) -> None:
    line.receive(bodies.text())
    at = path(line)
    for count in (0, 60):
        line.receive(*[bodies.text() for _ in range(count)], *[bodies.text(sender=f"49{n}") for n in range(count)])
        with counting() as counted:
            assert line.member.get(at, limit=100).status == 200
        assert counted.counted == trips
