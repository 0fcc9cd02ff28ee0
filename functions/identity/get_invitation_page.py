"""GET /invitations/{token}: the page of the link in the mail. Looking changes nothing."""

from aws_lambda_powertools.event_handler import Response

from parley.identity import invitation_page, invited
from parley.kernel.db import transaction
from parley.kernel.html_responses import HTML, html_response
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.notifications import languages

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",))


@app.get("/invitations/<token>", operation_id="open_invitation", responses=HTML)
def get_invitation_page(token: str, visitor: Visitor) -> Response[str]:
    with transaction(visitor.acting_for(invited.organization_of(token))) as session:
        html = invitation_page.page(invited.show(session, token), languages.of_headers(app.current_event.headers))
    return html_response(200, html, invitation_page.headers())


app.exception_handler(invited.InvitationNotValid)(
    lambda refusal: html_response(
        refusal.status, invitation_page.message(refusal.detail, languages.of_headers(app.current_event.headers)), invitation_page.headers()
    )
)
lambda_handler = entrypoint(app)
