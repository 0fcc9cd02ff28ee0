"""Whatever a stranger may ask for has a limit by network, counted in the round trips that there were; a rule over the template's routes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from local.template import load
from parley.kernel.access import rate_limits, visitor_limits
from parley.kernel.edge import request_context
from parley.kernel.edge.request_context import Access
from parley.kernel.values.ids import new_id
from tests.harness import Client, World
from tests.platform.every_route import SeededOrganization
from tests.platform.test_permissions import app_of, name_of

TEMPLATE = load(Path(__file__).parents[2] / "template.yaml")
START = "2030-01-07T10:00:00Z"
SAID: dict[str, dict[str, Any]] = {
    "GET /v1/scheduling/event-types/{event_type_id}/slots": {"from": START, "to": "2030-01-08T10:00:00Z"},
    "POST /v1/scheduling/event-types/{event_type_id}/holds": {"start_time": START},
    "POST /v1/scheduling/managed-bookings/{token}/reschedule": {"start_time": START},
    "POST /v1/scheduling/routing-forms/{form_id}/submissions": {"answers": []},
}
UNREADABLE = {"POST /saml/{organization_id}/acs"}
"""What has to be signed to be read."""
_guessers = itertools.count(100)
PUBLIC = {name_of(route): route for route in TEMPLATE.routes if route.authorizer is None}
OF_NO_APPLICATION = {"ANY $default": "What is at no address costs nothing but the answer."}
APPS = {name_of(route): app_of(TEMPLATE, route) for route in TEMPLATE.routes if name_of(route) not in OF_NO_APPLICATION}
UNLIMITED = OF_NO_APPLICATION | {name: APPS[name].unlimited_because for name in PUBLIC.keys() & APPS.keys() if APPS[name].unlimited_because}
LIMITS = {name: app.limit for name, app in APPS.items()}

EXPECTED = {
    "POST /v1/scheduling/bookings": ("attempts", 120, 1200),
    "POST /{organization}/{event_type}": ("attempts", 120, 1200),
    "POST /v1/scheduling/event-types/{event_type_id}/holds": ("holds", 120, 1200),
} | dict.fromkeys(
    (
        "POST /v1/scheduling/routing-forms/{form_id}/submissions",
        "POST /v1/scheduling/managed-bookings/{token}/cancel",
        "POST /v1/scheduling/managed-bookings/{token}/reschedule",
        "POST /bookings/{token}",
        "POST /hosts/{token}",
        "POST /v1/auth/invitations/decline",
        "POST /invitations/{token}",
        "POST /links/{token}",
    ),
    ("changes", 60, 600),
)
"""Who is counted in another way than by reads, and how (docs/limits.md)."""


def buckets(world: World, *, emptied: bool = False) -> set[str]:
    with world.stack.postgres.superuser("parley") as superuser:
        if emptied:
            superuser.run("DELETE FROM rate_limit_buckets")
        return {subject for (subject,) in superuser.run("SELECT subject FROM rate_limit_buckets")}


@pytest.fixture(scope="module")
def house(world: World) -> SeededOrganization:
    return SeededOrganization(world, world.organization("Acme"))


def test_each_public_route_is_limited_or_named_with_a_reason() -> None:
    assert all(len(reason) > 20 for reason in UNLIMITED.values())
    for name, app in APPS.items():
        says = [app.limit, getattr(app, "unlimited_because", None)]
        assert says.count(None) >= (1 if app.needs is Access.ANYBODY else 2), f"{name}: one limit of visitors, or a reason for none"
    assert {name: (limit.name, limit.most, limit.seconds) for name, limit in LIMITS.items() if limit is not None} == EXPECTED


@pytest.mark.parametrize("name", sorted(PUBLIC.keys() - UNLIMITED.keys()))
def test_a_public_route_is_counted_by_network(name: str, world: World, house: SeededOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    ready: Callable[[], Callable[[], object]] = house.requests()[name]
    request, seen = ready(), Mock(wraps=visitor_limits.network_spending)
    buckets(world, emptied=True)
    monkeypatch.setenv("UNLIMITED_NETWORKS", "")
    monkeypatch.setattr(visitor_limits, "network_spending", seen)
    request()
    [(route, address, limit)] = [call.args for call in seen.call_args_list]
    assert (route, limit) == (name, LIMITS[name])
    assert {spending.subject for spending in seen(route, address, limit)} <= buckets(world)


@pytest.mark.parametrize("name", sorted(name for name in PUBLIC.keys() - UNLIMITED.keys() if "{" in name))
def test_a_name_that_is_nobodys_costs_as_much_as_another(name: str, world: World, house: SeededOrganization) -> None:
    """Who guesses names, links and ids is counted like who knows them. What can not be read asks nobody, and costs nothing."""
    method, _, path = name.partition(" ")
    guesses = [re.sub(r"{[^}]*}", lambda _: str(new_id()), path), re.sub(r"{[^}]*}", "nobody-here", path)]
    at_once = Client(world, ip=f"198.18.{next(_guessers)}.1")
    spent = visitor_limits.network_spending(name, at_once.ip, LIMITS[name])[0]
    is_page, query = not path.startswith("/v1/"), SAID.get(name, {}) if method == "GET" else None
    body: Any = None if method == "GET" else b"action=cancel" if is_page else SAID.get(name, {})
    headers = {"content-type": "application/x-www-form-urlencoded"} if is_page and body else {}
    answers = [at_once.request(method, guess, body, headers, query=query) for guess in (*guesses, *guesses)]
    assert all(400 <= answer.status < 500 and answer.status != 429 for answer in answers), [answer.raw for answer in answers]
    many = sum(answer.status not in (400, 422) for answer in answers)
    assert many or name in UNREADABLE, answers
    with world.stack.postgres.superuser("parley") as superuser:
        left = "SELECT extract(epoch FROM full_at - clock_timestamp())::float8 FROM rate_limit_buckets WHERE subject = :subject"
        seconds = next((row[0] for row in superuser.run(left, subject=spent.subject)), 0.0)
    counted = seconds * spent.limit.most / spent.limit.seconds
    assert many - 3 * spent.limit.most / spent.limit.seconds < counted <= 4, "three seconds have brought back so many"


def test_who_has_many_networks_of_ipv6_has_not_as_many_limits(house: SeededOrganization) -> None:
    """A /48 has 65,536 networks of a customer; together they get eight times as much as one, and others nothing less."""
    near, path = visitor_limits.READS_PER_NETWORK.most, f"/v1/scheduling/event-types/{house.event_type}/public"
    name, own = "GET /v1/scheduling/event-types/{event_type_id}/public", [f"2001:db8:7:{at}::1" for at in range(9)]
    first, wide = visitor_limits.network_spending(name, own[0])
    assert (first.limit.most, first.limit.times, wide.limit.times) == (near, 1, rate_limits.WIDER)
    assert Client(house.world, ip=own[0]).get(path).status == 200
    with house.world.stack.postgres.superuser("parley") as superuser:
        is_spent = "UPDATE rate_limit_buckets SET full_at = clock_timestamp() + make_interval(secs => :s) WHERE subject = :subject"
        superuser.run(is_spent, s=visitor_limits.READS_PER_NETWORK.seconds + 30, subject=wide.subject)
    assert [Client(house.world, ip=ip).get(path).status for ip in own] == [429] * 9
    assert Client(house.world, ip="2001:db8:8::1").get(path).status == 200


def test_a_network_is_refused_where_it_asks_too_often_and_no_other(house: SeededOrganization) -> None:
    eve, ada = Client(house.world, ip="198.18.7.1"), Client(house.world, ip="198.18.7.2")
    path = f"/v1/scheduling/event-types/{house.event_type}/public"
    assert eve.get(path).status == 200
    with house.world.stack.postgres.superuser("parley") as superuser:  # as after as many requests as there may be at once
        spent = "UPDATE rate_limit_buckets SET full_at = clock_timestamp() + make_interval(secs => :s) WHERE subject = :subject"
        subject = visitor_limits.network_spending("GET /v1/scheduling/event-types/{event_type_id}/public", eve.ip)[0].subject
        superuser.run(spent, s=visitor_limits.READS_PER_NETWORK.seconds + 30, subject=subject)
    refused = eve.get(path)
    assert (refused.status, refused.body["code"]) == (429, "rate_limit_exceeded")
    assert 20 <= int(refused.headers["retry-after"]) <= 31
    assert ada.get(path).status == 200
    assert eve.get(f"/v1/scheduling/event-types/{new_id()}/public").status == 429  # what is not there can't be looked for more often


def test_who_comes_by_a_trusted_proxy_is_who_it_says_and_nobody_else_is(house: SeededOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(source: str, forwarded: str) -> str | None:
        event = {"requestContext": {"http": {"sourceIp": source}}, "headers": {"X-Forwarded-For": forwarded}}
        return request_context.address_of(event)

    assert seen("198.18.8.1", "203.0.113.9") == "198.18.8.1"
    monkeypatch.setenv("TRUSTED_PROXIES", "198.18.8.0/24, 2001:db8::/32")
    assert seen("198.18.8.1", "203.0.113.9") == "203.0.113.9"
    assert seen("198.18.8.1", "192.0.2.66, 203.0.113.9, 198.18.8.7") == "203.0.113.9"
    assert seen("198.18.8.1", "192.0.2.66, made up") == "198.18.8.1"
    assert seen("198.18.8.1", "") == "198.18.8.1"
    assert seen("198.18.9.1", "203.0.113.9") == "198.18.9.1"
    assert seen("2001:db8::1", "2001:db9::1") == "2001:db9::1"


def test_an_idempotency_key_of_a_stranger_is_nothing_to_another(house: SeededOrganization) -> None:
    """Two visitors of one organization name their keys alike: neither is refused, neither is told what the other was told."""
    ada, eve = Client(house.world, ip="198.18.9.1"), Client(house.world, ip="198.18.9.2")
    key, first, second = {"idempotency-key": "1"}, house.booking_wanted(), house.booking_wanted()
    made = ada.post("/v1/scheduling/bookings", first, key)
    other = eve.post("/v1/scheduling/bookings", second, key)
    assert (made.status, other.status) == (201, 201)
    assert ada.post("/v1/scheduling/bookings", first, key).body == made.body
    guessed = eve.post("/v1/scheduling/bookings", first, {"idempotency-key": "2"})
    assert guessed.body["code"] == "slot_taken"
    replayed = Client(house.world, ip="198.18.9.3").post("/v1/scheduling/bookings", first, key)
    assert replayed.body["code"] == "slot_taken" and "idempotency-replayed" not in replayed.headers
