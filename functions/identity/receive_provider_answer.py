"""GET /v1/auth/providers/{provider}/callback: the browser brings the provider's answer.

Talks to the provider and has no database: what is found goes on, sealed, to /complete.
"""

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


@app.get("/v1/auth/providers/<provider>/callback", operation_id="receive_answer", responses=ON)
def receive_provider_answer(provider: str, event: RawEvent) -> Response[None]:
    return authorization_response.redirect(provider, event, app.current_event.query_string_parameters or {})


lambda_handler = entrypoint(app)
