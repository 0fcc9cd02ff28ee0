"""What every route owes a client, as rules over all of them: HEAD, a slash at the end, where a thing lies, deletion, other origins."""

from __future__ import annotations

from typing import Any

import pytest

from local.routing import Router
from local.template import Route
from parley.kernel.edge.http import Api
from tests.harness import Client, Member, World
from tests.platform.every_route import SeededOrganization
from tests.platform.test_face_of_routes import filled, handler_of, name_of, routed

ROUTES, ROOM = 300, 0.8  # an API Gateway HTTP API's quota, and how much of it may be used
WITHOUT_LOCATION = {
    "POST /v1/auth/totp": "A secret that is shown once.",
    "POST /v1/identity/organizations": "It has an address for who works for it alone: switch, then GET /v1/identity/organization.",
    "POST /v1/identity/teams/{team_id}/members": "A membership is seen in the team's list.",
    "POST /v1/scheduling/event-types/{event_type_id}/holds": "A hold is known by its token alone.",
    "POST /v1/scheduling/managed-bookings/{token}/reschedule": "The link of the new booking comes by mail, which proves the address.",
    "POST /v1/recordings/meetings/{meeting_id}/uploads": "An upload is seen by its parts, and as the recording that it becomes.",
    "POST /v1/recordings/{recording_id}/downloads": "An address for minutes, in the answer.",
    "POST /v1/scim/token": "Tokens are seen in GET /v1/scim.",
}
"""Routes that answer 201 and whose thing has no GET of its own, and why."""
ANOTHERS = {"POST /v1/scheduling/calendars"}
"""What `every_route` has made by a colleague, who alone sees it."""
REPORTS = {"DELETE /v1/scheduling/invitees/{invitee_id}": "It answers how much was erased, which nobody can ask for afterwards."}
"""Routes that delete and do not answer 204, and why."""
ALWAYS_READ = {"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"}
"""What a page elsewhere may read of any answer (Fetch, 2.2.2: CORS-safelisted response-header names)."""
FOR_BROWSERS = {"x-content-type-options", "strict-transport-security", "vary", "set-cookie"}


def succeeds_with(app: Api, status: int) -> bool:
    handler = handler_of(app)
    return handler.status_code == status or status in (handler.responses or {})


def is_opened(route: Route) -> bool:
    """By browsers, mail programs and monitors; or so short that HEAD would take it for the page of an event type."""
    return route.method == "GET" and ((route.authorizer is None and not route.path.startswith("/v1/")) or route.path.count("/") <= 2)


@pytest.fixture(scope="module")
def house(world: World) -> SeededOrganization:
    return SeededOrganization(world, world.organization("Acme"))


def test_head_is_answered_like_get_where_something_is_opened(world: World, house: SeededOrganization) -> None:
    opened = [route for route in world.template.routes if is_opened(route)]
    assert {(head.path, head.function, head.authorizer) for head in world.template.heads} == {
        (route.path, route.function, route.authorizer) for route in opened
    }
    assert len(world.template.routes) + len(world.template.heads) <= ROOM * ROUTES
    page = f"/{house.member.get('/v1/identity/organization').body['slug']}"
    for path in [*(filled(route) for route in opened), page]:
        get, head = (house.member.request(method, path) for method in ("GET", "HEAD"))
        volatile = {"apigw-requestid", "set-cookie", "location", "content-security-policy", "ratelimit"}  # each has its own
        seen, same = ({name: value for name, value in answer.headers.items() if name not in volatile} for answer in (get, head))
        assert (head.status, head.raw, same) == (get.status, b"", seen), path
    assert Client(world).request("HEAD", page).status == 200


def test_head_is_refused_elsewhere_with_what_is_allowed(world: World, acme: Member) -> None:
    for route, _ in routed(world):
        if route.method == "GET" and not is_opened(route):
            answer = acme.request("HEAD", filled(route))
            assert answer.status == 405 and "GET" in answer.headers["allow"].split(", "), (name_of(route), answer.status)


def test_a_slash_at_the_end_leads_to_the_address_without_it(world: World, acme: Member) -> None:
    for route, _ in routed(world):
        path = filled(route)
        for target, address in ((f"{path}/", path), (f"{path}//?a=b%20c", f"{path}?a=b%20c")):
            answer = acme.request(route.method, target)
            assert (answer.status, answer.headers.get("location")) == (308, address), (name_of(route), answer.raw)
    for hostile in ("//evil.example/", "///evil.example//", "/v1//evil.example/", "/\\evil.example/"):
        assert not acme.get(hostile).headers.get("location", "/").startswith(("//", "/\\", "http")), hostile
    assert acme.get("/v1/nothing/").status == 404


def test_who_makes_a_thing_is_told_where_it_lies(world: World, house: SeededOrganization) -> None:
    requests, router = house.requests(), Router(world.template.routes)
    made: dict[str, Api] = {name_of(route): app for route, app in routed(world) if succeeds_with(app, 201)}
    assert {name for name, app in made.items() if not app.location} == WITHOUT_LOCATION.keys()
    for name, app in made.items():
        answer = requests[name]()()
        assert answer.status == 201, (name, answer.raw)
        if not app.location:
            assert "location" not in answer.headers, name
            continue
        matched = router.match("GET", answer.headers["location"])
        assert matched is not None and matched[0].path.startswith("/v1/"), (name, answer.headers["location"])
        if name in ANOTHERS:
            continue
        seen = house.member.get(answer.headers["location"])
        assert seen.status == 200 and seen.body["id"] in answer.raw.decode(), (name, answer.headers["location"], seen.raw)
    assert len(made) - len(WITHOUT_LOCATION) >= 19


def test_a_replayed_answer_says_where_the_thing_lies_too(acme: Member) -> None:
    wanted, key = {"name": "x", "timezone": "UTC", "slots": []}, {"idempotency-key": "where"}
    first, again = (acme.post("/v1/scheduling/schedules", wanted, key) for _ in range(2))
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["location"] == again.headers["location"] == f"/v1/scheduling/schedules/{first.body['id']}"


def test_what_deletes_answers_204(world: World) -> None:
    deleting: dict[str, Api] = {name_of(route): app for route, app in routed(world) if route.method == "DELETE"}
    assert {name for name, app in deleting.items() if not succeeds_with(app, 204)} == REPORTS.keys()
    assert len(deleting) > 20 and all(len(reason) > 20 for reason in (*REPORTS.values(), *WITHOUT_LOCATION.values()))


def test_a_page_elsewhere_reads_every_header_that_an_answer_has(world: World, acme: Member, house: SeededOrganization) -> None:
    origin: dict[str, Any] = {"origin": "https://app.example"}
    schedule = {"name": "x", "timezone": "UTC", "slots": []}
    answers = [
        acme.post("/v1/scheduling/schedules", schedule, origin | {"idempotency-key": "1"}),
        acme.post("/v1/scheduling/schedules", schedule, origin | {"idempotency-key": "1"}),
        acme.get("/v1/scheduling/bookings/", origin),
        acme.get("/v1/scheduling/bookings.csv", origin),
        Client(world, "e30.e30.e30").get("/v1/identity/me", origin),
        acme.request("PUT", "/v1/scheduling/bookings", {}, origin),
    ]
    assert [answer.status for answer in answers] == [201, 201, 308, 200, 401, 405]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = set(answer.headers["access-control-expose-headers"].split(","))
        hidden = {name for name in answer.headers if not name.startswith("access-control-")} - exposed - ALWAYS_READ - FOR_BROWSERS
        assert not hidden, (answer.status, hidden)
    requested = origin | {"access-control-request-method": "DELETE", "access-control-request-headers": "authorization,idempotency-key"}
    preflight = Client(world).request("OPTIONS", "/v1/scheduling/bookings", headers=requested)
    assert preflight.status == 204
    assert {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} == set(preflight.headers["access-control-allow-methods"].split(","))
    assert {"authorization", "content-type", "idempotency-key"} == set(preflight.headers["access-control-allow-headers"].split(","))
