"""Every answer of a function asks browsers for https alone (RFC 6797): what succeeds, what is refused, pages, and what was never routed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness import Client, Member, World

YEAR = 365 * 24 * 3600


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/identity/me", None, 200),
        ("GET", "/v1/scheduling/bookings/01940000-0000-7000-8000-000000000000", None, 404),
        ("POST", "/v1/scheduling/bookings", {"event_type_id": 1}, 422),
        ("POST", "/v1/scheduling/bookings", b"{", 400),
        ("GET", "/nobody-of-this-name/nothing", None, 404),
        ("GET", "/bookings/none", None, 404),
        ("GET", "/hosts/none", None, 404),
        ("GET", "/v1/there-is-no-such-route", None, 404),
        ("GET", "/.well-known/jwks.json", None, 200),
        ("POST", "/v1/webhooks/whatsapp", b"{}", 401),
    ],
)
def test_every_answer_of_a_function_asks_for_https(world: World, acme: Member, method: str, path: str, body: Any, status: int) -> None:
    client: Client = acme if path.startswith("/v1/identity") or "bookings/" in path else Client(world)
    answer = client.request(method, path, body)
    assert answer.status in {status, 410} if status == 404 else answer.status == status, answer.raw
    policy = answer.headers.get("strict-transport-security", "")
    assert int(policy.partition("max-age=")[2].partition(";")[0] or 0) >= YEAR, (path, policy)
