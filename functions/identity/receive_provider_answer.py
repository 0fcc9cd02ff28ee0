"""GET and POST /v1/auth/providers/{provider}/callback: the browser brings the provider's answer; Apple lets it post a form.

Talks to the provider and has no database: what is found goes on, sealed, to /complete.
"""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.identity.providers import configured, cookies, endings, handovers, identities
from parley.identity.providers.attempts import Attempt
from parley.kernel.errors import Refusal
from parley.kernel.http import Access, api, entrypoint

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",), most_bytes=32 * 1024)
ON: dict[int, OpenAPIResponse] = {303: {"description": "To /complete, or back to `return_to` with `error`."}}


def _received(name: str, answer: dict[str, str]) -> Response[None]:
    provider = configured.named(name)
    kind, event = provider.kind, app.current_event.raw_event
    attempt = Attempt.resume(kind, cookies.attempt_of(event, kind), answer.get("state", ""))
    over = cookies.without_attempt(kind)
    try:
        handover = handovers.seal(attempt, identities.identity(provider, attempt, answer))
    except Refusal as refusal:
        return endings.refused(refusal, attempt.return_to, over)
    return endings.sent(303, f"/v1/auth/providers/{kind}/complete", over, cookies.of_handover(kind, handover))


@app.get("/v1/auth/providers/<provider>/callback", responses=ON)
def receive_answer(provider: str) -> Response[None]:
    return _received(provider, app.current_event.query_string_parameters or {})


@app.post("/v1/auth/providers/<provider>/callback", responses=ON)
def receive_form(provider: str) -> Response[None]:
    return _received(provider, dict(parse_qsl(app.current_event.decoded_body or "", max_num_fields=20)))


lambda_handler = entrypoint(app)
