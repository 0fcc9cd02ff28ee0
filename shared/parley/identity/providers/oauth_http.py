"""Requests to a provider. What answers there is not trusted: a small JSON document within a moment, or nothing."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from parley.kernel.outbound import http_client
from parley.kernel.outbound.ssrf_guard import AddressRefused

_SECONDS = 6.0
MOST_BYTES = 256 * 1024


class NoProviderAnswer(Exception):
    """Nothing usable came back: no connection, too slow, too large, a redirect, not JSON. The message says which, and quotes nothing."""


def is_allowed(url: str) -> bool:
    """Whether requests may go there: HTTPS, or loopback on a developer's machine."""
    try:
        http_client.check_url(url)
    except (http_client.UrlRefused, AddressRefused):
        return False
    return True


def get_json(url: str, headers: Mapping[str, str] | None = None, *, most_bytes: int = MOST_BYTES) -> tuple[int, Any]:
    """Status and value of a JSON document. Raises `Unanswered`."""
    return _json("GET", url, b"", headers or {}, most_bytes)


def post_form(
    url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None, *, most_bytes: int = MOST_BYTES
) -> tuple[int, Any]:
    """Status and JSON value of the answer to a form. Never sent twice. Raises `Unanswered`."""
    form = {"content-type": "application/x-www-form-urlencoded"} | dict(headers or {})
    return _json("POST", url, urlencode(fields).encode(), form, most_bytes)


def _json(method: str, url: str, body: bytes, headers: Mapping[str, str], most_bytes: int) -> tuple[int, Any]:
    request_headers = {"accept": "application/json", "user-agent": "parley"} | dict(headers)
    try:
        answer = http_client.request(method, url, request_headers, body, seconds=_SECONDS, most_bytes=most_bytes)
    except http_client.RequestFailed as problem:
        raise NoProviderAnswer(problem.code) from None
    if not answer.is_complete:
        raise NoProviderAnswer("too large, or cut off")
    if 300 <= answer.status < 400:
        raise NoProviderAnswer("a redirect")
    try:
        return answer.status, json.loads(answer.body)
    except (ValueError, RecursionError):
        raise NoProviderAnswer(f"status {answer.status}, not JSON") from None
