"""POST /v1/scheduling/bookings/{booking_id}/{change}: confirm, decline, cancel, no-show, complete"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.bookings import state_machine
from parley.scheduling.bookings.schemas import BookingCancel, BookingRead
from parley.scheduling.tables.enums import Change

app = api(needs="bookings:write")


@app.post("/v1/scheduling/bookings/<booking_id>/<change>")
def change_booking(
    booking_id: UUID, change: Change, caller: AuthenticatedCaller, once: IdempotencyKey, wanted: BookingCancel | None = None
) -> BookingRead:
    reason = wanted.reason if wanted else None
    with transaction(caller, once) as session:
        return once.answer(session, state_machine.change_booking(session, caller, booking_id, change, reason), 200)


lambda_handler = entrypoint(app)
