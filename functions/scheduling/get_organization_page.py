"""GET /{organization}: the page of what can be booked with an organization."""

from aws_lambda_powertools.event_handler import Response

from parley.kernel.db import transaction
from parley.kernel.html_responses import HTML, page_response
from parley.kernel.http import Access, RawEvent, Visitor, api, entrypoint
from parley.notifications import languages
from parley.scheduling import booking_page, event_types_page, links
from parley.scheduling.visits import Visit

app = api(needs=Access.ANYBODY)


@app.get("/<organization>", operation_id="list_offers", responses=HTML, compress=True)
def get_organization_page(organization: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    asked = event.get("queryStringParameters") or {}
    with transaction(visitor.acting_for(links.visited(organization))) as session:
        return page_response(
            200, event_types_page.show(session, Visit.of(f"/{organization}", asked, event["headers"]), asked.get("cursor"))
        )


app.exception_handler(list(booking_page.MISSING))(
    lambda refusal: page_response(refusal.status, booking_page.refused(refusal, languages.of_headers(app.current_event.headers)))
)
lambda_handler = entrypoint(app)
