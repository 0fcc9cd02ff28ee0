"""A gateway that remembers what passed through it, and which of that was secret."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.gateway import Gateway
from local.http_api import Request, Response
from local.routing import Router
from local.template import Template
from tests.harness import World

SECRET_FIELDS = {
    "access_token", "refresh_token", "device_token", "id_token", "token", "key", "secret", "client_secret", "password", "current_password",
    "new_password",
    "challenge", "recovery_codes", "codes", "code", "state", "nonce", "uri", "hub.verify_token",
}  # fmt: skip
SHORTEST = 10  # six digits of a one-time code are found in any row of numbers
BOOKING_FORM = "POST /{organization}/{event_type}"  # its `key` is one of idempotency, as others stand in a header
IN_A_MAIL = re.compile(r"(?:/links/|/bookings/|/hosts/|[?#&]token=)([A-Za-z0-9_.~-]{20,})")
PEOPLE = re.compile(r"[\w.+-]+@[\w.-]+\.test")


def named_secrets(value: Any, name: str = "") -> Iterator[str]:
    """The texts in a body that stand under a name of a secret."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from named_secrets(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from named_secrets(inner, name)
    elif isinstance(value, str) and name in SECRET_FIELDS and len(value) >= SHORTEST:
        yield value


def read(body: bytes, kind: str) -> Any:
    """A body as a tree, if it is one."""
    try:
        return dict(parse_qsl(body.decode())) if "form-urlencoded" in kind else json.loads(body)
    except ValueError:
        return None


class Remembering(Gateway):
    """Passes requests on. `secrets` are those that were sent or answered, with the route where each was first seen."""

    def __init__(self, world: World) -> None:
        super().__init__(world.template, world.invoke_function)
        self._world, self._names = world, Router(world.template.routes)
        self.secrets: dict[str, str] = {}
        self.refusals: list[tuple[str, bytes]] = []
        self.announced: dict[str, None] = {}
        self._superuser = world.stack.postgres.superuser("parley")
        self.sent: dict[str, Request] = {}

    def close(self) -> None:
        self._superuser.close()

    def handle(self, request: Request) -> Response:
        response = super().handle(request)
        route = self.route_of(self._world.template, request)
        self.learn(route, request, response)
        self.sent.setdefault(route, request)
        if response.status >= 400:
            self.refusals.append((route, response.body))
        self.announced |= {str(row[0]): None for row in self._superuser.run("SELECT e::text FROM outbox_events e")}
        return response

    def route_of(self, template: Template, request: Request) -> str:
        matched = self._names.match(request.method, request.path)
        return f"{request.method} {matched[0].path}" if matched else "nowhere"

    def learn(self, route: str, request: Request, response: Response) -> None:
        matched = self._names.match(request.method, request.path)
        secrets = list(named_secrets(dict(matched[1]))) if matched else []
        secrets += named_secrets(dict(parse_qsl(urlsplit(request.target).query)))
        sent = read(request.body, request.header("content-type") or "")
        if route == BOOKING_FORM and isinstance(sent, dict):
            sent.pop("key", None)
        secrets += named_secrets(sent)
        bearer = (request.header("authorization") or "").partition(" ")[2]
        secrets += [bearer] if bearer else []
        if response.status < 400:
            secrets += named_secrets(read(response.body, "json"))
            headers = [value for name, value in response.headers if name.lower() in ("set-cookie", "location")]
            secrets += [cookie for value in headers for cookie in re.findall(r"^[\w-]+=([^;]{10,})", value)]
        for secret in secrets:
            self.secrets.setdefault(secret, route)


@cache
def forms_of(secret: str) -> set[str]:
    """How a secret could lie somewhere: as it is, as PostgreSQL shows bytes, in base64, and as a hash that everybody can make."""
    raw = secret.encode()
    hashes = {hashlib.new(kind, raw).hexdigest() for kind in ("sha256", "sha1", "md5")}
    return {secret, raw.hex(), base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")} | hashes
