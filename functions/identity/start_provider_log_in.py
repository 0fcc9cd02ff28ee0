"""GET /v1/auth/providers/{provider}/start: sends the browser to the provider."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.identity.providers import authorization_code, provider_cookies, provider_settings, redirect_allowlist, redirects
from parley.identity.providers.oauth_state import AuthorizationAttempt
from parley.kernel.edge.http import Access, api, entrypoint

app = api(needs=Access.ANYBODY, unlimited_because="It asks nothing: the attempt lies in the browser's cookie.")
AWAY: dict[int, OpenAPIResponse] = {302: {"description": "To the provider, with a cookie that binds the attempt to this browser."}}


@app.get("/v1/auth/providers/<provider>/start", responses=AWAY)
def start_provider_log_in(provider: str, return_to: str | None = None) -> Response[None]:
    chosen = provider_settings.configured_provider(provider)
    attempt = AuthorizationAttempt.begin(chosen.kind, redirect_allowlist.allowed_return(return_to))
    return redirects.redirect_response(
        302, authorization_code.authorization_url(chosen, attempt), provider_cookies.attempt_cookie(chosen.kind, attempt)
    )


lambda_handler = entrypoint(app)
