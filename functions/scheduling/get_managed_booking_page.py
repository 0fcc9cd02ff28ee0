"""GET /bookings/{token}: the page of the link in the invitee's mail. Looking changes nothing."""

from aws_lambda_powertools.event_handler import Response

from parley.kernel.db import transaction
from parley.kernel.errors import NotFound
from parley.kernel.html_responses import HTML, page_response
from parley.kernel.http import Access, RawEvent, Visitor, api, entrypoint
from parley.notifications import languages
from parley.scheduling import managed, managed_page

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",), most_bytes=64 * 1024)


@app.get("/bookings/<token>", operation_id="show_booking", responses=HTML, compress=True)
def get_managed_booking_page(token: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    key, asked = managed.key_of(token), event.get("queryStringParameters") or {}
    with transaction(visitor.acting_for(key.organization_id)) as session:
        return page_response(200, managed_page.show(session, managed.find(session, key), token, asked))


app.exception_handler(NotFound)(
    lambda refusal: page_response(404, managed_page.missing(refusal, languages.of_headers(app.current_event.headers)))
)
lambda_handler = entrypoint(app)
