"""POST /v1/scheduling/calendars/push/google/{channel}: Google says that a calendar has changed.

Whoever else comes is answered like Google, and learns nothing.
"""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from aws_lambda_powertools.event_handler.request import Request

from parley.kernel.edge.http import Access, api, entrypoint
from parley.scheduling.calendars import push_notifications

app = api(
    needs=Access.ANYBODY,
    unlimited_because="Google sends in bursts; what does not bring the channel's secret asks nothing.",
    accepts=(),
    open_query="Google writes the address.",
)
HEARD: dict[int, OpenAPIResponse] = {202: {"description": "Heard", "content": {"text/plain": {"schema": {"type": "string"}}}}}


@app.post("/v1/scheduling/calendars/push/google/<channel>", operation_id="hear_google", responses=HEARD)
def receive_google_push(channel: str, request: Request) -> Response[str]:
    push = push_notifications.from_google(channel, request.headers)
    if push is not None:
        push_notifications.receive_pushes(push)
    return Response(202, "text/plain; charset=utf-8", "")


lambda_handler = entrypoint(app)
