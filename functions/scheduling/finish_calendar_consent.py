"""GET /v1/scheduling/calendars/connect/{provider}/callback: the browser brings the provider's answer."""

from dataclasses import replace
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.calendar_providers import calendar_oauth_clients
from parley.identity.providers import provider_cookies, redirect_allowlist, redirects
from parley.identity.providers.oauth_state import AuthorizationAttempt
from parley.kernel.access.admission import Admission
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.values.errors import Refusal
from parley.scheduling.calendar_connections import calendar_consent

app = api(needs=Access.ANYBODY, open_query="Providers add their own, like scope and authuser.")
BACK: dict[int, OpenAPIResponse] = {303: {"description": "Back to `return_to`, with `calendar_connection` or `error`."}}


@app.get("/v1/scheduling/calendars/connect/<provider>/callback", responses=BACK)
def finish_calendar_consent(provider: str, visitor: Visitor) -> Response[Any]:
    client, event = calendar_oauth_clients.client_of_provider(provider), app.current_event
    kind, answer = calendar_consent.kind_of(client), event.query_string_parameters or {}
    attempt = AuthorizationAttempt.resume(kind, provider_cookies.read_attempt_cookie(event.raw_event, kind), answer.get("state", ""))
    over = provider_cookies.expired_attempt_cookie(kind)
    try:
        connected = calendar_consent.finish(client, attempt, calendar_consent.code_of(answer), _member(visitor, attempt))
    except Refusal as refusal:
        return redirects.refusal_response(refusal, attempt.return_to, over)
    if attempt.return_to is not None:
        return redirects.redirect_response(
            303, redirect_allowlist.with_query(attempt.return_to, calendar_connection=str(connected.id)), over
        )
    return Response(200, "application/json", connected, cookies=[over])


def _member(visitor: Caller, attempt: AuthorizationAttempt) -> Caller:
    """Who began, with the rights that they had: refused if they have others by now, or none."""
    fields: dict[str, Any] = {"organization_id": attempt.organization_id, "actor_id": attempt.user_id, "role": attempt.role}
    return replace(visitor, actor_type=ActorType.USER, admission=Admission(attempt.session_id), **fields)


lambda_handler = entrypoint(app)
