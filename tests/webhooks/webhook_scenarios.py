"""What tests of webhooks do over and over: subscribe, book, let the workers work, look at the log."""

from __future__ import annotations

import json
from typing import Any

from local.client import Answer
from parley.kernel.values.ids import new_id
from tests.harness import Client, Member, World
from tests.stack.load_scenarios import at, booking, event_type, schedule

SUBSCRIPTIONS = "/v1/webhooks/subscriptions"
DELIVERIES = "/v1/webhooks/deliveries"
URL = "https://8.8.8.8/hook"


def created(answer: Answer) -> Any:
    assert answer.status in (200, 201, 202), (answer.status, answer.raw)
    return answer.body


def envelope(member: Member, name: str, payload: dict[str, Any], event_id: str | None = None, **other: Any) -> str:
    """A message of the queue, as the bus brings an event."""
    detail = {"id": event_id or str(new_id()), "organization_id": str(member.organization_id), "occurred_at": "2026-11-21T04:00:00Z"}
    return json.dumps({"detail-type": name, "detail": detail | {"payload": payload} | other})


class WebhookScenario:
    """An organization that can be booked."""

    def __init__(self, world: World, member: Member) -> None:
        self.world, self.member = world, member
        self._kind = ""
        self._booked = 0

    def subscribe(self, url: str = URL, events: tuple[str, ...] = ("booking.*",), **more: Any) -> dict[str, Any]:
        """The answer, with the secret. Its address has agreed to hear of events, and the log is empty."""
        wanted = {"name": "Warehouse", "url": url, "events": list(events), **more}
        made = dict(created(self.member.post(SUBSCRIPTIONS, wanted)))
        self.agree(made["id"])
        return made

    def agree(self, subscription_id: str) -> None:
        """As if the address had answered its challenge some time ago."""
        with self.world.stack.postgres.superuser("parley") as superuser:
            superuser.run("UPDATE webhooks_subscriptions SET verified_at = now(), challenge = NULL WHERE id = :id", id=subscription_id)
            superuser.run("DELETE FROM webhooks_deliveries WHERE event = 'webhook.challenge' AND subscription_id = :id", id=subscription_id)

    def book(self) -> str:
        """A booking; the event waits in the outbox."""
        if not self._kind:
            self._kind = event_type(self.member, schedule(self.member))  # type: ignore[arg-type]  # both clients answer alike
        self._booked += 1
        day, slot = 20 + self._booked // 16, self._booked % 16
        start = at(f"{9 + slot // 2:02}:{'30' if slot % 2 else '00'}", day)
        return str(created(Client(self.world).post("/v1/scheduling/bookings", booking(self._kind, start)))["id"])

    def work(self) -> None:
        """The minute's sweep, and then all workers until nothing is left."""
        self.world.invoke("webhooks/sweep_deliveries", {})
        self.world.pump()

    def log(self, **query: Any) -> list[dict[str, Any]]:
        return list(created(self.member.get(DELIVERIES, limit=100, **query))["items"])

    def look(self, delivery_id: str) -> dict[str, Any]:
        return dict(created(self.member.get(f"{DELIVERIES}/{delivery_id}")))

    def subscription(self, subscription_id: str) -> dict[str, Any]:
        return dict(created(self.member.get(f"{SUBSCRIPTIONS}/{subscription_id}")))

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.member.post(path, body, headers)
