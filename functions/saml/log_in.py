"""GET /saml/{organization_id}/login: to the identity provider, with a signed request."""

from typing import Annotated
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.saml.sign_on import authn_requests

app = api(needs=Access.ANYBODY)
AWAY: dict[int, OpenAPIResponse] = {302: {"description": "To the identity provider"}}


@app.get("/saml/<organization_id>/login", responses=AWAY)
def log_in(organization_id: UUID, visitor: Visitor, return_to: Annotated[str | None, Query()] = None) -> Response[str]:
    with transaction(visitor.acting_for(organization_id)) as session:
        request, url = authn_requests.begin(session, return_to)
    # The answer comes as a form posted by another site: with SameSite=Lax the browser would not show the cookie.
    bound = Cookie(
        authn_requests.cookie_name(request.id),
        authn_requests.cookie(request.id),
        path="/",
        secure=True,
        http_only=True,
        same_site=SameSite.NONE_MODE,
        max_age=int(authn_requests.LIFE.total_seconds()),
    )
    return Response(302, "text/plain; charset=utf-8", "", headers={"location": url}, cookies=[bound])


lambda_handler = entrypoint(app)
