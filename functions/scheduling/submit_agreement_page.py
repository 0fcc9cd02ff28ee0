"""POST /agreements/{token}: the form of the page, which agrees or stops."""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response

from parley.kernel.edge.html_responses import HTML, html_response
from parley.kernel.edge.http import FORM, Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.notifications.localization import languages
from parley.scheduling.notifications import address_agreements, agreement_page

app = api(needs=Access.ANYBODY, accepts=FORM, most_bytes=1024)


@app.post("/agreements/<token>", operation_id="submit_agreement", responses=HTML)
def submit_agreement_page(token: str, visitor: Visitor) -> Response[str]:
    form = dict(parse_qsl(app.current_event.decoded_body or ""))
    caller = visitor.acting_for(address_agreements.ids_of(token)[0])
    with transaction(caller) as session:
        decided = address_agreements.decide(session, caller, token, agrees=form.get("decision") == "agree")
        return html_response(200, agreement_page.page(*decided, languages.of_headers(app.current_event.headers)), agreement_page.headers())


app.exception_handler(address_agreements.NoSuchAgreement)(
    lambda refusal: html_response(
        404, agreement_page.missing(refusal.detail, languages.of_headers(app.current_event.headers)), agreement_page.headers()
    )
)
lambda_handler = entrypoint(app)
