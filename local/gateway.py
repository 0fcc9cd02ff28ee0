"""The HTTP API of the template: routes, authorizers, cross-origin rules and limits, without a socket."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import Any

from local import http_api
from local.cloudformation import ACCOUNT, REGION
from local.http_api import NotAnAnswer, Request, Response, message
from local.invocation import FunctionFailed, FunctionThrottled, FunctionTimedOut, Invoke, PayloadTooLarge
from local.routing import Router, route_key
from local.template import Api, Authorizer, Route, Template

LARGEST_BODY = 10 * 1024 * 1024
LARGEST_HEADERS = 10_240  # request line and headers together

log = logging.getLogger(__name__)


class Gateway:
    """`handle` answers one request by calling functions through `invoke`; it may be called by many threads at once."""

    def __init__(self, template: Template, invoke: Invoke) -> None:
        self._api = template.api or Api("none", {}, {})
        self._router = Router((*template.routes, *template.heads))
        self._invoke = invoke
        self._remembered: dict[tuple[str, ...], tuple[float, dict[str, Any]]] = {}
        self._remembering = threading.Lock()

    def handle(self, request: Request) -> Response:
        request_id = str(uuid.uuid4())
        response = self._answer(request, request_id)
        extra = (("apigw-requestid", request_id), *self._cross_origin(request))
        return Response(response.status, (*response.headers, *extra), response.body)

    def _answer(self, request: Request, request_id: str) -> Response:
        if too_large := _too_large(request):
            return too_large
        if self._api.cors and request.method == "OPTIONS" and request.header("access-control-request-method"):
            return Response(204)
        matched = self._router.match(request.method, request.path)
        if matched is None:
            return message(404, "Not Found")
        route, parameters = matched
        return self._call(route, request, http_api.event(request, route_key(route), parameters, request_id))

    def _call(self, route: Route, request: Request, event: dict[str, Any]) -> Response:
        try:
            refusal = self._authorize(route, request, event)
            return refusal or http_api.response(self._invoke(route.function, event))
        except PayloadTooLarge:
            return message(413, "Request Entity Too Large")
        except (FunctionTimedOut, FunctionThrottled) as problem:
            log.error("%s %s: %s", request.method, request.path, problem)
            return message(503, "Service Unavailable")
        except (FunctionFailed, NotAnAnswer) as problem:
            log.error("%s %s: %s", request.method, request.path, problem)
            return message(500, "Internal Server Error")

    def _authorize(self, route: Route, request: Request, event: dict[str, Any]) -> Response | None:
        """None when the request may pass; the authorizer's context is in the event then."""
        if route.authorizer is None:
            return None
        authorizer = self._api.authorizers[route.authorizer]
        identity = [request.header(name) for name in authorizer.headers]
        if not all(identity):
            return message(401, "Unauthorized")
        answer = self._ask(authorizer, [str(value) for value in identity], event)
        if answer.get("isAuthorized") is not True:
            return message(403, "Forbidden")
        event["requestContext"]["authorizer"] = {"lambda": answer.get("context") or {}}
        return None

    def _ask(self, authorizer: Authorizer, identity: list[str], event: dict[str, Any]) -> dict[str, Any]:
        cache_key = (authorizer.name, *identity)
        with self._remembering:
            entry = self._remembered.get(cache_key)
        if entry and entry[0] > time.monotonic():
            return entry[1]
        http = event["requestContext"]["http"]
        question = {name: value for name, value in event.items() if name not in {"body", "isBase64Encoded"}} | {
            "type": "REQUEST",
            "routeArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:parleylocal/$default/{http['method']}{http['path']}",
            "identitySource": identity,
        }
        answer = self._invoke(authorizer.function, question)
        if not isinstance(answer, dict) or not isinstance(answer.get("isAuthorized"), bool):
            raise FunctionFailed(f"{authorizer.function} did not say isAuthorized")
        if authorizer.ttl:
            with self._remembering:
                now = time.monotonic()
                self._remembered = {key: value for key, value in self._remembered.items() if value[0] > now}
                self._remembered[cache_key] = (now + authorizer.ttl, answer)
        return answer

    def _cross_origin(self, request: Request) -> tuple[tuple[str, str], ...]:
        cors, origin = self._api.cors, request.header("origin")
        allowed = cors.get("AllowOrigins", [])
        if not origin or not ("*" in allowed or origin in allowed):
            return ()
        headers = [("access-control-allow-origin", "*" if "*" in allowed else origin)]
        if cors.get("AllowCredentials"):
            headers.append(("access-control-allow-credentials", "true"))
        if request.method == "OPTIONS":
            headers += [
                (f"access-control-allow-{name.lower()}", ",".join(cors[f"Allow{name}"]))
                for name in ("Methods", "Headers")
                if cors.get(f"Allow{name}")
            ]
            if "MaxAge" in cors:
                headers.append(("access-control-max-age", str(cors["MaxAge"])))
        elif cors.get("ExposeHeaders"):
            headers.append(("access-control-expose-headers", ",".join(cors["ExposeHeaders"])))
        return tuple(headers)


def _too_large(request: Request) -> Response | None:
    if len(request.body) > LARGEST_BODY:
        return message(413, "Request Entity Too Large")
    if sum(len(key) + len(value) for key, value in request.headers) + len(request.target) > LARGEST_HEADERS:
        return message(431, "Request Header Fields Too Large")
    return None
