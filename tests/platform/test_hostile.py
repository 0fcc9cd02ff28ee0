"""What nobody should send, sent to every route: a problem document with a status of the fours, never a fault."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pydantic_core._pydantic_core import list_all_errors

from local.routing import Router
from parley.kernel.values.ids import new_id
from tests.harness import Answer, Client, Member, World
from tests.platform.every_route import NO_LISTS

HOSTILE_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"{",
    "a number": b"1",
    "null": b"null",
    "a list": b"[]",
    "a list with nothing in it": b"[null]",
    "NaN": b'{"start_time": NaN}',
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "a NUL": b'{"name": "a\\u0000b"}',
    "a raw NUL": b'{"name": "a\x00b"}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "nested deeply": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "lists nested deeply": b"[" * 100_000,
    "a megabyte of text": json.dumps({"name": "x" * 1024 * 1024}).encode(),
    "an enormous number": b'{"duration": ' + b"9" * 5000 + b"}",
    "a prototype": b'{"__proto__": {"a": 1}, "constructor": {}}',
    "doubled keys": b'{"name": 1, "name": 2}',
}
KINDS = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
ALSO_JSON = ("application/json; charset=utf-16", "")  # read like it, so they are tried with what is no text and with what is no JSON
WRONG_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    " ",
    "x" * 10_000,
    [],
    {},
    ["x"],
    {"x": 1},
    "\u202e",
    "'; DROP TABLE users; --",
    "../../etc",
]
HOSTILE_TEXTS = ["%00", "%ff", "..%2f..", "%F0%9F%92%A9", "a" * 3000, "'%20OR%201=1", "%0d%0aset-cookie:x", "null", "-1"]


_PREVIEW = "/v1/scheduling/workflows/preview"
THEIRS = re.compile(
    "|".join(
        re.sub(r"\\{.*?\\}", ".*", re.escape(error["message_template_python"]))
        for error in list_all_errors()
        if error["type"] not in ("value_error", "assertion_error")  # what our validators say, behind a word or two
    )
)
"""What the validator says by itself."""
ALONE = {(_PREVIEW, "subject"), (_PREVIEW, "body"), (_PREVIEW, "booking_id"), ("/v1/scheduling/routing-forms", "name")}
"""Fields that are all that a request needs."""


def is_clear(answer: Answer) -> bool:
    """Refused by us with a problem document, or by the gateway with its message, in words for people; or accepted."""
    if answer.status < 400:
        return True
    kind = answer.headers.get("content-type", "")
    if kind == "application/problem+json" and any(THEIRS.fullmatch(error.get("msg", "")) for error in answer.body.get("errors", [])):
        return False
    return answer.status < 500 and (
        (kind == "application/problem+json" and {"title", "status", "code", "detail"} <= answer.body.keys())
        or (kind == "application/scim+json" and {"schemas", "status", "detail"} <= answer.body.keys())
        or (kind == "application/json" and "message" in answer.body)
        or kind.startswith("text/html")
    )


def routes(world: World) -> list[tuple[str, str, bool]]:
    """The one that closes the house to its owner comes last."""
    entries = [(route.method, route.path, route.authorizer is None) for route in world.template.routes if route.path != "$default"]
    return sorted(entries, key=lambda route: route[:2] == ("DELETE", "/v1/identity/organization"))


def filled(path: str, value: str) -> str:
    return "/".join(value if part.startswith("{") else part for part in path.split("/"))


@pytest.fixture(scope="module")
def kinds_taken(world: World) -> dict[tuple[str, str], list[str]]:
    """The media types that each route does not refuse for being what they are."""
    acme, stranger = world.organization("Acme"), Client(world)
    taken: dict[tuple[str, str], list[str]] = {}
    for method, path, is_public in routes(world):
        for kind in KINDS:
            who, target = stranger if is_public else acme, filled(path, str(new_id()))
            answer = who.request(method, target, b'{"name":', {"content-type": kind})
            assert is_clear(answer), (method, path, kind, answer.status, answer.raw[:300])
            if answer.status != 415:
                taken.setdefault((method, path), []).append(kind)
    return taken


@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_hostile_bodies(world: World, acme: Member, stranger: Client, kinds_taken: dict[tuple[str, str], list[str]], name: str) -> None:
    for method, path, is_public in routes(world):
        for kind in (*kinds_taken[method, path], *(ALSO_JSON if name in {"not UTF-8", "not JSON"} else ())):
            who = stranger if is_public else acme
            answer = who.request(method, filled(path, str(new_id())), HOSTILE_BODIES[name], {"content-type": kind} if kind else {})
            assert is_clear(answer), (method, path, kind, answer.status, answer.raw[:300])


def test_hostile_paths_and_queries(world: World, acme: Member, stranger: Client) -> None:
    parameters = {
        (method.upper(), path): [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"]
        for path, operations in stranger.get("/openapi.json").body["paths"].items()
        for method, operation in operations.items()
    }
    assert sum(len(names) for names in parameters.values()) > 60
    for method, path, is_public in routes(world):
        who = stranger if is_public else acme
        for text in HOSTILE_TEXTS:
            query = "&".join(f"{name}={text}" for name in parameters.get((method, path)) or ["cursor"])
            answers = [who.request(method, f"{filled(path, str(new_id()))}?{query}")]
            if "{" in path:
                answers.append(who.request(method, filled(path, text)))
            for answer in answers:
                assert is_clear(answer), (method, path, text, answer.status, answer.raw[:300])


def schemas_of(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    return dict(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]) if "$ref" in schema else schema


def test_wrong_values_in_every_field(world: World, acme: Member, stranger: Client) -> None:
    document = stranger.get("/openapi.json").body
    router = Router(world.template.routes)
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            matched = router.match(method.upper(), filled(path, str(new_id())))
            if not content or matched is None:
                continue
            who = stranger if matched[0].authorizer is None else acme
            for name in schemas_of(document, content["schema"]).get("properties", {}):
                for value in WRONG_VALUES:
                    answer = who.request(method.upper(), filled(path, str(new_id())), {name: value})
                    # One field alone may be a change, or all that is needed.
                    is_refused = answer.status >= 400 or method == "patch" or (path, name) in ALONE
                    assert is_clear(answer) and is_refused, (method, path, name, value, answer.status, answer.raw[:300])
                    tried += 1
    assert tried > 300


@pytest.mark.parametrize("cursor", ["x", "e30", "W10", "WyJhIl0", "bnVsbA", "WzFd" * 100, "%00", "=", "🙂", "W1sxXSwyXQ"])
def test_bad_cursors(world: World, acme: Member, cursor: str) -> None:
    for method, path, is_public in routes(world):
        if method == "GET" and not is_public and "{" not in path and path not in NO_LISTS:
            answer = acme.get(path, cursor=cursor)
            assert answer.status in (400, 422) and answer.headers["content-type"] == "application/problem+json", (path, answer.status)


def test_unknown_addresses_and_methods(world: World, acme: Member, stranger: Client) -> None:
    missing = stranger.get("/v1/nothing")
    assert (missing.status, missing.headers["content-type"], missing.body["code"]) == (404, "application/problem+json", "no_such_route")
    for method in ("PUT", "PATCH", "DELETE", "POST", "TRACE", "BREW"):
        refused = stranger.request(method, "/health")
        assert (refused.status, refused.headers["allow"], refused.body["code"]) == (405, "GET, HEAD", "method_not_allowed")


def test_a_media_type_is_read_in_letters_of_either_case(acme: Member) -> None:
    wanted = b'{"name": "x", "timezone": "UTC", "slots": []}'
    for kind in ("Application/JSON", "APPLICATION/JSON; charset=UTF-8", "application/json ;charset=utf-8"):
        answer = acme.request("POST", "/v1/scheduling/schedules", wanted, {"content-type": kind})
        assert answer.status == 201, (kind, answer.raw)


def test_a_number_too_long_to_read_is_refused_in_our_words(acme: Member) -> None:
    answer = acme.request("POST", "/v1/scheduling/schedules", b'{"name": ' + b"9" * 5000 + b"}", {"content-type": "application/json"})
    assert (answer.status, answer.body["code"]) == (400, "malformed_json") and "sys." not in answer.body["detail"]


def test_a_body_is_measured_in_bytes(acme: Member) -> None:
    answer = acme.post("/v1/scheduling/schedules", {"name": "é" * 200_000})
    plain = acme.request(
        "POST", "/v1/scheduling/schedules", ('{"name": "' + "é" * 200_000 + '"}').encode(), {"content-type": "application/json"}
    )
    assert (answer.status, plain.status) == (413, 413)


@pytest.mark.parametrize("key", ["", "x" * 256, "ünï", "a\tb"])
def test_bad_idempotency_keys(acme: Member, key: str) -> None:
    answer = acme.post("/v1/scheduling/schedules", {"name": "x", "timezone": "UTC", "slots": []}, {"idempotency-key": key})
    assert (answer.status, answer.body["code"]) == (400, "bad_idempotency_key")


def test_no_answer_names_the_machinery(world: World, acme: Member) -> None:
    for method, path, _ in routes(world):
        text = acme.request(method, filled(path, "not-an-id"), b"{}", {"content-type": "application/json"}).raw.decode().lower()
        assert not [word for word in ("traceback", "sqlalchemy", "pg8000", "pydantic", "powertools", "psql") if word in text], (
            method,
            path,
        )
