"""GET /{organization}: the page of what can be booked with an organization."""

from aws_lambda_powertools.event_handler import Response

from parley.kernel.edge.html_responses import HTML, page_response
from parley.kernel.edge.http import Access, RawEvent, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.notifications.localization import languages
from parley.scheduling.event_types import slugs
from parley.scheduling.pages import booking_page, organization_page
from parley.scheduling.pages.page_parameters import PageParameters

app = api(needs=Access.ANYBODY)


@app.get("/<organization>", operation_id="list_offers", responses=HTML, compress=True)
def get_organization_page(organization: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    query = event.get("queryStringParameters") or {}
    with transaction(visitor.acting_for(slugs.organization_of_page(organization))) as session:
        return page_response(
            200, organization_page.show(session, PageParameters.of(f"/{organization}", query, event["headers"]), query.get("cursor"))
        )


app.exception_handler(list(booking_page.NOT_FOUND))(
    lambda refusal: page_response(refusal.status, booking_page.refusal_page(refusal, languages.of_headers(app.current_event.headers)))
)
lambda_handler = entrypoint(app)
