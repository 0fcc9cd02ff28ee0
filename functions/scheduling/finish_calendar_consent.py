"""GET /v1/scheduling/calendars/connect/{provider}/callback: the browser brings the provider's answer."""

from dataclasses import replace
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.calendars import configured
from parley.identity.providers import cookies, endings, returns
from parley.identity.providers.attempts import Attempt
from parley.kernel.admission import Admission
from parley.kernel.callers import ActorType, Caller
from parley.kernel.errors import Refusal
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.scheduling.calendars import consent

app = api(needs=Access.ANYBODY)
BACK: dict[int, OpenAPIResponse] = {303: {"description": "Back to `return_to`, with `calendar_connection` or `error`."}}


@app.get("/v1/scheduling/calendars/connect/<provider>/callback", responses=BACK)
def finish_calendar_consent(provider: str, visitor: Visitor) -> Response[Any]:
    client, event = configured.named(provider), app.current_event
    kind, answer = consent.kind_of(client), event.query_string_parameters or {}
    attempt = Attempt.resume(kind, cookies.attempt_of(event.raw_event, kind), answer.get("state", ""))
    over = cookies.without_attempt(kind)
    try:
        connected = consent.finish(client, attempt, consent.code_of(answer), _member(visitor, attempt))
    except Refusal as refusal:
        return endings.refused(refusal, attempt.return_to, over)
    if attempt.return_to is not None:
        return endings.sent(303, returns.with_query(attempt.return_to, calendar_connection=str(connected.id)), over)
    return Response(200, "application/json", connected, cookies=[over])


def _member(visitor: Caller, attempt: Attempt) -> Caller:
    """Who began, with the rights that they had: refused if they have others by now, or none."""
    known: dict[str, Any] = {"organization_id": attempt.organization_id, "actor_id": attempt.user_id, "role": attempt.role}
    return replace(visitor, actor_type=ActorType.USER, admission=Admission(attempt.session_id), **known)


lambda_handler = entrypoint(app)
