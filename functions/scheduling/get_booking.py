"""GET /v1/scheduling/bookings/{booking_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling import bookings
from parley.scheduling.schemas import BookingDetailRead

app = api(needs="bookings:read")


@app.get("/v1/scheduling/bookings/<booking_id>")
def get_booking(booking_id: UUID, caller: AuthenticatedCaller) -> BookingDetailRead:
    with transaction(caller) as session:
        return bookings.booking(session, caller, booking_id)


lambda_handler = entrypoint(app)
