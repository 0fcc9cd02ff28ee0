"""POST /v1/auth/providers/{provider}/link: begins to link a provider to the account of who asks."""

from aws_lambda_powertools.event_handler import Response

from parley.identity.providers import configured, cookies, exchange, linked, returns
from parley.identity.providers.attempts import Attempt
from parley.identity.providers.linked import LinkBegun, LinkCreate
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/providers/<provider>/link")
def link_provider(provider: str, caller: AuthenticatedCaller, wanted: LinkCreate | None = None) -> Response[LinkBegun]:
    chosen = configured.named(provider)
    return_to = returns.checked(wanted.return_to if wanted else None)
    session_id = linked.begin(caller, *(wanted or LinkCreate()).opened())
    attempt = Attempt.begin(chosen.kind, return_to, user_id=caller.actor_id, session_id=session_id)
    begun = LinkBegun(authorization_url=exchange.authorization_url(chosen, attempt))
    return Response(200, "application/json", begun, cookies=[cookies.of_attempt(chosen.kind, attempt)])


lambda_handler = entrypoint(app)
