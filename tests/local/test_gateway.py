from __future__ import annotations

from typing import Any

import pytest

from local.gateway import Gateway
from local.http_api import Request
from local.invocation import FunctionFailed, FunctionTimedOut, PayloadTooLarge
from local.template import Template

TOKEN = (("Authorization", "Bearer good"),)


class Functions:
    """Stands for the functions: says who was called, or raises what it was told to."""

    def __init__(self) -> None:
        self.called: list[tuple[str, Any]] = []
        self.raises: dict[str, Exception] = {}
        self.authorizer: Any = {"isAuthorized": True, "context": {"actor_id": "1"}}

    def __call__(self, name: str, event: Any) -> Any:
        self.called.append((name, event))
        if name in self.raises:
            raise self.raises[name]
        return self.authorizer if name == "FrontAuthorize" else {"route": event["routeKey"], "parameters": event.get("pathParameters")}

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.called]


@pytest.fixture
def functions() -> Functions:
    return Functions()


@pytest.fixture
def gateway(template: Template, functions: Functions) -> Gateway:
    return Gateway(template, functions)


@pytest.mark.parametrize(
    ("method", "target", "route", "parameters"),
    [
        ("GET", "/things/one", "GET /things/one", None),
        ("GET", "/things/t%C3%BC%2F1?x=1", "GET /things/{thing_id}", {"thing_id": "tü/1"}),
        ("GET", "/files/a/b.txt", "GET /files/{path+}", {"path": "a/b.txt"}),
        ("PATCH", "/open", "ANY /open", None),
        ("POST", "/things/one", "$default", None),
        ("HEAD", "/things/one", "$default", None),
        ("GET", "/things/", "$default", None),
        ("GET", "/things/one/two", "$default", None),
        ("BREW", "//", "$default", None),
    ],
)
def test_the_most_specific_route(gateway: Gateway, method: str, target: str, route: str, parameters: Any) -> None:
    answer = gateway.handle(Request(method, target, TOKEN))
    assert (answer.status, answer.json()) == (200, {"route": route, "parameters": parameters})


def test_no_identity_source_is_401_and_asks_nobody(gateway: Gateway, functions: Functions) -> None:
    answer = gateway.handle(Request("GET", "/things/two"))
    assert (answer.status, answer.json(), functions.called) == (401, {"message": "Unauthorized"}, [])


def test_a_refusal_of_the_authorizer_is_403(gateway: Gateway, functions: Functions) -> None:
    functions.authorizer = {"isAuthorized": False}
    answer = gateway.handle(Request("GET", "/things/two", TOKEN))
    assert (answer.status, answer.json(), functions.names) == (403, {"message": "Forbidden"}, ["FrontAuthorize"])


@pytest.mark.parametrize("wrong", [None, {}, {"isAuthorized": "yes"}, "no"])
def test_an_authorizer_that_says_nothing_clear_is_500(gateway: Gateway, functions: Functions, wrong: Any) -> None:
    functions.authorizer = wrong
    assert gateway.handle(Request("GET", "/things/two", TOKEN)).status == 500


def test_the_authorizers_answer_is_remembered_by_identity(gateway: Gateway, functions: Functions) -> None:
    for _ in range(2):
        gateway.handle(Request("GET", "/things/two", TOKEN))
    gateway.handle(Request("GET", "/things/two", (("authorization", "Bearer other"),)))
    assert functions.names == ["FrontAuthorize", "FrontEcho", "FrontEcho", "FrontAuthorize", "FrontEcho"]
    question, event = functions.called[0][1], functions.called[2][1]
    assert question["type"] == "REQUEST"
    assert question["identitySource"] == ["Bearer good"]
    assert "body" not in question
    assert event["requestContext"]["authorizer"] == {"lambda": {"actor_id": "1"}}


@pytest.mark.parametrize(("raised", "status"), [(FunctionFailed("x"), 500), (FunctionTimedOut("x"), 503), (PayloadTooLarge("x"), 413)])
def test_what_a_failing_function_looks_like(gateway: Gateway, functions: Functions, raised: Exception, status: int) -> None:
    functions.raises["FrontEcho"] = raised
    assert gateway.handle(Request("GET", "/open")).status == status


def test_limits_come_before_everything_else(gateway: Gateway, functions: Functions) -> None:
    assert gateway.handle(Request("POST", "/open", (), b"x" * (10 * 1024 * 1024 + 1))).status == 413
    assert gateway.handle(Request("GET", "/open", (("x", "y" * 11_000),))).status == 431
    assert functions.called == []


def test_cross_origin_rules_are_the_templates(gateway: Gateway, functions: Functions) -> None:
    headers = (("Origin", "https://one.example"), ("Access-Control-Request-Method", "POST"))
    preflight = gateway.handle(Request("OPTIONS", "/things/two", headers))
    assert (preflight.status, preflight.header("access-control-allow-methods"), functions.called) == (204, "GET,POST", [])
    assert gateway.handle(Request("GET", "/open", headers[:1])).header("access-control-allow-origin") == "https://one.example"
    assert gateway.handle(Request("GET", "/open", (("Origin", "https://evil.example"),))).header("access-control-allow-origin") is None
