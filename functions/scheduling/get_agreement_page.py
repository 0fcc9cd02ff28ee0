"""GET /agreements/{token}: the page where an address agrees to messages, or stops them. Looking changes nothing."""

from aws_lambda_powertools.event_handler import Response

from parley.kernel.edge.html_responses import HTML, html_response
from parley.kernel.edge.http import FORM, Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.notifications.localization import languages
from parley.scheduling.notifications import address_agreements, agreement_page

app = api(needs=Access.ANYBODY, accepts=FORM, most_bytes=1024)


@app.get("/agreements/<token>", operation_id="show_agreement", responses=HTML)
def get_agreement_page(token: str, visitor: Visitor) -> Response[str]:
    organization_id, _ = address_agreements.ids_of(token)
    with transaction(visitor.acting_for(organization_id)) as session:
        return html_response(
            200,
            agreement_page.page(*address_agreements.find(session, token), languages.of_headers(app.current_event.headers)),
            agreement_page.headers(),
        )


app.exception_handler(address_agreements.NoSuchAgreement)(
    lambda refusal: html_response(
        404, agreement_page.missing(refusal.detail, languages.of_headers(app.current_event.headers)), agreement_page.headers()
    )
)
lambda_handler = entrypoint(app)
