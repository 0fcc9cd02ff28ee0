"""The way in and out for HTTP functions: API Gateway (HTTP API, payload 2.0) to one route and back.

A handler declares its route on `api()` and ends with `lambda_handler = entrypoint(app)`. Refusals leave as RFC 9457 problem details.
"""

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.depends import Depends
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
    ResponseValidationError,
)
from aws_lambda_powertools.event_handler.request import Request
from aws_lambda_powertools.metrics import MetricUnit

from parley.kernel.access.callers import Caller
from parley.kernel.audit.audit_actions import SecurityAction
from parley.kernel.edge.error_mapping import refusal_of
from parley.kernel.edge.request_context import LIMIT, VISITOR, Access, authorize, caller_of, resolve_credential, visitor_of
from parley.kernel.edge.request_parsing import InvalidRequest, as_get, check_request, read_json
from parley.kernel.persistence.idempotency_key import IdempotentRequest, Replayed
from parley.kernel.values.errors import BadRequest, Forbidden, NoSuchRoute, Refusal, UnsupportedMediaType

if TYPE_CHECKING:
    from parley.kernel.access.rate_limits import RateLimit

__all__ = [
    "FORM",
    "Access",
    "AuthenticatedCaller",
    "IdempotencyKey",
    "Protocol",
    "RawEvent",
    "SealedIdempotencyKey",
    "Visitor",
    "api",
    "entrypoint",
    "refuse",
]

FORM = ("application/x-www-form-urlencoded",)
JSON_BYTES = 256 * 1024
_PROBLEM = "application/problem+json"
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=63072000; includeSubDomains",  # RFC 6797: for two years, https alone
}

# Named like the package: what a module of it logs goes the same way.
logger = Logger("parley")
metrics = Metrics()


class BadIdempotencyKey(BadRequest):
    """The Idempotency-Key header is not one."""


def _serialize(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _answer_refusal(refusal: Refusal) -> Response[str]:
    logger.info("refused", code=refusal.code, status=refusal.status, detail=refusal.detail if refusal.status >= 500 else None)
    return Response(refusal.status, _PROBLEM, _serialize(refusal.problem()), headers=HEADERS | refusal.headers)


def _refuse_unknown_parameters(app: Any, next_middleware: Callable[..., Any]) -> Any:
    if refusal := _unknown_parameters(app):
        raise refusal
    return next_middleware(app)


def _unknown_parameters(app: Any) -> InvalidRequest | None:
    """The refusal of query parameters that the handler does not name. Routes that others write the address of take any.

    Outside of /v1/ lie pages and files, which browsers, mail programs and monitors open, with parameters of their own.
    """
    event, route = app.current_event.raw_event, app.context["_route"]
    sent = event.get("queryStringParameters")
    if not sent or app.open_query or not route.openapi_path.startswith("/v1/"):
        return None
    takes = {field.alias for field in route.dependant.query_params}
    if sent.keys() <= takes:
        return None
    from parley.kernel.edge import validation_messages  # for who made a mistake alone

    return validation_messages.unknown_parameters(sent, takes)


def _answer_invalid(app: Any, error: RequestValidationError) -> Response[str]:
    from parley.kernel.edge import validation_messages

    errors = [validation_messages.shown(error) for error in error.errors()]
    if unknown := _unknown_parameters(app):
        unknown.extensions["errors"] += errors
        return _answer_refusal(unknown)
    return _answer_refusal(InvalidRequest("The request does not have the form that this route takes; see errors.", errors=errors))


def _answer_failure(error: Exception) -> Response[str]:
    return _answer_refusal(_named(error))


def _named(error: Exception) -> Refusal:
    """The refusal that an error is answered with; one that nobody named is logged."""
    if isinstance(error, Refusal):
        return error
    refusal = refusal_of(error)
    logger.exception("failed", code=refusal.code)
    return refusal


class Api(APIGatewayHttpResolver):
    """One function's routes: who may call them, how often visitors may, and what bodies they take."""

    needs: Access | str
    limit: "RateLimit | None"
    unlimited_because: str | None
    accepts: tuple[str, ...]
    most_bytes: int
    knows_projects: bool
    open_query: str
    location: str

    def refuse(self, refusal: Refusal) -> dict[str, Any]:
        return _built(_answer_refusal(refusal))


@dataclass(frozen=True)
class Protocol:
    """A function for a whole protocol that others have written: the requests are its own to route, `shape` says no in its words.

    All that is asked before a route, and counted after it, is the same as for an `Api`.
    """

    needs: Access | str
    accepts: tuple[str, ...]
    most_bytes: int
    answer: Callable[[dict[str, Any]], dict[str, Any]]
    shape: Callable[[Refusal], dict[str, Any]]
    knows_projects: bool = False
    location: str = ""
    limit: "RateLimit | None" = None

    def resolve(self, event: dict[str, Any], _context: Any) -> dict[str, Any]:
        return self.answer(event)

    def refuse(self, refusal: Refusal) -> dict[str, Any]:
        logger.info("refused", code=refusal.code, status=refusal.status)
        return self.shape(refusal)


def api(
    *,
    needs: Access | str,
    limit: "RateLimit | None" = None,
    unlimited_because: str | None = None,
    accepts: tuple[str, ...] = ("application/json",),
    most_bytes: int = JSON_BYTES,
    knows_projects: bool = False,
    open_query: str = "",
    location: str = "",
) -> Api:
    """The application of one function. `needs` says who may call it: a scope, or an `Access`, here and nowhere else. `accepts` are
    the media types of its bodies, at most `most_bytes` long; an empty tuple takes any body, raw. With `knows_projects` an API key of a
    project may call it, too: it then reaches nothing outside of its project.

    A route of `ANYBODY` is counted by network (`visitor_limits`) by having a `Visitor`: `limit` is how often, where reads' is not enough or
    too much. One that has none says why, `unlimited_because`.

    `open_query` says why query parameters that the handler does not name are let through: others write its address. `location` is where the
    thing lies that a 201 has made, with fields of the answer in it: `/v1/things/{id}`."""
    app = Api(enable_validation=True, response_validation_error_http_code=500, serializer=_serialize, json_body_deserializer=read_json)
    app.needs = needs
    app.limit = limit
    app.unlimited_because = unlimited_because
    app.accepts = accepts
    app.most_bytes = most_bytes
    app.knows_projects = knows_projects
    app.open_query = open_query
    app.location = location
    app.use([_refuse_unknown_parameters])
    app.exception_handler(Refusal)(_answer_refusal)
    app.exception_handler(RequestValidationError)(lambda error: _answer_invalid(app, error))
    app.exception_handler(RequestUnsupportedContentType)(lambda _: _answer_refusal(UnsupportedMediaType("Send application/json.")))
    app.exception_handler(ResponseValidationError)(_answer_failure)
    app.exception_handler(Replayed)(
        lambda was: Response(was.status, "application/json", was.body, headers=HEADERS | {"idempotency-replayed": "true"})
    )
    app.exception_handler(Exception)(_answer_failure)
    app.not_found(lambda _: _answer_refusal(NoSuchRoute("There is nothing at this address.")))
    return app


def refuse(refusal: Refusal) -> dict[str, Any]:
    """A refusal as a whole answer, for a function without routes of its own."""
    answer = _built(_answer_refusal(refusal))
    answer["headers"] |= HEADERS
    _count(answer["statusCode"], 0)
    return answer


def entrypoint(app: Api | Protocol) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The Lambda handler of an application: never raises, counts requests by outcome, logs with the request's id."""

    def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        is_head = as_get(event)
        logger.append_keys(request_id=event.get("requestContext", {}).get("requestId"), route=event.get("routeKey"))
        event[LIMIT] = app.limit
        try:
            resolve_credential(event)
            authorize(caller_of(event), app.needs, knows_projects=app.knows_projects)
            check_request(event, app.accepts, app.most_bytes)
            answer = app.resolve(event, context)
            _settle(event, answer["statusCode"])
        except Exception as error:  # noqa: BLE001  # the last resort: an unhandled error would be a bare 500 of the gateway
            answer = app.refuse(_named(error))
        answer["headers"] = HEADERS | _allowance(event) | answer.get("headers", {})
        if answer["statusCode"] == 201 and app.location:
            with suppress(KeyError):  # an answer that comes again, of a thing that was erased meanwhile, says nothing of it
                answer["headers"]["location"] = app.location.format_map(json.loads(answer["body"]))
        if is_head:
            answer |= {"body": "", "isBase64Encoded": False}
        if answer["statusCode"] == 204:  # a body, were it `null`, is not to be there (RFC 9110, 15.3.5)
            answer["body"] = ""
            answer["headers"] = {name: value for name, value in answer["headers"].items() if name.lower() != "content-type"}
        _audit_refusal(event, answer["statusCode"])
        _count(answer["statusCode"], (time.perf_counter() - started) * 1000, event.get("routeKey"))
        return answer

    return lambda_handler


def _settle(event: dict[str, Any], status: int) -> None:
    """Count what a visitor's request was not yet counted for, having made no transaction. What could not even be read has cost nothing."""
    visitor: Caller | None = event.get(VISITOR)
    if visitor is not None and visitor.dues is not None and status not in (400, 413, 415, 422) and status < 500:
        from parley.kernel.persistence import transactions

        transactions.spend(*visitor.dues.take())


def _allowance(event: dict[str, Any]) -> dict[str, str]:
    caller = caller_of(event)
    allowance = caller.admission.allowance if caller is not None and caller.admission is not None else None
    return allowance.headers() if allowance is not None else {}


def _built(response: Response[str]) -> dict[str, Any]:
    headers = {"content-type": _PROBLEM} | {name: str(value) for name, value in response.headers.items()}
    return {"statusCode": response.status_code, "headers": headers, "body": response.body, "isBase64Encoded": False}


def _count(status: int, milliseconds: float, route: str | None = None) -> None:
    """For the stack, and for the route: what Lambda counts is a function's, and a function may answer several."""
    if route and metrics.service:
        metrics.add_dimensions(service=metrics.service, route=route)
    outcome = "Succeeded" if status < 400 else "Refused" if status < 500 else "Failed"
    metrics.add_metric(name=outcome, unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=round(milliseconds, 2))
    metrics.flush_metrics()


def _audit_refusal(event: dict[str, Any], status: int) -> None:
    """Audit that a known caller asked for what it may not have, for what is not its own, or, once a window, for too much.

    Failing to is logged, and changes no answer.
    """
    caller = caller_of(event)
    if caller is None or not caller.has_organization:
        return
    exceeded = caller.admission is not None and caller.admission.has_just_exceeded
    if status not in (403, 404) and not exceeded:
        return
    from parley.kernel.audit import audit
    from parley.kernel.persistence.transactions import transaction

    action = SecurityAction.RATE_LIMIT_EXCEEDED if exceeded else SecurityAction.UNAUTHORIZED_ACCESS_ATTEMPTED
    try:
        with transaction(caller) as session:
            audit.record(session, caller, action, status=status, route=event.get("routeKey"))
    except Refusal as refusal:  # so often that it is not even let in for this
        logger.info("an unauthorized access was not audited", code=refusal.code)
    except Exception:  # the refusal stands whether or not the trail can be written
        logger.exception("an unauthorized access could not be audited")


def _authenticated(request: Request) -> Caller:
    caller = caller_of(request.resolved_event.raw_event)
    if caller is None:
        raise Forbidden("This route needs a caller, and the gateway named none.")
    return caller


def _visitor(request: Request) -> Caller:
    return visitor_of(request.resolved_event.raw_event)


def _event(request: Request) -> dict[str, Any]:
    return request.resolved_event.raw_event


def _once(request: Request) -> IdempotentRequest:
    event = request.resolved_event.raw_event
    key = (event.get("headers") or {}).get("idempotency-key")
    if key is not None and not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        raise BadIdempotencyKey("An Idempotency-Key has 1 to 255 printable ASCII characters.")
    target = f"{event.get('rawPath')}?{event.get('rawQueryString', '')}\n{event.get('body') or ''}"
    return IdempotentRequest(key, event.get("routeKey", ""), hashlib.sha256(target.encode(errors="surrogatepass")).digest())


def _sealed_once(request: Request) -> IdempotentRequest:
    return replace(_once(request), is_sealed=True)


AuthenticatedCaller = Annotated[Caller, Depends(_authenticated)]
"""Who asks, on a route behind the authorizer."""

Visitor = Annotated[Caller, Depends(_visitor)]
"""Somebody without an account; a directory says for which organization (`acting_for`)."""

RawEvent = Annotated[dict[str, Any], Depends(_event)]
"""The request as API Gateway gives it, for what has no other name here: cookies, and where a browser says that it comes from."""

IdempotencyKey = Annotated[IdempotentRequest, Depends(_once)]
"""The request's Idempotency-Key, for `transaction(caller, once)` and `once.answer(...)`."""

SealedIdempotencyKey = Annotated[IdempotentRequest, Depends(_sealed_once)]
"""The same for a route whose answer holds a secret: what is kept of the answer is sealed."""
