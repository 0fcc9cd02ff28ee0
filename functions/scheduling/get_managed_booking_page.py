"""GET /bookings/{token}: the page of the link in the invitee's mail. Looking changes nothing."""

from aws_lambda_powertools.event_handler import Response

from parley.kernel.edge.html_responses import HTML, page_response
from parley.kernel.edge.http import FORM, Access, RawEvent, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.errors import NotFound
from parley.notifications.localization import languages
from parley.scheduling.bookings import invitee_access
from parley.scheduling.pages import invitee_page

app = api(needs=Access.ANYBODY, accepts=FORM, most_bytes=64 * 1024)


@app.get("/bookings/<token>", operation_id="show_booking", responses=HTML, compress=True)
def get_managed_booking_page(token: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    key, query = invitee_access.key_of(token), event.get("queryStringParameters") or {}
    with transaction(visitor.acting_for(key.organization_id)) as session:
        return page_response(200, invitee_page.show(session, invitee_access.find(session, key), token, query))


app.exception_handler(NotFound)(
    lambda refusal: page_response(404, invitee_page.missing_page(refusal, languages.of_headers(app.current_event.headers)))
)
lambda_handler = entrypoint(app)
