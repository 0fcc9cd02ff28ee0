"""A large organization among a thousand small ones: what a route costs there, beside what it costs one that has a hundred bookings.

1,000 hosts with 1,200 bookings each over a year; a thousand neighbours with a hundred each. `BOOKINGS=120000` makes it a tenth of that.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import select

from benchmarks.measurement import Row, Table, in_turns, show
from benchmarks.requests import cost_of, standing
from benchmarks.stock_driver import new_engine
from parley.scheduling.tables.booking_models import Booking, Invitee
from tests.harness import World
from tests.kernel.postgres_proxy import wired
from tests.platform.every_route import SeededOrganization
from tests.scheduling.bulk_bookings import BulkBookings
from tests.scheduling.query_plans import model_of, nodes, pages, plans, trouble

HOSTS, EACH = 1000, 1200
NEIGHBOURS, FEW = 1000, 100
BOOKINGS = int(os.environ.get("BOOKINGS", str(HOSTS * EACH)))
ROUNDS = 40
SMALL = "with 100 bookings"
Ready = Callable[[], Callable[[], object]]


def measure(world: World) -> list[Table]:
    shown = sys.stdout
    with Path(os.devnull).open("w") as quiet, redirect_stdout(quiet), patch.dict(os.environ):
        os.environ.pop("RELAY_QUEUE_URL", None)
        small, large = (SeededOrganization(world, world.organization(name)) for name in ("Small", "Large"))
        begun = time.monotonic()
        with world.stack.postgres.superuser("parley") as superuser:
            crowd = BulkBookings(superuser, model_of(small))
            with crowd.in_bulk():
                crowd.neighbours(NEIGHBOURS, FEW)
                crowd.enlarge(1, FEW)
                crowd.model = model_of(large)
                crowd.enlarge(BOOKINGS // EACH, EACH)
            crowd.settle()
            rows = {
                name: int(count) for name, count in superuser.run("SELECT relname, reltuples FROM pg_class WHERE relkind IN ('r', 'p')")
            }
        print(f"{rows['scheduling_bookings']:,} bookings made in {time.monotonic() - begun:.0f} seconds", file=shown, flush=True)
        large_routes, small_routes = routes(large), routes(small)
        title = f"A large organization ({BOOKINGS:,} bookings, {BOOKINGS // EACH:,} hosts) beside one of a hundred bookings"
        return [
            Table(title, [_row(name, large_routes[name], small_routes[name]) for name in large_routes]),
            Table("Its plans", _plans(large, small, rows)),
        ]


def routes(house: SeededOrganization) -> dict[str, Ready]:
    """Requests about a host who has the bookings of a year, or few."""
    member, now = house.member, datetime.now(UTC)
    busy = select(Booking).where(Booking.status == "CONFIRMED", Booking.host_id != member.user_id).order_by(Booking.start_time).limit(1)
    (booking,) = member.rows(busy)
    (email,) = member.rows(select(Invitee.email).where(Invitee.id == booking.invitee_id))
    day = {
        "from": booking.start_time.replace(hour=0).isoformat(),
        "to": (booking.start_time.replace(hour=0) + timedelta(days=1)).isoformat(),
    }
    month = {"from": (now - timedelta(days=30)).isoformat(), "to": now.isoformat()}

    def get(path: str, **query: str) -> Ready:
        return lambda: lambda: member.request("GET", f"/v1/scheduling/{path}", query=query)

    event_type = {"event_type_id": str(booking.event_type_id)}
    host = {"host_id": str(booking.host_id)}
    return {
        "slots of 31 days": lambda: house.slots(31, event_type=str(booking.event_type_id)),
        "a booking": house.book,
        "the list, its first page": get("bookings", limit="20"),
        "the list of a host": get("bookings", limit="20", **host),
        "the list of an event type": get("bookings", limit="20", **event_type),
        "the list of requests": get("bookings", limit="20", status="PENDING"),
        "the list of an address": get("bookings", limit="20", invitee_email=str(email)),
        "one booking": get(f"bookings/{booking.id}"),
        "counts of a host, 30 days": get("booking-counts", **host, **month),
        "counts of an event type, 30 days": get("booking-counts", **event_type, **month),
        "counts of everybody, a day": get("booking-counts", **day),
    }


def _row(name: str, large_request: Ready, small_request: Ready) -> Row:
    with wired() as wire:
        engine = new_engine(is_stock=False)
        for ready in (large_request, small_request):
            cost_of(engine, wire, ready())
        costs = [cost_of(engine, wire, ready()) for ready in (large_request, small_request)]
        engine.dispose()
    large, small = in_turns([large_request, small_request], ROUNDS)
    assert costs[0] == costs[1], (name, costs)
    trips, statements = costs[0]
    return Row.of(name, large.wall, "ms", SMALL, small.wall, f"{trips} round trips, {statements} statements in both")


def _plans(large: SeededOrganization, small: SeededOrganization, rows: dict[str, int]) -> list[Row]:
    """The pages that the SELECTs of a route look at, and how; a figure that does not know what else the machine is busy with."""
    plan_rows, small_routes = [], routes(small)
    for name, request in routes(large).items():
        large_plans = [plan for _, plan in plans(large, request())]
        few = sum(pages(plan) for _, plan in plans(small, small_routes[name]()))
        inner = [node for plan in large_plans for node in nodes(plan)]
        scans = sorted({node["Node Type"] for node in inner if rows.get(node.get("Relation Name", ""), 0) > FEW * 4})
        wrong = [what for node in inner if (what := trouble(node, rows)) is not None]
        plan_rows.append(Row.exact(name, sum(map(pages, large_plans)), "pages", SMALL, few, "; ".join(wrong) or ", ".join(scans)))
    return plan_rows


if __name__ == "__main__":
    with standing() as made:
        show(measure(made))
