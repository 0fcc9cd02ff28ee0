"""POST /bookings/{token}: the forms of the page cancel or move."""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.kernel.db import transaction
from parley.kernel.errors import Conflict, NotFound, Unprocessable
from parley.kernel.html_responses import page_response
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.notifications import languages
from parley.scheduling import managed, managed_page
from parley.scheduling.booking_page import NOTHING
from parley.scheduling.calendars.fresh import transacted

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",), most_bytes=64 * 1024)
AGAIN: dict[int, OpenAPIResponse] = {
    303: {"description": "Canceled or moved; the page says so.", "content": {"text/html": {"schema": {"type": "string"}}}}
}


@app.post("/bookings/<token>", operation_id="submit_booking", responses=AGAIN)
def submit_managed_booking_page(token: str, visitor: Visitor) -> Response[str]:
    form, key = dict(parse_qsl(app.current_event.decoded_body or "")), managed.key_of(token)
    caller = visitor.acting_for(key.organization_id)
    try:
        location = transacted(caller, None, lambda session, fresh: managed_page.submit(session, caller, key, token, form, fresh))
        return page_response(303, NOTHING, location=location)
    except (Conflict, Unprocessable) as refusal:
        with transaction(caller) as session:
            return page_response(refusal.status, managed_page.again(session, managed.find(session, key), token, form, refusal))


app.exception_handler(NotFound)(
    lambda refusal: page_response(404, managed_page.missing(refusal, languages.of_headers(app.current_event.headers)))
)
lambda_handler = entrypoint(app)
