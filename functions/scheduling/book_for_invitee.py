"""POST /v1/scheduling/event-types/{event_type_id}/bookings"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.availability.live_busy_times import LiveBusyTimes
from parley.scheduling.bookings import booking_service
from parley.scheduling.bookings.schemas import BookingFor, BookingRead
from parley.scheduling.calendars.live_check import with_calendars

app = api(needs="bookings:write", location="/v1/scheduling/bookings/{id}")


@app.post("/v1/scheduling/event-types/<event_type_id>/bookings", status_code=201)
def book_for_invitee(event_type_id: UUID, wanted: BookingFor, caller: AuthenticatedCaller, once: IdempotencyKey) -> BookingRead:
    def book(fresh: LiveBusyTimes) -> BookingRead:
        with transaction(caller, once) as session:
            made = booking_service.book_slot(session, caller, event_type_id, wanted, fresh)
            return once.answer(session, booking_service.read(booking_service.existing_details(session, made.id)))

    return with_calendars(caller, book)


lambda_handler = entrypoint(app)
