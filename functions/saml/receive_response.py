"""POST /saml/{organization_id}/acs: the answer of the identity provider, by way of the browser. It opens a session."""

from typing import Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.identity.log_in import authentication
from parley.identity.sessions import session_cookies
from parley.identity.sessions.token_response import TokensRead
from parley.kernel.edge.http import FORM, Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.errors import Refusal
from parley.saml import queries
from parley.saml.sign_on import assertion_consumer, attribute_mapping, jit_provisioning

app = api(needs=Access.ANYBODY, accepts=FORM, most_bytes=512 * 1024)
BACK: dict[int, OpenAPIResponse] = {
    200: {"description": "Logged in", "content": {"application/json": {"model": TokensRead}}},
    303: {"description": "Logged in, with the refresh token in a cookie, and on to `return_to`"},
}


@app.post("/saml/<organization_id>/acs", responses=BACK)
def receive_response(organization_id: UUID, visitor: Visitor) -> Response[Any]:
    caller = visitor.acting_for(organization_id)
    posted = assertion_consumer.read(app.current_event.body or "", app.current_event.raw_event.get("cookies") or [])
    door = queries.response_expectations(organization_id, posted.request_id)
    try:
        asserted = assertion_consumer.verified(posted, organization_id, door)
        somebody = jit_provisioning.match_account(organization_id, attribute_mapping.profile_of(asserted, door.reading))
        with transaction(caller, person=somebody.user_id) as session:
            outcome = jit_provisioning.sign_in(session, caller, asserted, door, somebody)
        started = authentication.session_or_raise(outcome)
    except Refusal as refusal:
        if posted.is_ours:  # anybody can post anything; the trail is for what a browser was sent away for
            assertion_consumer.record_refusal(caller, refusal)
        raise
    if (back := assertion_consumer.return_to(posted, door)) is None:
        return session_cookies.log_in_response(started, as_cookie=False)
    return Response(303, "text/plain; charset=utf-8", None, headers={"location": back}, cookies=[session_cookies.session_cookie(started)])


lambda_handler = entrypoint(app)
