"""POST /invitations/{token}: the form of the page, which declines."""

from aws_lambda_powertools.event_handler import Response

from parley.identity.members import invitation_acceptance, invitation_page
from parley.kernel.access.visitor_limits import WRITES_PER_NETWORK
from parley.kernel.edge.html_responses import HTML, html_response
from parley.kernel.edge.http import FORM, Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.notifications.localization import languages

app = api(needs=Access.ANYBODY, limit=WRITES_PER_NETWORK, accepts=FORM)


@app.post("/invitations/<token>", operation_id="submit_invitation", responses=HTML)
def submit_invitation_page(token: str, visitor: Visitor) -> Response[str]:
    caller = visitor.acting_for(invitation_acceptance.organization_of(token))
    with transaction(caller) as session:
        invitation_acceptance.decline(session, caller, token)
    html = invitation_page.message(invitation_page.DECLINED, languages.of_headers(app.current_event.headers))
    return html_response(200, html, invitation_page.headers())


app.exception_handler(invitation_acceptance.InvitationNotValid)(
    lambda refusal: html_response(
        refusal.status, invitation_page.message(refusal.detail, languages.of_headers(app.current_event.headers)), invitation_page.headers()
    )
)
lambda_handler = entrypoint(app)
