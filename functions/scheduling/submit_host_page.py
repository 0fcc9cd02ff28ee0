"""POST /hosts/{token}: the forms of the page confirm, decline, cancel, move."""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response

from parley.kernel.access.visitor_limits import WRITES_PER_NETWORK
from parley.kernel.edge.html_responses import described, page_response
from parley.kernel.edge.http import FORM, Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.errors import Conflict, Forbidden, NotFound, Unprocessable
from parley.notifications.localization import languages
from parley.scheduling.bookings import host_links
from parley.scheduling.bookings.host_access import HostLinkEnded
from parley.scheduling.calendars.live_check import transaction_with_live_check
from parley.scheduling.pages import host_page
from parley.scheduling.pages.booking_page import NOTHING

app = api(needs=Access.ANYBODY, limit=WRITES_PER_NETWORK, accepts=FORM, most_bytes=64 * 1024)
AGAIN = described(303, "Confirmed, declined, canceled or moved; the page says so.")


@app.post("/hosts/<token>", operation_id="change_hosted_booking", responses=AGAIN)
def submit_host_page(token: str, visitor: Visitor) -> Response[str]:
    form, key = dict(parse_qsl(app.current_event.decoded_body or "")), host_links.key_of(token)
    caller = visitor.acting_for(key.organization_id)
    try:
        location = transaction_with_live_check(caller, None, lambda session, fresh: host_page.submit(session, caller, key, form, fresh))
        return page_response(303, NOTHING, location=location)
    except (Conflict, Unprocessable, Forbidden) as refusal:
        with transaction(caller) as session:
            return page_response(refusal.status, host_page.page_after_refusal(session, key, form, refusal))


app.exception_handler([NotFound, HostLinkEnded])(
    lambda refusal: page_response(refusal.status, host_page.ended_page(refusal, languages.of_headers(app.current_event.headers)))
)
lambda_handler = entrypoint(app)
