"""POST /v1/scheduling/bookings/{booking_id}/reschedule and /reassign: another time, another host"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import moves
from parley.scheduling.calendars.fresh import with_calendars
from parley.scheduling.calendars.known import Fresh
from parley.scheduling.schemas import BookingMove, BookingRead, BookingReassign

app = api(needs="bookings:write")


@app.post("/v1/scheduling/bookings/<booking_id>/reschedule", status_code=201)
def reschedule_booking(booking_id: UUID, wanted: BookingMove, caller: AuthenticatedCaller, once: RequestOnce) -> BookingRead:
    def move(fresh: Fresh) -> BookingRead:
        with transaction(caller, once) as session:
            return once.answer(session, moves.reschedule_booking(session, caller, booking_id, wanted, fresh))

    return with_calendars(caller, move)


@app.post("/v1/scheduling/bookings/<booking_id>/reassign")
def reassign_booking(
    booking_id: UUID, caller: AuthenticatedCaller, once: RequestOnce, wanted: BookingReassign | None = None
) -> BookingRead:
    host_id = wanted.host_id if wanted else None
    with transaction(caller, once) as session:
        return once.answer(session, moves.reassign_booking(session, caller, booking_id, host_id), 200)


lambda_handler = entrypoint(app)
