"""GET /{organization}/{event_type}: the page on which people book."""

from aws_lambda_powertools.event_handler import Response

from parley.kernel.edge.html_responses import HTML, page_response
from parley.kernel.edge.http import Access, RawEvent, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.notifications.localization import languages
from parley.scheduling.bookings import invitee_access
from parley.scheduling.event_types import slugs
from parley.scheduling.pages import booking_page, invitee_page
from parley.scheduling.pages.page_parameters import PageParameters

app = api(needs=Access.ANYBODY)


@app.get("/<organization>/<event_type>", operation_id="show_offer", responses=HTML, compress=True)
def get_booking_page(organization: str, event_type: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    query, headers = event.get("queryStringParameters") or {}, event["headers"]
    visit = PageParameters.of(f"/{organization}/{event_type}", query, headers)
    if token := query.get("booking"):
        key = invitee_access.key_of(token)
        with transaction(visitor.acting_for(key.organization_id)) as session:
            return page_response(200, invitee_page.confirmation(invitee_access.find(session, key), token, organization, visit, visitor))
    with transaction(visitor.acting_for(slugs.organization_of_page(organization))) as session:
        return page_response(200, booking_page.show(session, event_type, visit, headers.get("parley-hold")))


app.exception_handler(list(booking_page.NOT_FOUND))(
    lambda refusal: page_response(refusal.status, booking_page.refusal_page(refusal, languages.of_headers(app.current_event.headers)))
)
lambda_handler = entrypoint(app)
