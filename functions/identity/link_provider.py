"""POST /v1/auth/providers/{provider}/link: begins to link a provider to the account of who asks."""

from aws_lambda_powertools.event_handler import Response

from parley.identity.providers import authorization_code, linked_providers, provider_cookies, provider_settings, redirect_allowlist
from parley.identity.providers.linked_providers import LinkBegun, LinkCreate
from parley.identity.providers.oauth_state import AuthorizationAttempt
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/providers/<provider>/link")
def link_provider(provider: str, caller: AuthenticatedCaller, wanted: LinkCreate | None = None) -> Response[LinkBegun]:
    chosen = provider_settings.configured_provider(provider)
    return_to = redirect_allowlist.allowed_return(wanted.return_to if wanted else None)
    session_id = linked_providers.begin(caller, *(wanted or LinkCreate()).opened())
    attempt = AuthorizationAttempt.begin(chosen.kind, return_to, user_id=caller.actor_id, session_id=session_id)
    begun = LinkBegun(authorization_url=authorization_code.authorization_url(chosen, attempt))
    return Response(200, "application/json", begun, cookies=[provider_cookies.attempt_cookie(chosen.kind, attempt)])


lambda_handler = entrypoint(app)
