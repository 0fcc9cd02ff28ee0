"""POST /v1/scheduling/bookings/{booking_id}/{change}: confirm, decline, cancel, no-show, complete"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import transitions
from parley.scheduling.kinds import Change
from parley.scheduling.schemas import BookingCancel, BookingRead

app = api(needs="bookings:write")


@app.post("/v1/scheduling/bookings/<booking_id>/<change>")
def change_booking(
    booking_id: UUID, change: Change, caller: AuthenticatedCaller, once: RequestOnce, wanted: BookingCancel | None = None
) -> BookingRead:
    reason = wanted.reason if wanted else None
    with transaction(caller, once) as session:
        return once.answer(session, transitions.change_booking(session, caller, booking_id, change, reason), 200)


lambda_handler = entrypoint(app)
