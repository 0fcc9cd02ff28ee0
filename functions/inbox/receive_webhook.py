"""POST /v1/webhooks/whatsapp: verify, queue, 200. Everything else is the worker's: Meta wants an answer within a moment."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from aws_lambda_powertools.event_handler.request import Request

from parley.inbox.claim_check import pack
from parley.inbox.platforms.meta_webhooks import is_signed
from parley.kernel.aws import aws_requests, s3_objects
from parley.kernel.edge.http import Access, api, entrypoint
from parley.kernel.edge.request_parsing import raw_body
from parley.kernel.values.clock import now
from parley.kernel.values.errors import BadRequest, Unauthenticated
from parley.kernel.values.settings import setting

BURSTS = "Meta sends in bursts, from few networks; what is not signed by Meta reaches neither queue nor database."
app = api(needs=Access.ANYBODY, unlimited_because=BURSTS, accepts=(), open_query="Meta may add parameters.")
PLAIN: dict[int, OpenAPIResponse] = {200: {"description": "It is queued", "content": {"text/plain": {"schema": {"type": "string"}}}}}


class BadSignature(Unauthenticated):
    """The body was not signed with the app's secret."""


class MalformedBody(BadRequest):
    """The gateway's encoding of the body can't be undone."""


@app.post("/v1/webhooks/whatsapp", responses=PLAIN)
def receive_webhook(request: Request) -> Response[str]:
    try:
        body = raw_body(request.resolved_event.raw_event)
    except ValueError:
        raise MalformedBody("The body is said to be base64, and is not.") from None
    if not is_signed(body, request.headers.get("x-hub-signature-256", ""), setting("WHATSAPP_APP_SECRET")):
        raise BadSignature("The header X-Hub-Signature-256 does not hold the signature of this body.")
    # Unlike the parcel's, these failures are answered with 503, and Meta delivers again.
    parcel = pack(body, now(), lambda key, content: s3_objects.put(setting("MEDIA_BUCKET"), key, content))
    aws_requests.send_message(setting("INBOX_WEBHOOKS_QUEUE_URL"), parcel)
    return Response(200, "text/plain; charset=utf-8", "ok")


lambda_handler = entrypoint(app)
