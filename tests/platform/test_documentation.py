"""The document and its page."""

from __future__ import annotations

import json
import re

from local.emulator import ROOT
from local.openapi import OUTPUT, REFUSALS, document
from tests.harness import Client, World

# The document and its page themselves; what no route answers to; a protocol that describes itself (/scim/v2/Schemas).
UNDOCUMENTED = ("$default", "/docs", "/openapi.json", "/scim/v2/{proxy+}")


def test_the_document_is_the_handlers_own(world: World) -> None:
    made = document(world.template)
    assert json.loads(OUTPUT.read_text()) == json.loads(json.dumps(made)), "It is old: run `make openapi`."


def test_every_route_says_what_it_needs(world: World, stranger: Client) -> None:
    """Whether that is true, `test_permissions` knows."""
    document = stranger.get("/openapi.json").body
    for route in world.template.routes:
        operation = document["paths"].get(route.path, {}).get(route.method.lower())
        if operation is None:
            continue
        if route.authorizer is None:
            assert operation["security"] == [], route
        else:
            [requirement] = operation["security"]
            assert requirement["token"] == [operation["x-parley-scope"]] if "x-parley-scope" in operation else operation["description"]


def test_every_route_is_documented(world: World, stranger: Client) -> None:
    paths = stranger.get("/openapi.json").body["paths"]
    missing = [
        (route.method, route.path)
        for route in world.template.routes
        if route.method.lower() not in paths.get(route.path, {}) and route.path not in UNDOCUMENTED
    ]
    assert missing == []


def test_each_operation_has_a_name_of_its_own(stranger: Client) -> None:
    paths = stranger.get("/openapi.json").body["paths"]
    names = [operation["operationId"] for operations in paths.values() for operation in operations.values()]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    assert {"create_schedule", "get_schedule", "list_schedules"} <= set(names)


def test_who_has_nothing_to_say_needs_no_body(stranger: Client) -> None:
    document = stranger.get("/openapi.json").body
    wanting = {
        path
        for path, operations in document["paths"].items()
        if operations.get("post", {}).get("requestBody", {}).get("required")
        for content in operations["post"]["requestBody"]["content"].values()
        for name in [content["schema"].get("$ref", "").rpartition("/")[2]]
        if name and not document["components"]["schemas"][name].get("required")
    }
    # One of two proofs; a media type that no other site's form can send; answers, of a form that may ask nothing.
    assert wanting == {"/v1/auth/recovery-codes", "/v1/auth/refresh", "/v1/scheduling/routing-forms/{form_id}/submissions"}


def test_every_status_of_a_refusal_is_documented() -> None:
    sources = (ROOT / "shared" / "parley").rglob("*.py")
    statuses = {status for source in sources for status in re.findall(r"^    status(?:: .+)? = (\d{3})$", source.read_text(), re.MULTILINE)}
    # A fault is promised by nobody; a method that is not there belongs to no route.
    assert statuses - {"405", "500"} == REFUSALS.keys()


def test_the_page_carries_everything_in_itself(stranger: Client) -> None:
    page = stranger.get("/docs")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert '<html lang="en">' in page.body and "<title>Parley API</title>" in page.body
    assert "/v1/scheduling/bookings" in page.body
    assert 'updateUrl("/openapi.json")' in page.body


def test_health_answers_when_the_database_does(stranger: Client) -> None:
    answer = stranger.get("/health")
    assert (answer.status, answer.body) == (200, {"status": "ok"})
