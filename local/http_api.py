"""The two shapes at the edge of a function behind an HTTP API: the event of payload format 2.0, and the answer to a response."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from local.cloudformation import ACCOUNT, REGION

DOMAIN = f"parleylocal.execute-api.{REGION}.amazonaws.com"
_TEXT = re.compile(r"text/.*|application/(json|javascript|xml)|.*\+(json|xml)")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True)
class Request:
    """target: path and query as they were sent. headers: in order, names in any case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"

    @property
    def path(self) -> str:
        return self.target.split("?", 1)[0].split("#", 1)[0]

    @property
    def query(self) -> str:
        return urlsplit(self.target.replace("//", "/", 1) if self.target.startswith("//") else self.target).query

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name]
        return ",".join(values) if values else None


@dataclass(frozen=True)
class Response:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        return json.loads(self.body)


class NotAnAnswer(Exception):
    """What the function returned can't become a response."""


def message(status: int, text: str) -> Response:
    """A response of the gateway itself."""
    return Response(status, (("content-type", "application/json"),), json.dumps({"message": text}).encode())


def event(request: Request, route_key: str, parameters: Mapping[str, str], request_id: str) -> dict[str, Any]:
    """The event of payload format 2.0, without the authorizer's context. The path comes decoded, as HTTP APIs send it."""
    path = unquote(request.path)
    query = _joined(parse_qsl(request.query, keep_blank_values=True))
    cookies = [cookie.strip() for key, value in request.headers if key.lower() == "cookie" for cookie in value.split(";") if cookie.strip()]
    now = time.time()
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": _joined((key.lower(), value.strip()) for key, value in request.headers if key.lower() != "cookie"),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "parleylocal",
            "domainName": DOMAIN,
            "domainPrefix": "parleylocal",
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent") or "",
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    optional = {"cookies": cookies, "queryStringParameters": query, "pathParameters": dict(parameters)}
    return made | {name: value for name, value in optional.items() if value} | _body(request)


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for key, value in pairs:
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    return joined


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    kind = (request.header("content-type") or "").split(";")[0].strip().lower()
    if _TEXT.fullmatch(kind):
        try:
            return {"body": request.body.decode("utf-8"), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}


def response(answer: Any) -> Response:
    """The response for a function's answer, in the full or the short form of format 2.0. Raises NotAnAnswer."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(200, (("content-type", "application/json"),), text.encode("utf-8", "replace"))
    try:
        status = int(answer["statusCode"])
        headers = list({str(key).lower(): _text(value) for key, value in (answer.get("headers") or {}).items()}.items())
        headers += [("set-cookie", _text(cookie)) for cookie in answer.get("cookies") or []]
        body = answer.get("body") or ""
        if not isinstance(body, str):
            raise NotAnAnswer(f"the body is a {type(body).__name__}, not a text")
        content = base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode("utf-8", "replace")
    except (TypeError, ValueError, AttributeError) as problem:
        raise NotAnAnswer(str(problem)) from problem
    bad = [key for key, value in headers if not _TOKEN.fullmatch(key) or re.search(r"[\r\n\0]", value)]
    if bad or not 200 <= status <= 599:
        raise NotAnAnswer(f"status {status}, unusable headers {bad}")
    if not any(key == "content-type" for key, _ in headers):
        headers.append(("content-type", "text/plain; charset=utf-8"))
    return Response(status, tuple(headers), content)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
