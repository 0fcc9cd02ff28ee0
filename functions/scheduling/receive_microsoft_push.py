"""POST /v1/scheduling/calendars/push/microsoft/{channel}: Microsoft says that a calendar has changed.

Whoever else comes is answered like Microsoft, and learns nothing. Microsoft first asks whether the address is ours: it wants its word back.
"""

from contextlib import suppress

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from aws_lambda_powertools.event_handler.request import Request

from parley.kernel.edge.http import Access, api, entrypoint
from parley.kernel.edge.request_parsing import raw_body
from parley.scheduling.calendars import push_notifications

app = api(
    needs=Access.ANYBODY,
    unlimited_because="Microsoft sends in bursts; what does not bring the secret asks nothing.",
    accepts=(),
    open_query="Microsoft sends a validationToken, and may add others.",
)
_TEXT = "text/plain; charset=utf-8"
_LONGEST_WORD = 2000
HEARD: dict[int, OpenAPIResponse] = {
    200: {"description": "Microsoft's word, as it came", "content": {"text/plain": {"schema": {"type": "string"}}}},
    202: {"description": "Heard", "content": {"text/plain": {"schema": {"type": "string"}}}},
}


@app.post("/v1/scheduling/calendars/push/microsoft/<channel>", operation_id="hear_microsoft", responses=HEARD)
def receive_microsoft_push(channel: str, request: Request) -> Response[str]:
    word = app.current_event.query_string_parameters.get("validationToken")
    if word is not None and len(word) <= _LONGEST_WORD:
        return Response(200, _TEXT, word)
    with suppress(ValueError):
        push = push_notifications.from_microsoft(channel, raw_body(request.resolved_event.raw_event))
        if push is not None:
            push_notifications.receive_pushes(push)
    return Response(202, _TEXT, "")


lambda_handler = entrypoint(app)
