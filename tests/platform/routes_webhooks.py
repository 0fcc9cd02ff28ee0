"""webhooks: a request for each route, and the ids that its paths take."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from parley.kernel.values.ids import new_id
from tests.webhooks.webhook_scenarios import WebhookScenario

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.platform.every_route import Request, SeededOrganization

SUBSCRIPTIONS = "/v1/webhooks/subscriptions"
DELIVERIES = "/v1/webhooks/deliveries"
# Nobody listens there, and nobody is asked: what these requests announce is not pumped.
_numbers = itertools.count()


def wanted() -> dict[str, Any]:
    """Each at a host of its own: how many new addresses at one are asked is limited."""
    url = f"https://8.8.{next(_numbers) % 250}.8/hook"
    return {"name": "Warehouse", "url": url, "events": ["booking.*"], "headers": {"X-Tenant": "acme"}}


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    member = house.member

    def post(path: str, wanted: Any) -> Request:
        headers = {"idempotency-key": str(new_id())}
        return lambda: member.post(path, wanted, headers)

    def at(method: str, path: str, wanted: Any = None) -> Request:
        return lambda: member.request(method, path, wanted)

    def subscription_path() -> str:
        return f"{SUBSCRIPTIONS}/{subscription_of(member)}"

    def disabled() -> str:
        path = subscription_path()
        member.patch(path, {"is_active": False})
        return path

    since = {"since": "2026-01-01T00:00:00Z"}
    subscription, delivery = f"{SUBSCRIPTIONS}/{{subscription_id}}", f"{DELIVERIES}/{{delivery_id}}"
    return {
        f"POST {SUBSCRIPTIONS}": lambda: post(SUBSCRIPTIONS, wanted()),
        f"GET {SUBSCRIPTIONS}": lambda: lambda: member.get(SUBSCRIPTIONS, limit=100),
        f"GET {subscription}": lambda: at("GET", subscription_path()),
        f"PATCH {subscription}": lambda: at(
            "PATCH", subscription_path(), {"name": "Shop", "headers": {"X-Tenant": "b"}, "is_active": False}
        ),
        f"DELETE {subscription}": lambda: at("DELETE", subscription_path()),
        f"POST {subscription}/rotate-secret": lambda: post(f"{subscription_path()}/rotate-secret", {}),
        f"POST {subscription}/enable": lambda: post(f"{disabled()}/enable", {}),
        f"POST {subscription}/ping": lambda: post(f"{subscription_path()}/ping", {}),
        f"POST {subscription}/replay-failed": lambda: post(f"{subscription_path()}/replay-failed", since),
        f"GET {DELIVERIES}": lambda: lambda: member.get(DELIVERIES, limit=100),
        f"GET {delivery}": lambda: at("GET", f"{DELIVERIES}/{delivery_of(member)}"),
        f"POST {delivery}/replay": lambda: post(f"{DELIVERIES}/{delivery_of(member)}/replay", {}),
    }


def subscription_of(member: Member) -> str:
    answer = member.post(SUBSCRIPTIONS, wanted())
    assert answer.status == 201, answer.raw
    return str(answer.body["id"])


def delivery_of(member: Member) -> str:
    subscription_id = subscription_of(member)
    WebhookScenario(member.world, member).agree(subscription_id)
    answer = member.post(f"{SUBSCRIPTIONS}/{subscription_id}/ping")
    assert answer.status == 202, answer.raw
    return str(answer.body["id"])


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    return {"subscription_id": subscription_of(member), "delivery_id": delivery_of(member)}


BODIES: dict[str, Any] = {"{subscription_id}": {"name": "Shop"}, "replay-failed": {"since": "2026-01-01T00:00:00Z"}}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""


def _subscriptions(house: SeededOrganization, count: int) -> None:
    for _ in range(count):
        subscription_of(house.member)


def _deliveries(house: SeededOrganization, count: int) -> None:
    subscription_id = subscription_of(house.member)
    for _ in range(count):
        house.member.post(f"{SUBSCRIPTIONS}/{subscription_id}/ping")


LISTS: dict[str, Callable[[SeededOrganization, int], None]] = {f"GET {SUBSCRIPTIONS}": _subscriptions, f"GET {DELIVERIES}": _deliveries}
"""Lists, and what adds so many rows to them."""
