"""Where a request comes from: what the gateway saw, and of what proxies say nothing but what a trusted one wrote."""

from __future__ import annotations

from typing import Any

import pytest

from local.http_api import Request
from parley.kernel.access import rate_limits, visitor_limits
from parley.kernel.edge.request_context import address_of, visitor_of
from parley.kernel.values import networks
from tests.harness import Client, World

PROXIES = "203.0.113.0/24, 2001:db8:ffff::/48"
EDGE, INNER = "203.0.113.9", "2001:db8:ffff::1"
EYE, OTHER = "198.51.100.7", "198.51.100.8"


def event(source: str | None, **headers: str) -> dict[str, Any]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"routeKey": "GET /x", "headers": names, "requestContext": {"http": {"sourceIp": source, "userAgent": "test"}}}


@pytest.mark.parametrize(
    ("source", "forwarded", "address"),
    [
        (EYE, "", EYE),
        (EYE, OTHER, EYE),  # who comes by no proxy says of itself what it likes
        (EDGE, "", EDGE),
        (EDGE, EYE, EYE),
        (EDGE, f"{OTHER}, {EYE}", EYE),  # what the proxy wrote is the last; the client wrote what stands before
        (EDGE, f"{EYE}, {INNER}", EYE),
        (EDGE, f"{OTHER},{EYE},{INNER},{EDGE}", EYE),
        (INNER, f"  {EYE}  ", EYE),
        (EDGE, f"{EYE},,", EYE),
        (EDGE, ", ,", EDGE),
        (EDGE, f"{EDGE}, {INNER}", EDGE),  # a request of the proxies' own
        (EDGE, "unknown", EDGE),
        (EDGE, f"{EYE}, unknown", EDGE),
        (EDGE, f"{EYE}:4711", EDGE),
        (EDGE, "[2001:db8::1]:443", EDGE),
        (EDGE, "'; DROP TABLE users; --", EDGE),
        (EDGE, "999.1.1.1", EDGE),
        (EDGE, "1", EDGE),
        (EDGE, "198.51.100.007", EDGE),
        (EDGE, "x" * 100_000, EDGE),
        (EDGE, f"unknown, {EYE}", EYE),
        (EDGE, "2001:db8::7", "2001:db8::7"),
    ],
)
def test_what_a_trusted_proxy_saw_is_believed_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, source: str, forwarded: str, address: str
) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", PROXIES)
    assert address_of(event(source, x_forwarded_for=forwarded)) == address
    assert address_of(event(source, X_Forwarded_For=forwarded)) == address
    monkeypatch.delenv("TRUSTED_PROXIES")
    assert address_of(event(source, x_forwarded_for=forwarded)) == source


@pytest.mark.parametrize("request_event", [{}, {"requestContext": {}}, {"requestContext": {"http": {}}}, event(None), event("")])
@pytest.mark.usefixtures("world")
def test_a_request_from_nowhere_has_no_address_and_is_counted_as_one_visitor(
    monkeypatch: pytest.MonkeyPatch, request_event: dict[str, Any]
) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", PROXIES)
    monkeypatch.setenv("UNLIMITED_NETWORKS", "127.0.0.0/8")
    assert address_of(request_event) is None
    limits = visitor_of(dict(request_event)).dues
    assert limits is not None and not limits.is_unlimited
    assert limits.network == visitor_limits.of_request("GET /x", None).network


@pytest.mark.parametrize(
    ("text", "address", "is_inside"),
    [
        ("", EYE, False),
        (" , ", EYE, False),
        ("198.51.100.7", EYE, True),
        ("198.51.100.7/24", OTHER, True),
        ("198.51.100.8/31", EYE, False),
        ("0.0.0.0/0", EYE, True),
        ("::/0", EYE, False),
        ("::/0", "2001:db8::1", True),
        (f"10.0.0.0/8,{EYE}", EYE, True),
        ("10.0.0.0/8", None, False),
        ("10.0.0.0/8", "", False),
    ],
)
def test_a_network_of_a_setting(monkeypatch: pytest.MonkeyPatch, text: str, address: str | None, is_inside: bool) -> None:
    monkeypatch.setenv("SOME_NETWORKS", text)
    assert networks.contains_address(networks.from_setting("SOME_NETWORKS"), address) is is_inside


@pytest.mark.parametrize("text", ["10.0.0.0/33", "x", "10.0.0/8", "2001:db8::/129", "10.0.0.0/8;11.0.0.0/8"])
def test_a_setting_that_is_no_network_is_not_passed_over(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Else whoever it was to name would be counted, or trusted, in silence."""
    monkeypatch.setenv("SOME_NETWORKS", text)
    with pytest.raises(ValueError, match="does not appear to be"):
        networks.from_setting("SOME_NETWORKS")


def test_a_visitor_is_counted_by_the_address_that_the_proxy_saw(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", PROXIES)
    monkeypatch.setenv("UNLIMITED_NETWORKS", "")
    monkeypatch.setattr(visitor_limits, "READS_PER_NETWORK", rate_limits.RateLimit("requests", "requests", most=2, seconds=1000))
    path = "/v1/scheduling/managed-bookings/none"

    def status(source: str, forwarded: str) -> int:
        return world.gateway.handle(Request("GET", path, (("x-forwarded-for", forwarded),), b"", source)).status

    assert [status(EDGE, EYE) for _ in range(4)] == [404, 404, 429, 429]
    assert status(EDGE, OTHER) == 404, "another visitor behind the same proxy"
    assert status(INNER, EYE) == 429, "the same one by another proxy"
    assert status(EDGE, f"{OTHER}, {EYE}") == 429, "whatever it says of itself"
    assert [status("192.0.2.77", f"10.0.0.{number}") for number in range(3)] == [404, 404, 429], "nor without a proxy"


def test_what_browsers_and_programs_send_beside_is_bounded(world: World) -> None:
    headers = {"accept-language": "de" * 1000, "user-agent": "\u202eagent\x07" + "x" * 1000}
    answer = Client(world).request("GET", "/v1/scheduling/managed-bookings/none", None, headers)
    assert answer.status == 404
    seen = event(EYE, Accept_Language=headers["accept-language"])
    seen["requestContext"]["http"]["userAgent"] = headers["user-agent"]
    visitor = visitor_of(seen)
    assert len(visitor.accept_language or "") == 500 and len(visitor.user_agent or "") == 300
    assert (visitor.user_agent or "").isprintable()
    assert visitor_of(seen) is visitor
