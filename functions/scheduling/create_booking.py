"""POST /v1/scheduling/bookings"""

from parley.kernel.edge.http import Access, IdempotencyKey, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.availability.live_busy_times import LiveBusyTimes
from parley.scheduling.bookings import booking_limits, booking_service, holds
from parley.scheduling.bookings.schemas import BookingConfirmationRead, BookingCreate
from parley.scheduling.calendars.live_check import with_calendars
from parley.scheduling.event_types import event_type_service
from parley.scheduling.pages import captcha

app = api(needs=Access.ANYBODY, limit=booking_limits.ATTEMPTS_FROM_NETWORK, location="/v1/scheduling/bookings/{id}")


@app.post("/v1/scheduling/bookings", status_code=201)
def create_booking(wanted: BookingCreate, visitor: Visitor, once: IdempotencyKey) -> BookingConfirmationRead:
    caller = visitor.acting_for(event_type_service.organization_of(wanted.event_type_id))

    refused = captcha.captcha_refusal(caller, wanted.captcha_token)

    def book(fresh: LiveBusyTimes) -> BookingConfirmationRead:
        # May run twice, the first time rolled back: once to learn whose calendars to ask, once with what they answered.
        with transaction(caller, once) as session:
            captcha.require_captcha(refused)
            booking = booking_service.book_slot(session, caller, wanted.event_type_id, wanted, fresh)
            return once.answer(session, BookingConfirmationRead.model_validate(booking))

    with holds.request_proof(caller, wanted.event_type_id, wanted):
        return with_calendars(caller, book)


lambda_handler = entrypoint(app)
