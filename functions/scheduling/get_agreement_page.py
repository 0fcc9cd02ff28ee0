"""GET /agreements/{token}: the page where an address agrees to messages, or stops them. Looking changes nothing."""

from aws_lambda_powertools.event_handler import Response

from parley.kernel.db import transaction
from parley.kernel.html_responses import HTML, html_response
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.notifications import languages
from parley.scheduling.workflows import agreement_page, agreements

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",), most_bytes=1024)


@app.get("/agreements/<token>", operation_id="show_agreement", responses=HTML)
def get_agreement_page(token: str, visitor: Visitor) -> Response[str]:
    organization_id, _ = agreements.ids_of(token)
    with transaction(visitor.acting_for(organization_id)) as session:
        return html_response(
            200,
            agreement_page.page(*agreements.find(session, token), languages.of_headers(app.current_event.headers)),
            agreement_page.headers(),
        )


app.exception_handler(agreements.NoSuchAgreement)(
    lambda refusal: html_response(
        404, agreement_page.missing(refusal.detail, languages.of_headers(app.current_event.headers)), agreement_page.headers()
    )
)
lambda_handler = entrypoint(app)
