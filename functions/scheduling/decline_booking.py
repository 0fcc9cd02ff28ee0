"""POST /v1/scheduling/bookings/{booking_id}/decline"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import transitions
from parley.scheduling.schemas import BookingCancel, BookingRead

app = api(needs="bookings:write")


@app.post("/v1/scheduling/bookings/<booking_id>/decline")
def decline_booking(booking_id: UUID, caller: AuthenticatedCaller, once: RequestOnce, wanted: BookingCancel | None = None) -> BookingRead:
    reason = wanted.reason if wanted else None
    with transaction(caller, once) as session:
        return once.answer(session, transitions.decline_booking(session, caller, booking_id, reason), 200)


lambda_handler = entrypoint(app)
