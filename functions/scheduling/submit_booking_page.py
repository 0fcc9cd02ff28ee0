"""POST /{organization}/{event_type}: the form of the booking page. What it refuses it shows again, with what was typed."""

from aws_lambda_powertools.event_handler import Response

from parley.kernel.edge.html_responses import described, page_response
from parley.kernel.edge.http import FORM, Access, RawEvent, Visitor, api, entrypoint
from parley.kernel.persistence.idempotency_key import IdempotentRequest, Replayed
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.errors import Conflict, Unprocessable
from parley.notifications.localization import languages
from parley.scheduling.bookings import booking_limits, holds
from parley.scheduling.calendars.live_check import transaction_with_live_check
from parley.scheduling.event_types import slugs
from parley.scheduling.pages import booking_form, booking_page, captcha

app = api(needs=Access.ANYBODY, limit=booking_limits.ATTEMPTS_FROM_NETWORK, accepts=FORM, most_bytes=128 * 1024)


@app.post("/<organization>/<event_type>", operation_id="book", responses=described(303, "Booked."))
def submit_booking_page(organization: str, event_type: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    caller, body = visitor.acting_for(slugs.organization_of_page(organization)), app.current_event.decoded_body or ""
    visit, entered = booking_form.parse_form(f"/{organization}/{event_type}", body)
    refused: Conflict | Unprocessable | None = None
    if not entered.errors and not entered.is_trapped and entered.wanted is not None:
        try:
            closed = captcha.captcha_refusal(caller, entered.captcha_token)
            once = IdempotentRequest(entered.key, event.get("routeKey", ""), booking_form.digest(visit.path, body))
            with holds.request_proof(caller, slugs.event_type_by_slug(event_type, visit.host), entered.wanted, event_type, visit.host):
                booked = transaction_with_live_check(
                    caller, once, lambda s, fresh: once.answer(s, booking_page.book(s, caller, event_type, visit, entered, fresh, closed))
                )
            return page_response(303, booking_page.NOTHING, location=booking_page.book_once(caller, visit, booked))
        except Replayed as was:
            return page_response(303, booking_page.NOTHING, location=booking_page.booked_before(caller, visit, was.body))
        except (Conflict, Unprocessable) as refusal:
            refused = refusal
    with transaction(caller) as session:
        page = booking_page.page_after_refusal(session, event_type, visit, entered, refused)
    return page_response(refused.status if refused else 422, page)


app.exception_handler(list(booking_page.NOT_FOUND))(
    lambda refusal: page_response(refusal.status, booking_page.refusal_page(refusal, languages.of_headers(app.current_event.headers)))
)
lambda_handler = entrypoint(app)
