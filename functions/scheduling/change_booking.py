"""POST /v1/scheduling/bookings/{booking_id}/{change}: confirm, decline, cancel, no-show, complete"""

from typing import Literal
from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import transitions
from parley.scheduling.schemas import BookingCancel, BookingRead

app = api(needs="bookings:write")
CHANGES = {
    "confirm": transitions.confirm_booking,
    "decline": transitions.decline_booking,
    "cancel": transitions.cancel_booking,
    "no-show": transitions.mark_no_show,
    "complete": transitions.complete_booking,
}


@app.post("/v1/scheduling/bookings/<booking_id>/<change>")
def change_booking(
    booking_id: UUID,
    change: Literal["confirm", "decline", "cancel", "no-show", "complete"],
    caller: AuthenticatedCaller,
    once: RequestOnce,
    wanted: BookingCancel | None = None,
) -> BookingRead:
    reason = wanted.reason if wanted else None
    with transaction(caller, once) as session:
        return once.answer(session, CHANGES[change](session, caller, booking_id, reason), 200)


lambda_handler = entrypoint(app)
