"""POST /bookings/{token}: the forms of the page cancel or move."""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response

from parley.kernel.access.visitor_limits import WRITES_PER_NETWORK
from parley.kernel.edge.html_responses import described, page_response
from parley.kernel.edge.http import FORM, Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.errors import Conflict, NotFound, Unprocessable
from parley.notifications.localization import languages
from parley.scheduling.bookings import invitee_access
from parley.scheduling.calendars.live_check import transaction_with_live_check
from parley.scheduling.pages import invitee_page
from parley.scheduling.pages.booking_page import NOTHING

app = api(needs=Access.ANYBODY, limit=WRITES_PER_NETWORK, accepts=FORM, most_bytes=64 * 1024)
AGAIN = described(303, "Canceled or moved; the page says so.")


@app.post("/bookings/<token>", operation_id="submit_booking", responses=AGAIN)
def submit_managed_booking_page(token: str, visitor: Visitor) -> Response[str]:
    form, key = dict(parse_qsl(app.current_event.decoded_body or "")), invitee_access.key_of(token)
    caller = visitor.acting_for(key.organization_id)
    try:
        location = transaction_with_live_check(
            caller, None, lambda session, fresh: invitee_page.submit(session, caller, key, token, form, fresh)
        )
        return page_response(303, NOTHING, location=location)
    except (Conflict, Unprocessable) as refusal:
        with transaction(caller) as session:
            return page_response(
                refusal.status, invitee_page.page_after_refusal(session, invitee_access.find(session, key), token, form, refusal)
            )


app.exception_handler(NotFound)(
    lambda refusal: page_response(404, invitee_page.missing_page(refusal, languages.of_headers(app.current_event.headers)))
)
lambda_handler = entrypoint(app)
