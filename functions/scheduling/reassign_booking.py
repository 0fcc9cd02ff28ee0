"""POST /v1/scheduling/bookings/{booking_id}/reassign"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.bookings import rescheduling
from parley.scheduling.bookings.schemas import BookingRead, BookingReassign

app = api(needs="bookings:write")


@app.post("/v1/scheduling/bookings/<booking_id>/reassign")
def reassign_booking(
    booking_id: UUID, caller: AuthenticatedCaller, once: IdempotencyKey, wanted: BookingReassign | None = None
) -> BookingRead:
    host_id = wanted.host_id if wanted else None
    with transaction(caller, once) as session:
        return once.answer(session, rescheduling.reassign_booking(session, caller, booking_id, host_id), 200)


lambda_handler = entrypoint(app)
