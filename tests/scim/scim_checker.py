"""The public checker, and its client as somebody who talks to us: through the gateway in this process, or over HTTP."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import CheckResult, Status, check_server

from local.client import Answer

CHECKS = 135
_FINE = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


class CheckerClient(Protocol):
    def request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer: ...


def checked(who: CheckerClient, address: str) -> list[CheckResult]:
    """Every result of the whole checker."""
    return check_server(WSGISCIMClient(_application(who), base_url=f"{address}/scim/v2"))


def failed(results: list[CheckResult]) -> str:
    """Whatever did not pass, skipped checks among it; empty when all did."""
    return "\n".join(str((each.status, each.title, each.resource_type, each.reason)) for each in results if each.status not in _FINE)


def _application(who: CheckerClient) -> Callable[..., Iterable[bytes]]:
    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        headers |= {"content-type": environ["CONTENT_TYPE"]} if environ.get("CONTENT_TYPE") else {}
        headers.pop("host", None)
        body = environ.get("wsgi.input", io.BytesIO()).read(int(environ.get("CONTENT_LENGTH") or 0))
        target = environ["PATH_INFO"] + (f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else "")
        answer = who.request(environ["REQUEST_METHOD"], target, body or None, headers)
        start_response(f"{answer.status} -", list(answer.headers.items()))
        return [answer.raw]

    return application
