"""Lambda's own API on a loopback port, as far as functions call functions: one operation, Invoke, that waits for the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from local.cloudformation import STACK
from local.http_api import Request, Response
from local.invocation import FunctionFailed, FunctionThrottled, Invoke, PayloadTooLarge, decode, encode
from local.server import Server

_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")


class Invocations(Server):
    """Listens from the moment it is made. `invoke` is who calls functions here; until there is one, none can be."""

    def __init__(self, functions: Iterable[str], port: int) -> None:
        super().__init__(port, self._handle)
        self.invoke: Invoke | None = None
        self._functions = {f"{STACK}-{name}": name for name in functions}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _handle(self, request: Request) -> Response:
        path = _PATH.fullmatch(request.path)
        name = self._functions.get(unquote(path[1])) if path and request.method == "POST" else None
        if name is None or self.invoke is None or request.header("x-amz-invocation-type") != "RequestResponse":
            return _refusal(404, "ResourceNotFoundException")
        try:
            return Response(200, (("content-type", "application/json"),), encode(self.invoke(name, decode(request.body or b"{}"))))
        except FunctionThrottled:
            return _refusal(429, "TooManyRequestsException")
        except PayloadTooLarge:
            return _refusal(413, "RequestTooLargeException")
        except FunctionFailed as failure:
            return Response(200, (("x-amz-function-error", "Unhandled"),), encode({"errorMessage": str(failure)}))


def _refusal(status: int, kind: str) -> Response:
    return Response(status, (("content-type", "application/json"), ("x-amzn-errortype", kind)), encode({"Message": kind}))
