"""How the database finds what the routes of bookings ask for, in an organization that is large among others: by index, and reading few more
rows than it answers. Nothing is switched off for it: the planner decides by what it has counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pg8000.dbapi
import pytest
from sqlalchemy import select

from benchmarks.bare_sql import statements_of
from parley.kernel import places
from parley.kernel.settings import setting
from parley.scheduling.models import Booking, Invitee
from tests.harness import World
from tests.platform.every_route import Furnished
from tests.scheduling.crowd import Crowd, Model

HOSTS, YEAR = 20, 600
NEIGHBOURS, FEW = 200, 25
SMALL = 400
"""Rows: what fits into a few pages is read whole, and rightly so; and what a filter may remove."""

Plan = dict[str, Any]


def model_of(house: Furnished) -> Model:
    return Model(house.member.organization_id, house.member.user_id, UUID(house.event_type), UUID(house.booking))


@pytest.fixture(scope="module")
def large(world: World) -> Furnished:
    house = Furnished(world, world.organization("Large"))
    with world.stack.postgres.superuser("parley") as superuser:
        crowd = Crowd(superuser, model_of(house))
        crowd.enlarge(HOSTS, YEAR)
        crowd.neighbours(NEIGHBOURS, FEW)
        crowd.settle()
    return house


@pytest.fixture(scope="module")
def rows(world: World, large: Furnished) -> dict[str, int]:
    """Of each table, as the database has counted them."""
    with world.stack.postgres.superuser("parley") as superuser:
        return {name: int(count) for name, count in superuser.run("SELECT relname, reltuples FROM pg_class WHERE relkind IN ('r', 'p')")}


def requests(house: Furnished) -> dict[str, Callable[[], object]]:
    member, now = house.member, datetime.now(UTC)
    found = member.rows(select(Booking).where(Booking.status == "CONFIRMED").order_by(Booking.id).limit(1))[0]
    (email,) = member.rows(select(Invitee.email).where(Invitee.id == found.invitee_id))
    week = {"from": (now - timedelta(days=7)).isoformat(), "to": now.isoformat()}
    limited = house.add_event_type(max_bookings_per_day=3, max_bookings_per_week=9)
    hosts = [{"user_id": str(one)} for one in (found.host_id, member.user_id)]
    pool = member.post("/v1/scheduling/pools", {"name": "All", "strategy": "ROTATE", "hosts": hosts}).body["id"]
    robin = house.add_event_type(kind="ROUND_ROBIN", pool_id=pool)
    group = house.add_event_type(kind="GROUP", capacity=5)

    def listing(path: str = "bookings", **query: str) -> Callable[[], object]:
        return lambda: member.request("GET", f"/v1/scheduling/{path}", query=query)

    ready = house.requests()
    return {
        "slots": house.slots(31, event_type=str(found.event_type_id)),
        "slots with limits": house.slots(31, event_type=limited),
        "slots of a pool": house.slots(31, event_type=robin),
        "slots of a group": house.slots(31, event_type=group),
        "a booking": house.book(),
        "a booking canceled": ready["POST /v1/scheduling/bookings/{booking_id}/{change}"](),
        "a booking moved": ready["POST /v1/scheduling/bookings/{booking_id}/reschedule"](),
        "the list": listing(),
        "the list of a week": listing(**week),
        "the list of a host": listing(host_id=str(found.host_id)),
        "the list of a host's week": listing(host_id=str(found.host_id), **week),
        "the list of an event type": listing(event_type_id=str(found.event_type_id)),
        "the list of no-shows": listing(status="NO_SHOW"),
        "the list of requests": listing(status="PENDING", order="asc"),
        "the list of an address": listing(invitee_email=str(email).upper()),
        "the list, ten pages on": listing(cursor=_tenth(house)),
        "the sheet": lambda: member.get("/v1/scheduling/bookings.csv", limit=50),
        "one": lambda: member.get(f"/v1/scheduling/bookings/{found.id}"),
        "counts": listing("booking-counts", **week),
        "counts of a host": listing("booking-counts", host_id=str(found.host_id), **week),
        "counts of an event type": listing("booking-counts", event_type_id=str(found.event_type_id), **week),
        "an erasure": ready["DELETE /v1/scheduling/invitees/{invitee_id}"](),
        "an erasure by address": ready["POST /v1/scheduling/invitees/erase"](),
    }


def _tenth(house: Furnished) -> str:
    cursor: str | None = None
    for _ in range(10):
        page = house.member.request("GET", "/v1/scheduling/bookings", query={"limit": 20, "cursor": cursor}).body
        cursor = page["next_cursor"]
    assert cursor
    return cursor


def plans(house: Furnished, request: Callable[[], object]) -> Iterator[tuple[str, Plan]]:
    """Each statement of a request with its plan, as the application's role gets it; what only reads is run as well, and counted."""
    sent = statements_of(request)
    with closing(pg8000.dbapi.connect(**places.connect_arguments(setting("DATABASE_URL")))) as connection:
        cursor = connection.cursor()
        cursor.execute(f"set local app.organization_id = '{house.member.organization_id}'")
        for statement, parameters in sent:
            if not statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
                continue
            kind = "EXPLAIN (ANALYZE, FORMAT JSON) " if statement.startswith("SELECT") else "EXPLAIN (FORMAT JSON) "
            cursor.execute(kind + statement, parameters)
            told = cursor.fetchone()[0]
            yield statement, (told if isinstance(told, list) else json.loads(told))[0]["Plan"]


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def trouble(node: Plan, rows: dict[str, int]) -> str | None:
    if node["Node Type"] == "Seq Scan" and rows.get(node["Relation Name"], 0) > SMALL:
        return f"reads all of {node['Relation Name']}"
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    if removed * node.get("Actual Loops", 1) > SMALL:
        return f"{node['Node Type']} of {node.get('Relation Name')} throws {removed} rows away: {node.get('Filter')}"
    return None


def test_every_statement_finds_by_index_what_it_is_asked_for(large: Furnished, rows: dict[str, int]) -> None:
    assert rows["scheduling_bookings"] > HOSTS * YEAR
    found = {}
    seen = 0
    for name, request in requests(large).items():
        for statement, plan in plans(large, request):
            seen += 1
            for node in nodes(plan):
                if (what := trouble(node, rows)) is not None:
                    found[f"{name}: {statement[:60]}"] = what
    assert found == {}
    assert seen > 60
