"""GET /invitations/{token}: the page of the link in the mail. Looking changes nothing."""

from aws_lambda_powertools.event_handler import Response

from parley.identity.members import invitation_acceptance, invitation_page
from parley.kernel.edge.html_responses import HTML, html_response
from parley.kernel.edge.http import FORM, Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.notifications.localization import languages

app = api(needs=Access.ANYBODY, accepts=FORM)


@app.get("/invitations/<token>", operation_id="open_invitation", responses=HTML)
def get_invitation_page(token: str, visitor: Visitor) -> Response[str]:
    with transaction(visitor.acting_for(invitation_acceptance.organization_of(token))) as session:
        html = invitation_page.page(invitation_acceptance.show(session, token), languages.of_headers(app.current_event.headers))
    return html_response(200, html, invitation_page.headers())


app.exception_handler(invitation_acceptance.InvitationNotValid)(
    lambda refusal: html_response(
        refusal.status, invitation_page.message(refusal.detail, languages.of_headers(app.current_event.headers)), invitation_page.headers()
    )
)
lambda_handler = entrypoint(app)
