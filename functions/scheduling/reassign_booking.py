"""POST /v1/scheduling/bookings/{booking_id}/reassign"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import moves
from parley.scheduling.schemas import BookingRead, BookingReassign

app = api(needs="bookings:write")


@app.post("/v1/scheduling/bookings/<booking_id>/reassign")
def reassign_booking(
    booking_id: UUID, caller: AuthenticatedCaller, once: RequestOnce, wanted: BookingReassign | None = None
) -> BookingRead:
    host_id = wanted.host_id if wanted else None
    with transaction(caller, once) as session:
        return once.answer(session, moves.reassign_booking(session, caller, booking_id, host_id), 200)


lambda_handler = entrypoint(app)
