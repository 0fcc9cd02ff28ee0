"""POST /v1/scheduling/bookings/{booking_id}/confirm"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import transitions
from parley.scheduling.schemas import BookingRead

app = api(needs="bookings:write")


@app.post("/v1/scheduling/bookings/<booking_id>/confirm")
def confirm_booking(booking_id: UUID, caller: AuthenticatedCaller, once: RequestOnce) -> BookingRead:
    with transaction(caller, once) as session:
        return once.answer(session, transitions.confirm_booking(session, caller, booking_id), 200)


lambda_handler = entrypoint(app)
