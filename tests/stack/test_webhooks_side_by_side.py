"""One dead endpoint beside a healthy one, with real processes: the healthy one's deliveries are not delayed."""

from __future__ import annotations

import statistics
import time
from typing import Any

from local.demo import wait_for
from tests.kernel.http_receivers import Receiver, hanging, receiver
from tests.stack.conftest import ServedStack
from tests.stack.load_scenarios import at, booking, created, event_type, schedule

BOOKINGS = 12


def subscribe(served: ServedStack, url: str) -> str:
    return str(created(served.owner.post("/v1/webhooks/subscriptions", {"name": "One", "url": url, "events": ["booking.created"]}))["id"])


def delays(served: ServedStack, endpoint: Receiver, kind: str, day: int) -> list[float]:
    """Seconds from each booking's answer to its arrival at the healthy endpoint."""
    booked: dict[str, float] = {}
    seen = len(endpoint.arrived)
    for number in range(BOOKINGS):
        start = at(f"{8 + number // 2:02}:{'30' if number % 2 else '00'}", day)
        booking_id = created(served.stranger.post("/v1/scheduling/bookings", booking(kind, start)))["id"]
        booked[booking_id] = time.monotonic()
    wait_for("the webhooks", lambda: len(endpoint.arrived) >= seen + BOOKINGS, 60)
    arrived: dict[str, Any] = {next(key for key in booked if key in came.body.decode()): came.at for came in endpoint.arrived[seen:]}
    assert len(arrived) == BOOKINGS
    return sorted(arrived[key] - moment for key, moment in booked.items())


def test_a_dead_endpoint_slows_nobody(served: ServedStack) -> None:
    kind = event_type(served.owner, schedule(served.owner))
    with receiver() as endpoint, hanging() as dead:
        healthy = subscribe(served, endpoint.url)
        delays(served, endpoint, kind, 19)  # processes and connections are made once
        alone = delays(served, endpoint, kind, 20)
        hung = [subscribe(served, dead) for _ in range(2)]
        beside = delays(served, endpoint, kind, 21)
        for subscription_id in (healthy, *hung):
            served.owner.request("DELETE", f"/v1/webhooks/subscriptions/{subscription_id}")
    report = {
        name: f"median {statistics.median(seconds):.2f} s, longest {seconds[-1]:.2f} s"
        for name, seconds in {"alone": alone, "beside": beside}.items()
    }
    print("seconds from a booking to its webhook:", report)
    assert beside[-1] < 8, report  # an attempt at the dead one takes 15 s
