"""POST /v1/auth/providers/{provider}/callback: the same answer in a form, as Apple lets the browser post it.

Talks to the provider and has no database, like the other way.
"""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.identity.providers import authorization_response
from parley.kernel.edge.http import FORM, Access, RawEvent, api, entrypoint

app = api(
    needs=Access.ANYBODY,
    unlimited_because="It reaches no database; the way on, /complete, is limited.",
    accepts=FORM,
    most_bytes=32 * 1024,
    open_query="Providers add their own, like iss and session_state.",
)
ON: dict[int, OpenAPIResponse] = {303: {"description": "To /complete, or back to `return_to` with `error`."}}


@app.post("/v1/auth/providers/<provider>/callback", operation_id="receive_form", responses=ON)
def receive_provider_form(provider: str, event: RawEvent) -> Response[None]:
    return authorization_response.redirect(provider, event, dict(parse_qsl(app.current_event.decoded_body or "", max_num_fields=20)))


lambda_handler = entrypoint(app)
