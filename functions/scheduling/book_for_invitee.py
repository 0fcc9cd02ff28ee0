"""POST /v1/scheduling/event-types/{event_type_id}/bookings"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import bookings
from parley.scheduling.calendars.fresh import with_calendars
from parley.scheduling.calendars.known import Fresh
from parley.scheduling.schemas import BookingFor, BookingRead

app = api(needs="bookings:write")


@app.post("/v1/scheduling/event-types/<event_type_id>/bookings", status_code=201)
def book_for_invitee(event_type_id: UUID, wanted: BookingFor, caller: AuthenticatedCaller, once: RequestOnce) -> BookingRead:
    def book(fresh: Fresh) -> BookingRead:
        with transaction(caller, once) as session:
            made = bookings.book_slot(session, caller, event_type_id, wanted, fresh)
            return once.answer(session, bookings.read(bookings.found_whole(session, made.id)))

    return with_calendars(caller, book)


lambda_handler = entrypoint(app)
