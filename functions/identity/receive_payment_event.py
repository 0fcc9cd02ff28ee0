"""POST /v1/webhooks/payments: a payment provider says that a subscription began, changed or ended."""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from aws_lambda_powertools.event_handler.request import Request

from parley.identity.billing import payment_events
from parley.kernel.edge.http import Access, api, entrypoint
from parley.kernel.edge.request_parsing import raw_body
from parley.kernel.values.errors import BadRequest, NoSuchRoute, Unauthenticated
from parley.kernel.values.settings import is_set, setting

BURSTS = "A payment provider sends in bursts; what it has not signed reaches no database."
app = api(needs=Access.ANYBODY, unlimited_because=BURSTS, accepts=(), open_query="An operator gives the provider its address.")
PLAIN: dict[int, OpenAPIResponse] = {200: {"description": "It is seen to", "content": {"text/plain": {"schema": {"type": "string"}}}}}
logger = Logger("parley")


class BadPaymentSignature(Unauthenticated):
    """The body was not signed with the secret of the endpoint, or not now."""


class MalformedPaymentEvent(BadRequest):
    """The gateway's encoding of the body can't be undone."""


@app.post("/v1/webhooks/payments", responses=PLAIN)
def receive_payment_event(request: Request) -> Response[str]:
    if not is_set("PAYMENT_WEBHOOK_SECRET"):
        raise NoSuchRoute("There is nothing at this address; /docs lists what there is.")
    try:
        body = raw_body(request.resolved_event.raw_event)
    except ValueError:
        raise MalformedPaymentEvent("The body is said to be base64, and is not.") from None
    if not payment_events.is_signed(body, request.headers.get("stripe-signature", ""), setting("PAYMENT_WEBHOOK_SECRET")):
        raise BadPaymentSignature("The header Stripe-Signature does not hold a signature of this body from the last five minutes.")
    change = payment_events.read(body, setting("PAYMENT_PRICES", "{}"))
    outcome = payment_events.take(change) if change is not None else "ignored"
    say = logger.warning if outcome.startswith("unknown") else logger.info
    say("payment event", outcome=outcome, organization_id=str(change.organization_id) if change else None)
    return Response(200, "text/plain; charset=utf-8", outcome)


lambda_handler = entrypoint(app)
