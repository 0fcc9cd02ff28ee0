"""GET and POST /invitations/{token}: the page of the link in the mail. Looking changes nothing; the form on it declines."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.identity import invitation_page, invited
from parley.kernel.db import transaction
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",))
HTML: dict[int, OpenAPIResponse] = {200: {"description": "The page", "content": {"text/html": {"schema": {"type": "string"}}}}}


def _shown(status: int, html: str) -> Response[str]:
    return Response(status, "text/html; charset=utf-8", html, headers=invitation_page.headers())


@app.get("/invitations/<token>", responses=HTML)
def open_invitation(token: str, visitor: Visitor) -> Response[str]:
    with transaction(visitor.acting_for(invited.organization_of(token))) as session:
        return _shown(200, invitation_page.page(invited.show(session, token)))


@app.post("/invitations/<token>", responses=HTML)
def submit_invitation(token: str, visitor: Visitor) -> Response[str]:
    caller = visitor.acting_for(invited.organization_of(token))
    with transaction(caller) as session:
        invited.decline(session, caller, token)
    return _shown(200, invitation_page.message("You have declined this invitation."))


app.exception_handler(invited.InvitationNotValid)(lambda refusal: _shown(refusal.status, invitation_page.message(refusal.detail)))
lambda_handler = entrypoint(app)
