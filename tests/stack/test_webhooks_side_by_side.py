"""One dead endpoint beside a healthy one, with real processes: the healthy one's deliveries are not delayed."""

from __future__ import annotations

import statistics
import time
from typing import Any

from local.demo import wait_for
from tests.kernel.http_receivers import Receiver, hanging, receiver
from tests.stack.conftest import Served
from tests.stack.load_scenarios import at, booking, created, event_type, schedule

BOOKINGS = 12


def subscribe(served: Served, url: str) -> str:
    return str(created(served.owner.post("/v1/webhooks/subscriptions", {"name": "One", "url": url, "events": ["booking.created"]}))["id"])


def delays(served: Served, there: Receiver, kind: str, day: int) -> list[float]:
    """Seconds from each booking's answer to its arrival at the healthy endpoint."""
    booked: dict[str, float] = {}
    seen = len(there.arrived)
    for number in range(BOOKINGS):
        start = at(f"{8 + number // 2:02}:{'30' if number % 2 else '00'}", day)
        one = created(served.stranger.post("/v1/scheduling/bookings", booking(kind, start)))["id"]
        booked[one] = time.monotonic()
    wait_for("the webhooks", lambda: len(there.arrived) >= seen + BOOKINGS, 60)
    arrived: dict[str, Any] = {next(one for one in booked if one in came.body.decode()): came.at for came in there.arrived[seen:]}
    assert len(arrived) == BOOKINGS
    return sorted(arrived[one] - moment for one, moment in booked.items())


def test_a_dead_endpoint_slows_nobody(served: Served) -> None:
    kind = event_type(served.owner, schedule(served.owner))
    with receiver() as there, hanging() as dead:
        healthy = subscribe(served, there.url)
        delays(served, there, kind, 19)  # processes and connections are made once
        alone = delays(served, there, kind, 20)
        hung = [subscribe(served, dead) for _ in range(2)]
        beside = delays(served, there, kind, 21)
        for one in (healthy, *hung):
            served.owner.request("DELETE", f"/v1/webhooks/subscriptions/{one}")
    said = {
        name: f"median {statistics.median(one):.2f} s, longest {one[-1]:.2f} s" for name, one in {"alone": alone, "beside": beside}.items()
    }
    print("seconds from a booking to its webhook:", said)
    assert beside[-1] < 8, said  # an attempt at the dead one takes 15 s
