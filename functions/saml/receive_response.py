"""POST /saml/{organization_id}/acs: the answer of the identity provider, by way of the browser. It opens a session."""

from typing import Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.identity import browser, log_in
from parley.identity.answers import TokensRead
from parley.kernel.db import transaction
from parley.kernel.errors import Refusal
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.saml import arrivals, people, profiles, queries

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",), most_bytes=512 * 1024)
BACK: dict[int, OpenAPIResponse] = {
    200: {"description": "Logged in", "content": {"application/json": {"model": TokensRead}}},
    303: {"description": "Logged in, with the refresh token in a cookie, and on to `return_to`"},
}


@app.post("/saml/<organization_id>/acs", responses=BACK)
def receive_response(organization_id: UUID, visitor: Visitor) -> Response[Any]:
    caller = visitor.acting_for(organization_id)
    posted = arrivals.read(app.current_event.body or "", app.current_event.raw_event.get("cookies") or [])
    door = queries.door(organization_id, posted.request_id)
    try:
        asserted = arrivals.verified(posted, organization_id, door)
        somebody = people.meant(organization_id, profiles.of(asserted, door.reading))
        with transaction(caller, person=somebody.user_id) as session:
            outcome = people.sign_in(session, caller, asserted, door, somebody)
        started = log_in.settled(outcome)
    except Refusal as refusal:
        if posted.is_ours:  # anybody can post anything; the trail is for what a browser was sent away for
            with transaction(caller) as session:
                arrivals.remember(session, caller, refusal)
        raise
    back = arrivals.return_to(posted, door)
    if back is None:
        return browser.signed_in(started, as_cookie=False)
    return Response(303, "text/plain; charset=utf-8", None, headers={"location": back}, cookies=[browser.cookie_of(started)])


lambda_handler = entrypoint(app)
