"""POST /v1/scheduling/bookings/{booking_id}/reschedule"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.availability.live_busy_times import LiveBusyTimes
from parley.scheduling.bookings import rescheduling
from parley.scheduling.bookings.schemas import BookingMove, BookingRead
from parley.scheduling.calendars.live_check import with_calendars

app = api(needs="bookings:write", location="/v1/scheduling/bookings/{id}")


@app.post("/v1/scheduling/bookings/<booking_id>/reschedule", status_code=201)
def reschedule_booking(booking_id: UUID, wanted: BookingMove, caller: AuthenticatedCaller, once: IdempotencyKey) -> BookingRead:
    def move(fresh: LiveBusyTimes) -> BookingRead:
        with transaction(caller, once) as session:
            return once.answer(session, rescheduling.reschedule_booking(session, caller, booking_id, wanted, fresh))

    return with_calendars(caller, move)


lambda_handler = entrypoint(app)
