"""The OpenAPI document of all routes, from the handlers that answer them: `python -m local.openapi` writes shared/parley/openapi.json."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from local import handlers
from local.emulator import ROOT
from local.problems import end_with
from local.template import Function, Template, load

OUTPUT = ROOT / "shared" / "parley" / "openapi.json"
ABOUT = """Identity, scheduling, a unified inbox, meeting recordings: one tenancy.

## Sign in, and try a route

1. `POST /v1/auth/register` with your address and a name. A mail brings a link (on your own machine, `make mail` shows it): open it and
   choose a password, or send its token and a password to `POST /v1/auth/verify-email`. Either logs you in.
2. Later, `POST /v1/auth/login` answers an `access_token`, good for 15 minutes, and a `refresh_token` for `POST /v1/auth/refresh`.
3. `POST /v1/identity/organizations` founds an organization (or accept an invitation); `POST /v1/auth/switch` chooses the one to work for
   and answers a token for it.
4. Press **Authorize**, paste the access token or an API key (`parley_…`, from `POST /v1/identity/api-keys`), and **Try it out** on any
   route with a lock. On your own machine `make -s token` prints a token of the seeded organization's owner.

## What holds everywhere

Each route with a lock says which scope it needs (`x-parley-scope`; `GET /v1/identity/scopes` has them all), and a refusal says which one
was missing. Requests are counted by the minute: `RateLimit` says what is left, a 429 when to come again. Refusals are problem details
(RFC 9457): switch on `code`, show `detail`. A token or key that is wrong or over is 401 with `WWW-Authenticate`: refresh, or log in again.
Only where none is sent the gateway answers itself, 401 with a `message` and no `code`. Creating requests take an `Idempotency-Key`: the
same key and request get the same answer. Lists page with `cursor`.
"""
SAID = {
    "person": "For people who are logged in, whether or not they have chosen an organization; not for API keys.",
    "member": "For everybody who works for an organization, and for API keys.",
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "What clients switch on."},
        "detail": {"type": "string", "description": "What happened and what to do, for people."},
        "errors": {"type": "array", "items": {"type": "object"}, "description": "For 422: each value that does not fit."},
    },
}
REFUSALS = {
    "400": "The request can't be read.",
    "401": "Nothing valid says who asks.",
    "402": "The organization's plan does not reach that far.",
    "403": "Who asks may not.",
    "404": "There is no such thing, or it is another organization's.",
    "409": "The state of things forbids it.",
    "410": "It was there and is no more: a link that was used or has run out.",
    "413": "The body is too large.",
    "415": "The body has another media type.",
    "422": "The request was read, and its values don't fit.",
    "429": "Too many requests.",
    "503": "Something that this needs does not answer right now.",
}
GATEWAY_REFUSALS = ("401",)
METHODS = ("get", "post", "put", "patch", "delete")


def document(template: Template) -> dict[str, Any]:
    """The whole document. Each handler's own description, merged; refusals and security are the same everywhere and added here."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {"Problem": PROBLEM}
    public = {(route.method, route.path) for route in template.routes if route.authorizer is None}
    for route in template.routes:
        function = template.functions[route.function]
        handlers.load(function)
        app = getattr(sys.modules[f"functions.{function.folder.name}.{function.module}"], "app", None)
        if app is None or not hasattr(app, "get_openapi_json_schema"):  # no routes of its own, or a protocol that describes itself
            continue
        own = json.loads(app.get_openapi_json_schema())
        for name, schema in own.get("components", {}).get("schemas", {}).items():
            if schemas.setdefault(name, schema) != schema:
                raise SystemExit(f"Two different schemas are called {name}; rename the one in {function.folder.name}/{function.module}.py.")
        for path, operations in own.get("paths", {}).items():
            is_page = "text/html" in json.dumps(operations)
            for method, operation in operations.items():
                name = operation["operationId"].removesuffix(re.sub(r"\W", "_", path) + f"_{method}")  # the handler's
                made = _completed(operation, name, function, (method.upper(), path) in public, is_page)
                paths.setdefault(path, {})[method] = _secured(made, getattr(app.needs, "value", app.needs))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Parley", "version": "1", "description": ABOUT},
        "paths": {path: dict(sorted(paths[path].items(), key=lambda item: METHODS.index(item[0]))) for path in sorted(paths)},
        "components": {
            "schemas": {name: schemas[name] for name in sorted(_reached(paths, schemas))},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT, or API key"}},
        },
    }


def _reached(paths: dict[str, Any], schemas: dict[str, Any]) -> set[str]:
    """The schemas that some route comes to: what none does, of the framework's own for refusals that are not ours, stays out whole."""
    waiting, reached = _named(paths), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting |= _named(schemas[name])
    return reached


def _named(part: Any) -> set[str]:
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(part)))


def _completed(operation: dict[str, Any], name: str, function: Function, is_public: bool, is_page: bool) -> dict[str, Any]:
    problem: dict[str, Any] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answers = {status: answer for status, answer in operation.get("responses", {}).items() if status[0] in "23"}
    answers |= {"204": {"description": answers["204"]["description"]}} if "204" in answers else {}  # it has no body
    if is_page:  # it refuses with a page
        problem = {"text/html": {"schema": {"type": "string"}}} | problem
    for status, description in REFUSALS.items():
        answers[status] = {"description": description, "content": problem}
    bare = {"application/json": {"schema": {"type": "object"}}}
    answers["431"] = {"description": "Address and headers together are too long.", "content": bare}
    if not is_public:  # the gateway itself refuses with a bare message; a missing scope is a problem of ours
        for status in GATEWAY_REFUSALS:
            answers[status]["content"] = bare | problem
    return operation | {
        "operationId": name,
        "tags": [function.folder.name],
        "summary": name.replace("_", " ").capitalize(),
        "responses": dict(sorted(answers.items())),
    }


def _secured(operation: dict[str, Any], needs: str) -> dict[str, Any]:
    """With what the route needs (`Access`, or a scope), for programs and for people.

    Names of scopes stand beside a scheme that has none of its own: OpenAPI 3.1, 4.8.30.
    """
    if needs == "anybody":
        return operation | {"security": []}
    if needs in SAID:
        return operation | {"security": [{"token": []}], "description": SAID[needs]}
    return operation | {"security": [{"token": [needs]}], "x-parley-scope": needs, "description": f"Needs the scope `{needs}`."}


def main() -> None:
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")
    made = json.dumps(document(load(ROOT / "template.yaml")), indent=1, sort_keys=False) + "\n"
    if "--check" in sys.argv:
        sys.exit(0 if OUTPUT.exists() and OUTPUT.read_text() == made else "openapi.json is old: run `make openapi`.")
    Path(OUTPUT).write_text(made)
    print(f"{OUTPUT.relative_to(ROOT)}: {made.count('operationId')} routes")


if __name__ == "__main__":
    end_with(main)
