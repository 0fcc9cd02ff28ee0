"""The public checker's client, talking to our gateway without a socket."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

from local.http_api import Request
from tests.harness import Client


def wsgi(who: Client) -> Callable[..., Iterable[bytes]]:
    """The gateway as a WSGI application, with the caller's token on each request."""

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        headers |= {"content-type": environ["CONTENT_TYPE"]} if environ.get("CONTENT_TYPE") else {}
        headers["authorization"] = f"Bearer {who.token}"
        body = environ.get("wsgi.input", io.BytesIO()).read(int(environ.get("CONTENT_LENGTH") or 0))
        target = environ.get("PATH_INFO", "") + (f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else "")
        answer = who.world.gateway.handle(Request(environ["REQUEST_METHOD"], target, tuple(headers.items()), body))
        start_response(f"{answer.status} x", list(answer.headers))
        return [answer.body]

    return application
