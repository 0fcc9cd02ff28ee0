"""GET /v1/auth/providers/{provider}/complete: the last redirect of a log-in through a provider, or of linking one."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.identity.providers import identity_handover, oauth_callback, provider_cookies, provider_settings, redirect_allowlist, redirects
from parley.identity.providers.identity_handover import IdentityHandover
from parley.identity.providers.linked_providers import LinkedProviderRead
from parley.identity.sessions import session_cookies
from parley.identity.sessions.token_response import TokensRead
from parley.kernel.access.callers import Caller
from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.values.errors import Refusal

app = api(needs=Access.ANYBODY, open_query="A browser is led here with what a provider sent.")
BACK: dict[int, OpenAPIResponse] = {303: {"description": "Back to `return_to`, with the refresh token in a cookie, `linked` or `error`."}}


@app.get("/v1/auth/providers/<provider>/complete", responses=BACK)
def complete_provider_log_in(provider: str, visitor: Visitor) -> Response[TokensRead | LinkedProviderRead | None]:
    kind = provider_settings.kind_of(provider)
    handover = identity_handover.unseal(kind, provider_cookies.read_handover_cookie(app.current_event.raw_event, kind))
    over = provider_cookies.expired_handover_cookie(kind)
    try:
        ended = _ended(visitor, handover)
    except Refusal as refusal:
        ended = redirects.refusal_response(refusal, handover.return_to, over)
    ended.cookies.append(over)
    return ended


def _ended(visitor: Caller, handover: IdentityHandover) -> Response[Any]:
    if handover.user_id is not None:
        made = oauth_callback.link(visitor, handover)
        back = handover.return_to and redirect_allowlist.with_query(handover.return_to, linked=made.provider)
        return redirects.redirect_response(303, back) if back else Response(200, "application/json", made)
    started = oauth_callback.log_in(visitor, handover)
    if handover.return_to is None:
        return session_cookies.log_in_response(started, as_cookie=False, on_device=True)
    return redirects.redirect_response(303, handover.return_to, *session_cookies.log_in_cookies(started))


lambda_handler = entrypoint(app)
