"""GET /v1/webhooks/whatsapp: the handshake with which Meta makes sure that this address is ours."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.inbox.platforms.meta_webhooks import challenge
from parley.kernel.edge.http import Access, api, entrypoint
from parley.kernel.values.errors import Forbidden
from parley.kernel.values.settings import setting

app = api(
    needs=Access.ANYBODY,
    unlimited_because="It reaches no database, and compares one word.",
    open_query="Meta may add its own to those that we know.",
)
PLAIN: dict[int, OpenAPIResponse] = {200: {"description": "The challenge alone", "content": {"text/plain": {"schema": {"type": "string"}}}}}


class WrongVerifyToken(Forbidden):
    """The request does not carry the verify token of this app."""


@app.get("/v1/webhooks/whatsapp", responses=PLAIN)
def verify_webhook(
    mode: Annotated[str, Query(alias="hub.mode")] = "",
    verify_token: Annotated[str, Query(alias="hub.verify_token")] = "",
    offered: Annotated[str, Query(alias="hub.challenge", max_length=1000)] = "",
) -> Response[str]:
    query = {"hub.mode": mode, "hub.verify_token": verify_token, "hub.challenge": offered}
    answer = challenge(query, setting("WHATSAPP_VERIFY_TOKEN"))
    if answer is None:
        raise WrongVerifyToken("This is the address of WhatsApp's webhooks; the handshake has a challenge and the app's verify token.")
    return Response(200, "text/plain; charset=utf-8", answer)


lambda_handler = entrypoint(app)
