"""POST /v1/scheduling/bookings"""

from parley.kernel.db import transaction
from parley.kernel.http import Access, RequestOnce, Visitor, api, entrypoint
from parley.scheduling import bookings, captcha, event_types, proof_requests
from parley.scheduling.calendars.fresh import with_calendars
from parley.scheduling.calendars.known import Fresh
from parley.scheduling.schemas import BookingConfirmationRead, BookingCreate

app = api(needs=Access.ANYBODY)


@app.post("/v1/scheduling/bookings", status_code=201)
def create_booking(wanted: BookingCreate, visitor: Visitor, once: RequestOnce) -> BookingConfirmationRead:
    caller = visitor.acting_for(event_types.organization_of(wanted.event_type_id))

    refused = captcha.verdict(caller, wanted.captcha_token)

    def book(fresh: Fresh) -> BookingConfirmationRead:
        with transaction(caller, once) as session:
            captcha.insist(refused)
            booking = bookings.book_slot(session, caller, wanted.event_type_id, wanted, fresh)
            return once.answer(session, BookingConfirmationRead.model_validate(booking))

    with proof_requests.asked_for(caller, wanted.event_type_id, wanted):
        return with_calendars(caller, book)


lambda_handler = entrypoint(app)
