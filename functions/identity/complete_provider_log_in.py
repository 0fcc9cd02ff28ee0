"""GET /v1/auth/providers/{provider}/complete: the last redirect of a log-in through a provider, or of linking one."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.identity import browser
from parley.identity.answers import TokensRead
from parley.identity.providers import configured, cookies, endings, finishing, handovers, returns
from parley.identity.providers.handovers import Handover
from parley.identity.providers.linked import LinkedProviderRead
from parley.kernel.callers import Caller
from parley.kernel.errors import Refusal
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)
BACK: dict[int, OpenAPIResponse] = {303: {"description": "Back to `return_to`, with the refresh token in a cookie, `linked` or `error`."}}


@app.get("/v1/auth/providers/<provider>/complete", responses=BACK)
def complete_provider_log_in(provider: str, visitor: Visitor) -> Response[TokensRead | LinkedProviderRead | None]:
    kind = configured.kind_of(provider)
    handover = handovers.unseal(kind, cookies.handover_of(app.current_event.raw_event, kind))
    over = cookies.without_handover(kind)
    try:
        ended = _ended(visitor, handover)
    except Refusal as refusal:
        ended = endings.refused(refusal, handover.return_to, over)
    ended.cookies.append(over)
    return ended


def _ended(visitor: Caller, handover: Handover) -> Response[Any]:
    if handover.user_id is not None:
        made = finishing.link(visitor, handover)
        back = handover.return_to and returns.with_query(handover.return_to, linked=made.provider)
        return endings.sent(303, back) if back else Response(200, "application/json", made)
    started = finishing.log_in(visitor, handover)
    if handover.return_to is None:
        return browser.signed_in(started, as_cookie=False, on_device=True)
    return endings.sent(303, handover.return_to, *browser.device_cookie_of(started), browser.cookie_of(started))


lambda_handler = entrypoint(app)
