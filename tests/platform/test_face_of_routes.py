"""What every route owes a client, as rules over the template's routes: query parameters, tokens that name nobody, words of refusals."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic_core._pydantic_core import list_all_errors

from local import handlers
from local.template import Route
from parley.identity.keys.api_key_format import make
from parley.kernel.edge.http import Api, Protocol
from parley.kernel.edge.validation_messages import OURS, SENTENCES, sentence
from parley.kernel.values.ids import new_id
from tests.harness import Answer, Client, Member, World
from tests.kernel.postgres_proxy import wired

OPEN_QUERIES = {
    "GET /v1/auth/providers/{provider}/callback",
    "POST /v1/auth/providers/{provider}/callback",
    "GET /v1/auth/providers/{provider}/complete",
    "GET /v1/scheduling/calendars/connect/{provider}/callback",
    "POST /v1/scheduling/calendars/push/google/{channel}",
    "POST /v1/scheduling/calendars/push/microsoft/{channel}",
    "GET /v1/webhooks/whatsapp",
    "POST /v1/webhooks/whatsapp",
    "POST /v1/webhooks/payments",
}
"""Routes under /v1/ whose addresses others write. docs/api.md says why."""


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def app_of(world: World, route: Route) -> Api | Protocol | None:
    function = world.template.functions[route.function]
    handlers.load(function)
    app: Api | Protocol | None = getattr(sys.modules[f"functions.{function.folder.name}.{function.module}"], "app", None)
    return app


def routed(world: World) -> list[tuple[Route, Api]]:
    """All routes but SCIM's, whose protocol is another's, and the one for what is not there."""
    apps = [(route, app_of(world, route)) for route in world.template.routes]
    assert {name_of(route) for route, app in apps if not isinstance(app, Api)} == {"ANY /scim/v2/{proxy+}", "ANY $default"}
    return [(route, app) for route, app in apps if isinstance(app, Api)]


def handler_of(app: Api) -> Any:
    """Its route as Powertools keeps it; a function has one."""
    [route] = [*app._static_routes, *app._dynamic_routes]
    return route


def parameters_of(app: Api) -> list[str]:
    return [field.alias for field in handler_of(app).dependant.query_params]


def filled(route: Route) -> str:
    return "/".join(str(new_id()) if part.startswith("{") else part for part in route.path.split("/"))


def request(client: Client, route: Route, query: dict[str, str]) -> Answer:
    body: Any = None if route.method in ("GET", "DELETE") else {}
    return client.request(route.method, filled(route), body, query=query)


# --- query parameters --------------------------------------------------------------------------------------------------------------------


def test_a_parameter_that_a_route_does_not_take_is_refused_with_its_name(world: World, acme: Member, stranger: Client) -> None:
    refused = 0
    for route, _ in routed(world):
        if not route.path.startswith("/v1/") or name_of(route) in OPEN_QUERIES:
            continue
        answer = request(stranger if route.authorizer is None else acme, route, {"staus": "CANCELED", "zz": "1"})
        assert (answer.status, answer.body["code"]) == (422, "invalid_request"), (name_of(route), answer.raw)
        assert answer.body["detail"].startswith("The query parameter staus is not one of this route"), (name_of(route), answer.raw)
        unknown = [error["loc"] for error in answer.body["errors"] if error["loc"][0] == "query" and error["type"] == "extra_forbidden"]
        assert unknown == [["query", "staus"], ["query", "zz"]], (name_of(route), answer.raw)
        refused += 1
    assert refused > 150


def test_the_nearest_parameter_is_named(world: World, acme: Member, stranger: Client) -> None:
    misspelled = 0
    for route, app in routed(world):
        for name in parameters_of(app):
            if name_of(route) in OPEN_QUERIES or not route.path.startswith("/v1/"):
                continue
            wrong = name[:-1] if len(name) > 2 else f"{name}{name[-1]}"
            answer = request(stranger if route.authorizer is None else acme, route, {wrong: "x"})
            assert answer.status == 422 and answer.body["detail"].endswith(f"did you mean {name}?"), (name_of(route), wrong, answer.raw)
            misspelled += 1
    assert misspelled > 60


def test_routes_whose_address_others_write_take_any_parameter(world: World, stranger: Client) -> None:
    """And say why. Pages and files, outside of /v1/, are opened by browsers, mail programs and monitors, which add their own."""
    reasons = {name_of(route): app.open_query for route, app in routed(world) if app.open_query}
    assert reasons.keys() == OPEN_QUERIES and all(len(reason) > 20 for reason in reasons.values())
    for route, _ in routed(world):
        if name_of(route) in OPEN_QUERIES or not route.path.startswith("/v1/"):
            answer = request(stranger, route, {"utm_source": "letter", "fbclid": "x"})
            assert b"is not one of this route" not in answer.raw, name_of(route)


def test_a_misspelled_filter_does_not_answer_everything(acme: Member) -> None:
    answer = acme.get("/v1/scheduling/bookings", staus="CANCELED")
    assert answer.status == 422
    assert answer.body["detail"] == "The query parameter staus is not one of this route; did you mean status?"
    nothing_near = acme.get("/v1/identity/me", verbose="1").body["detail"]
    assert nothing_near == "The query parameter verbose is not one of this route, which takes none."


# --- tokens that name nobody -------------------------------------------------------------------------------------------------------------

BROKEN = {
    "Basic YTpi": "no_bearer_token",
    "Bearer": "no_bearer_token",
    "Token x": "no_bearer_token",
    "Bearer e30.e30.e30": "invalid_bearer_token",
    "Bearer a b": "invalid_bearer_token",
    "bearer \u00fc": "invalid_bearer_token",
    "Bearer parley_test_x": "malformed_key",
}


def is_challenged(answer: Answer, code: str) -> bool:
    """401, a problem document (or SCIM's own form), and the challenge of RFC 6750."""
    challenge = answer.headers.get("www-authenticate", "")
    kind = answer.headers["content-type"]
    is_told = answer.body.get("code") == code if kind == "application/problem+json" else kind == "application/scim+json"
    is_error = 'error="invalid_token"' in challenge
    return answer.status == 401 and is_told and challenge.startswith('Bearer realm="parley"') and is_error == (code != "no_bearer_token")


def test_a_token_that_names_nobody_is_challenged_on_every_route(world: World, acme: Member) -> None:
    over = world.token(acme.organization_id, acme.user_id, "OWNER", now=datetime.now(UTC) - timedelta(hours=1))
    headers = BROKEN | {f"Bearer {over}": "token_expired", f"Bearer {make(new_id())}": "unknown_key"}
    routes = [route for route in world.template.routes if route.authorizer is not None]
    for header in headers:  # what an API key costs the authorizer once, it remembers
        Client(world).request("GET", "/v1/identity/me", headers={"authorization": header})
    with wired() as wire:
        for route in routes:
            for header, code in headers.items():
                answer = Client(world).request(
                    "GET" if route.method == "ANY" else route.method, filled(route), headers={"authorization": header}
                )
                assert is_challenged(answer, code), (name_of(route), header, answer.status, answer.headers, answer.raw)
        assert wire.round_trips == 0
    assert len(routes) > 140


def test_public_routes_stay_public_whatever_token_comes(world: World) -> None:
    for route in world.template.routes:
        if route.authorizer is None and route.method == "GET":
            plain = Client(world).request("GET", filled(route))
            with_token = Client(world).request("GET", filled(route), headers={"authorization": "Bearer e30.e30.e30"})
            assert (with_token.status, with_token.headers.get("www-authenticate")) == (plain.status, plain.headers.get("www-authenticate"))


def test_a_key_of_a_deleted_organization_is_challenged(world: World) -> None:
    owner = world.organization("Gone")
    key = owner.key("schedules:read")
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run("UPDATE organizations SET deleted_at = now() WHERE id = :id", id=owner.organization_id)
    assert is_challenged(key.get("/v1/scheduling/schedules"), "unknown_key")


def test_what_is_remembered_of_one_token_is_nothing_to_another(world: World, acme: Member) -> None:
    """The gateway remembers by the header alone: nobody, somebody, nobody again."""
    good, wrong = str(acme.token), f"{acme.token}x"
    statuses = [Client(world, token).get("/v1/identity/me").status for token in (wrong, good, wrong, good)]
    assert statuses == [401, 200, 401, 200]
    assert Client(world).get("/v1/identity/me").body == {"message": "Unauthorized"}  # the gateway asks nobody about nothing


def test_a_missing_scope_is_named_in_the_challenge(acme: Member) -> None:
    refused = acme.key("schedules:read").get("/v1/scheduling/bookings")
    assert (refused.status, refused.body["code"]) == (403, "missing_scope")
    assert refused.headers["www-authenticate"] == 'Bearer realm="parley", error="insufficient_scope", scope="bookings:read"'


# --- words -------------------------------------------------------------------------------------------------------------------------------

_BOUNDS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of"}
_OUR_OWN = {"value_error"}
MAKES: dict[str, set[str]] = {
    "str": {"string_type", "string_unicode", "string_too_short", "string_too_long", "string_pattern_mismatch"},
    "int": {"int_type", "int_parsing", "int_parsing_size", "int_from_float"} | _BOUNDS,
    "float": {"float_type", "float_parsing", "finite_number"} | _BOUNDS,
    "bool": {"bool_type", "bool_parsing"},
    "uuid": {"uuid_type", "uuid_parsing", "uuid_version"},
    "date": {"date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"} | _BOUNDS,
    "time": {"time_type", "time_parsing", "timezone_aware"},
    "datetime": {"datetime_type", "datetime_parsing", "datetime_object_invalid", "datetime_from_date_parsing", "timezone_aware"},
    "list": {"list_type", "too_short", "too_long"},
    "tuple": {"tuple_type", "too_short", "too_long", "missing"},
    "set": {"set_type", "too_short", "too_long", "set_item_not_hashable"},
    "frozenset": {"frozen_set_type", "too_short", "too_long"},
    "dict": {"dict_type", "too_short", "too_long", "invalid_key"},
    "model": {"model_type", "model_attributes_type"},
    "model-fields": {"missing", "extra_forbidden", "model_type", "dict_type", "invalid_key"},
    "enum": {"enum"},
    "literal": {"literal_error"},
    "none": {"none_required"},
    "tagged-union": {"union_tag_invalid", "union_tag_not_found"},
    "function-after": _OUR_OWN,
    "function-before": _OUR_OWN,
    "function-wrap": _OUR_OWN | {"string_pattern_mismatch"},
    "function-plain": _OUR_OWN,
    "is-instance": {"is_instance_of"},
}
"""What each kind of the validator's schemas can say no with; a kind that is new here wants its line."""
SILENT = {"nullable", "default", "union", "definitions", "definition-ref", "any", "model-field", "chain", "no-info"}
SILENT |= {"lax-or-strict", "json-or-python"}
"""Kinds that only hold others."""


def kinds_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        kind = schema.get("type")
        if isinstance(kind, str):
            yield kind
        for name, part in schema.items():
            if name not in ("metadata", "serialization", "default", "cls", "expected", "members", "config"):
                yield from kinds_in(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            yield from kinds_in(part)


def test_each_error_that_our_schemas_can_make_has_a_sentence_of_ours(world: World) -> None:
    kinds: set[str] = set()
    for _, app in routed(world):
        dependant = handler_of(app).dependant
        for field in (*dependant.path_params, *dependant.query_params, *dependant.header_params, *dependant.body_params):
            kinds |= set(kinds_in(field._type_adapter.core_schema))
    assert kinds - SILENT <= MAKES.keys(), kinds - SILENT - MAKES.keys()
    possible = set().union(*(MAKES[kind] for kind in kinds - SILENT))
    assert possible - set(OURS) <= SENTENCES.keys(), possible - SENTENCES.keys()
    assert len(possible) > 30


RULES = {
    **dict.fromkeys(("min_length", "max_length", "gt", "ge", "lt", "le", "multiple_of", "max_digits", "decimal_places", "whole_digits"), 7),
    **dict.fromkeys(("expected", "expected_tags", "expected_schemes", "discriminator", "pattern"), "'a' or 'b'"),
}


@pytest.mark.parametrize("error", list_all_errors(), ids=lambda error: str(error["type"]))
def test_no_sentence_is_the_validators(error: dict[str, Any]) -> None:
    """Of all that it knows, with a sentence of shown for it or without one."""
    if error["type"] in OURS:
        return
    raw = error["message_template_python"]
    shown = sentence({"type": error["type"], "msg": raw, "ctx": RULES, "loc": ()})
    assert shown != raw and "{" not in shown, shown
    assert not re.match(r"[A-Z]|Input|Value|Field", shown) and not shown.endswith("."), shown


def test_validation_says_what_to_write(acme: Member) -> None:
    answer = acme.post("/v1/scheduling/schedules", {"name": "", "timezone": "Mars", "slots": {}, "nme": "x"})
    assert (answer.status, answer.body["code"]) == (422, "invalid_request")
    assert {tuple(error["loc"]): error["msg"] for error in answer.body["errors"]} == {
        ("body", "name"): "must not be empty",
        ("body", "timezone"): "must be the IANA name of a time zone, like Europe/Berlin",
        ("body", "slots"): "must be a list",
        ("body", "nme"): "is no field of this request; leave it out, or look how it is spelled",
    }
