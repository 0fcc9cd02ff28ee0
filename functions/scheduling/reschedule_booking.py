"""POST /v1/scheduling/bookings/{booking_id}/reschedule"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import moves
from parley.scheduling.calendars.fresh import with_calendars
from parley.scheduling.calendars.known import Fresh
from parley.scheduling.schemas import BookingMove, BookingRead

app = api(needs="bookings:write")


@app.post("/v1/scheduling/bookings/<booking_id>/reschedule", status_code=201)
def reschedule_booking(booking_id: UUID, wanted: BookingMove, caller: AuthenticatedCaller, once: RequestOnce) -> BookingRead:
    def move(fresh: Fresh) -> BookingRead:
        with transaction(caller, once) as session:
            return once.answer(session, moves.reschedule_booking(session, caller, booking_id, wanted, fresh))

    return with_calendars(caller, move)


lambda_handler = entrypoint(app)
