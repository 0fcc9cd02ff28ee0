"""GET /v1/auth/providers/{provider}/start: sends the browser to the provider."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.identity.providers import configured, cookies, endings, exchange, returns
from parley.identity.providers.attempts import Attempt
from parley.kernel.http import Access, api, entrypoint

app = api(needs=Access.ANYBODY)
AWAY: dict[int, OpenAPIResponse] = {302: {"description": "To the provider, with a cookie that binds the attempt to this browser."}}


@app.get("/v1/auth/providers/<provider>/start", responses=AWAY)
def start_provider_log_in(provider: str, return_to: str | None = None) -> Response[None]:
    chosen = configured.named(provider)
    attempt = Attempt.begin(chosen.kind, returns.checked(return_to))
    return endings.sent(302, exchange.authorization_url(chosen, attempt), cookies.of_attempt(chosen.kind, attempt))


lambda_handler = entrypoint(app)
