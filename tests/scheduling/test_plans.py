"""How the database finds what the routes of bookings ask for, in an organization that is large among others: by index, and reading few more
rows than it answers. Nothing is switched off for it: the planner decides by what it has counted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from parley.scheduling.tables.booking_models import Booking, Invitee
from tests.harness import World
from tests.platform.every_route import SeededOrganization
from tests.scheduling.bulk_bookings import BulkBookings
from tests.scheduling.query_plans import counted, model_of, nodes, plans, trouble

HOSTS, YEAR = 20, 500
OTHERS, NEIGHBOURS, FEW = 800, 400, 5


@pytest.fixture(scope="module")
def large(world: World) -> SeededOrganization:
    house = SeededOrganization(world, world.organization("Large"))
    with world.stack.postgres.superuser("parley") as superuser:
        crowd = BulkBookings(superuser, model_of(house))
        crowd.enlarge(HOSTS, YEAR)
        crowd.enlarge(OTHERS, FEW)
        crowd.neighbours(NEIGHBOURS, FEW)
        crowd.settle()
    return house


@pytest.fixture(scope="module")
def rows(world: World, large: SeededOrganization) -> dict[str, int]:
    with world.stack.postgres.superuser("parley") as superuser:
        return counted(superuser)


def requests(house: SeededOrganization) -> dict[str, Callable[[], object]]:
    member, now = house.member, datetime.now(UTC)
    booking = member.rows(select(Booking).where(Booking.status == "CONFIRMED").order_by(Booking.id).limit(1))[0]
    (email,) = member.rows(select(Invitee.email).where(Invitee.id == booking.invitee_id))
    week = {"from": (now - timedelta(days=7)).isoformat(), "to": now.isoformat()}
    limited = house.add_event_type(max_bookings_per_day=3, max_bookings_per_week=9)
    hosts = [{"user_id": str(user_id)} for user_id in (booking.host_id, member.user_id)]
    pool = member.post("/v1/scheduling/pools", {"name": "All", "strategy": "ROTATE", "hosts": hosts}).body["id"]
    robin = house.add_event_type(kind="ROUND_ROBIN", pool_id=pool)
    group = house.add_event_type(kind="GROUP", capacity=5)

    def listing(path: str = "bookings", **query: str) -> Callable[[], object]:
        return lambda: member.request("GET", f"/v1/scheduling/{path}", query=query)

    ready = house.requests()
    return {
        "slots": house.slots(31, event_type=str(booking.event_type_id)),
        "slots with limits": house.slots(31, event_type=limited),
        "slots of a pool": house.slots(31, event_type=robin),
        "slots of a group": house.slots(31, event_type=group),
        "a booking": house.book(),
        "a booking canceled": ready["POST /v1/scheduling/bookings/{booking_id}/{change}"](),
        "a booking moved": ready["POST /v1/scheduling/bookings/{booking_id}/reschedule"](),
        "the list": listing(),
        "the list of a week": listing(**week),
        "the list of a host": listing(host_id=str(booking.host_id)),
        "the list of a host's week": listing(host_id=str(booking.host_id), **week),
        "the list of an event type": listing(event_type_id=str(booking.event_type_id)),
        "the list of no-shows": listing(status="NO_SHOW"),
        "the list of requests": listing(status="PENDING", order="asc"),
        "the list of an address": listing(invitee_email=str(email).upper()),
        "the list, ten pages on": listing(cursor=_tenth(house)),
        "the sheet": lambda: member.get("/v1/scheduling/bookings.csv", limit=50),
        "one": lambda: member.get(f"/v1/scheduling/bookings/{booking.id}"),
        "counts": listing("booking-counts", **week),
        "counts of a host": listing("booking-counts", host_id=str(booking.host_id), **week),
        "counts of an event type": listing("booking-counts", event_type_id=str(booking.event_type_id), **week),
        "an erasure": ready["DELETE /v1/scheduling/invitees/{invitee_id}"](),
        "an erasure by address": ready["POST /v1/scheduling/invitees/erase"](),
    }


def _tenth(house: SeededOrganization) -> str:
    cursor: str | None = None
    for _ in range(10):
        page = house.member.request("GET", "/v1/scheduling/bookings", query={"limit": 20, "cursor": cursor}).body
        cursor = page["next_cursor"]
    assert cursor
    return cursor


def test_every_statement_finds_by_index_what_it_is_asked_for(large: SeededOrganization, rows: dict[str, int]) -> None:
    assert rows["scheduling_bookings"] > HOSTS * YEAR
    troubles = {}
    seen = 0
    for name, request in requests(large).items():
        for statement, plan in plans(large, request):
            seen += 1
            for node in nodes(plan):
                if (what := trouble(node, rows)) is not None:
                    troubles[f"{name}: {statement[:60]}"] = what
    assert troubles == {}
    assert seen > 60
