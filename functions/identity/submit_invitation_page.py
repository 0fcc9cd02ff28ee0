"""POST /invitations/{token}: the form of the page, which declines."""

from aws_lambda_powertools.event_handler import Response

from parley.identity import invitation_page, invited
from parley.kernel.db import transaction
from parley.kernel.html_responses import HTML, html_response
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",))


@app.post("/invitations/<token>", operation_id="submit_invitation", responses=HTML)
def submit_invitation_page(token: str, visitor: Visitor) -> Response[str]:
    caller = visitor.acting_for(invited.organization_of(token))
    with transaction(caller) as session:
        invited.decline(session, caller, token)
    return html_response(200, invitation_page.message("You have declined this invitation."), invitation_page.headers())


app.exception_handler(invited.InvitationNotValid)(
    lambda refusal: html_response(refusal.status, invitation_page.message(refusal.detail), invitation_page.headers())
)
lambda_handler = entrypoint(app)
