"""What routes cost the database: round trips counted on the wire, statements counted by the engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import delete, event

from parley.kernel.persistence import transactions
from parley.kernel.persistence.outbox import OutboxEvent
from tests.harness import Member, World
from tests.kernel.postgres_proxy import PostgresProxy, wired
from tests.platform import routes_keys
from tests.platform.every_route import AREAS, Request, SeededOrganization

FEW, MANY = 3, 24
# Lock somebody first, whose account two requests may change at once; a second factor takes a proof, which is counted, before that.
ONE_MORE = {"POST /saml/{organization_id}/acs": 9, "POST /v1/auth/totp": 10}
# Three transactions, and one more for each organization: who asks, what is to be left, and the end.
ONE_MORE["DELETE /v1/auth/account"] = 13
# A member's mails to people who did not ask are counted, by the organization's age and plan: two more.
ONE_MORE["POST /v1/scheduling/event-types/{event_type_id}/bookings"] = 10
ONE_MORE |= {"POST /v1/scheduling/bookings/{booking_id}/reschedule": 9, "POST /v1/scheduling/bookings/{booking_id}/reassign": 10}
# An owner agrees once in months: terms, domains and their proofs, who must come by single sign-on, and what is shown of it.
ONE_MORE["POST /v1/saml/connection/approve"] = 10
# Two transactions, for no lock is held while DNS is asked; and the domain's entry is looked at before what it enforces is written.
ONE_MORE["POST /v1/saml/domains/verify"] = 9
# A new address is counted against three limits and sent a challenge before it gets events.
ONE_MORE |= {"POST /v1/webhooks/subscriptions": 10, "POST /v1/webhooks/subscriptions/{subscription_id}/enable": 9}
# Whose number it was, and whether it may be had: an account that its organization gave up is taken up again, not made anew.
ONE_MORE["POST /v1/inbox/connections"] = 9
WITHOUT_DATABASE = {"GET /docs", "GET /openapi.json", "ANY $default"}


class Counter:
    """Counts what requests ask of the database."""

    def __init__(self, wire: PostgresProxy) -> None:
        self._wire = wire
        self._statements = 0

    def count(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self._statements += statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))

    def cost(self, request: Request) -> tuple[int, int]:
        """Round trips and statements of one request. What is made once (a connection, a data key) has to be there."""
        trips, statements = self._wire.round_trips, self._statements
        with patch.dict(os.environ, UNLIMITED_NETWORKS=""):  # as for everybody who is not a test
            answer = request()
        assert answer.status < 400, (answer.status, answer.raw)
        return self._wire.round_trips - trips, self._statements - statements


@pytest.fixture(scope="module")
def counter(world: World) -> Iterator[Counter]:
    with wired() as wire:
        made = Counter(wire)
        event.listen(transactions.engine(), "before_cursor_execute", made.count)
        yield made
        event.remove(transactions.engine(), "before_cursor_execute", made.count)


@pytest.fixture(scope="module")
def house(counter: Counter, world: World) -> Iterator[SeededOrganization]:
    made = SeededOrganization(world, world.organization("Acme"))
    yield made
    with transactions.transaction(made.member.caller) as session:  # a hundred mails that nobody waits for
        session.execute(delete(OutboxEvent))


def test_the_smallest_request_of_a_tenant(counter: Counter, acme: Member) -> None:
    assert acme.get("/v1/identity/me").status == 200
    assert counter.cost(lambda: acme.get("/v1/identity/me")) == (3, 1)


def test_a_booking(counter: Counter, house: SeededOrganization) -> None:
    with_key = house.book()
    assert counter.cost(with_key) == (7, 13)
    assert counter.cost(with_key) == (4, 2)  # answered before
    wanted = house.booking_wanted()
    assert counter.cost(lambda: house.stranger.post("/v1/scheduling/bookings", wanted)) == (6, 11)


def test_the_slots_of_a_month_cost_what_those_of_a_day_cost(counter: Counter, house: SeededOrganization) -> None:
    assert counter.cost(house.slots(1)) == (5, 3)
    assert counter.cost(house.slots(31)) == (5, 3)


def test_the_page_of_a_month_costs_what_its_slots_cost(counter: Counter, house: SeededOrganization) -> None:
    month = house.requests()["GET /{organization}/{event_type}"]()
    assert counter.cost(month) == counter.cost(house.slots(31))


def test_a_webhook_is_taken_without_the_database(counter: Counter, house: SeededOrganization) -> None:
    assert counter.cost(house.requests()["POST /v1/webhooks/whatsapp"]()) == (0, 0)
    assert counter.cost(house.requests()["GET /v1/webhooks/whatsapp"]()) == (0, 0)


def test_no_route_costs_more_than_eight(counter: Counter, house: SeededOrganization, world: World) -> None:
    requests = house.requests()
    assert requests.keys() == {f"{route.method} {route.path}" for route in world.template.routes} - WITHOUT_DATABASE
    costs = {name: counter.cost(ready()) for name, ready in requests.items()}
    assert {name: cost for name, cost in costs.items() if cost[0] > ONE_MORE.get(name, 8)} == {}


def _messages(house: SeededOrganization, count: int) -> None:
    for _ in range(count):
        house.add_message("first")
    house.world.pump()


def _conversations(house: SeededOrganization, count: int) -> None:
    for number in range(count):
        house.add_message(f"{count} {number}")
    house.world.pump()


def _each(add: Callable[[SeededOrganization], Any]) -> Callable[[SeededOrganization, int], None]:
    def add_many(house: SeededOrganization, count: int) -> None:
        for _ in range(count):
            add(house)

    return add_many


LISTS: dict[str, Callable[[SeededOrganization, int], None]] = {
    "GET /v1/inbox/connections": _each(SeededOrganization.add_connection),
    "GET /v1/inbox/conversations": _conversations,
    "GET /v1/inbox/conversations/{conversation_id}/messages": _messages,
    "GET /v1/scheduling/schedules": _each(SeededOrganization.add_schedule),
    "GET /v1/scheduling/event-types": _each(SeededOrganization.add_event_type),
    "GET /v1/scheduling/bookings": _each(SeededOrganization.add_booking),
    "GET /v1/recordings/meetings": _each(SeededOrganization.add_meeting),
    "GET /v1/recordings": _each(SeededOrganization.add_meeting),
    "GET /v1/identity/api-keys": _each(lambda house: routes_keys.key_of(house.member)),
    "GET /v1/storage/projects": _each(lambda house: routes_keys.project_of(house.member)),
}
LISTS.update({name: add for area in AREAS for name, add in getattr(area, "LISTS", {}).items()})


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_with_few_rows_and_with_many(counter: Counter, house: SeededOrganization, name: str) -> None:
    house.world.forget_events()
    request = house.requests()[name]()
    LISTS[name](house, FEW)
    few = counter.cost(request)
    LISTS[name](house, MANY - FEW)
    many = counter.cost(request)
    assert len(request().body["items"]) >= MANY
    assert few == many


def test_every_list_is_among_them(house: SeededOrganization) -> None:
    pages = {name for name, ready in house.requests().items() if name.startswith("GET /v1") and "next_cursor" in (ready()().body or "")}
    assert pages == LISTS.keys()


def test_slots_cost_the_same_with_few_bookings_and_with_many(counter: Counter, house: SeededOrganization) -> None:
    before = len(house.slots()().body["slots"])
    few = counter.cost(house.slots())
    _each(SeededOrganization.add_booking)(house, 20)
    assert counter.cost(house.slots()) == few
    assert len(house.slots()().body["slots"]) == before - 20
