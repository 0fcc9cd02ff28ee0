"""POST /v1/scheduling/calendars/push/{provider}/{channel}: Google or Microsoft says that a calendar has changed.

Whoever else comes is answered like them, and learns nothing. Microsoft first asks whether the address is ours: it wants its word back.
"""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from aws_lambda_powertools.event_handler.request import Request

from parley.kernel.http import Access, api, entrypoint
from parley.kernel.requests import raw_body
from parley.scheduling.calendars import pushes

app = api(needs=Access.ANYBODY, accepts=())
_TEXT = "text/plain; charset=utf-8"
_LONGEST_WORD = 2000
HEARD: dict[int, OpenAPIResponse] = {
    200: {"description": "Microsoft's word, as it came", "content": {"text/plain": {"schema": {"type": "string"}}}},
    202: {"description": "Heard", "content": {"text/plain": {"schema": {"type": "string"}}}},
}


@app.post("/v1/scheduling/calendars/push/google/<channel>", responses=HEARD)
def hear_google(channel: str, request: Request) -> Response[str]:
    return _heard(pushes.from_google(channel, request.headers))


@app.post("/v1/scheduling/calendars/push/microsoft/<channel>", responses=HEARD)
def hear_microsoft(channel: str, request: Request) -> Response[str]:
    word = app.current_event.query_string_parameters.get("validationToken")
    if word is not None and len(word) <= _LONGEST_WORD:
        return Response(200, _TEXT, word)
    try:
        return _heard(pushes.from_microsoft(channel, raw_body(request.resolved_event.raw_event)))
    except ValueError:
        return _heard(None)


def _heard(told: pushes.Told | None) -> Response[str]:
    if told is not None:
        pushes.take(told)
    return Response(202, _TEXT, "")


lambda_handler = entrypoint(app)
