"""GET /v1/scheduling/bookings/{booking_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.bookings import booking_service
from parley.scheduling.bookings.schemas import BookingDetailRead

app = api(needs="bookings:read")


@app.get("/v1/scheduling/bookings/<booking_id>")
def get_booking(booking_id: UUID, caller: AuthenticatedCaller) -> BookingDetailRead:
    with transaction(caller) as session:
        return booking_service.booking(session, booking_id)


lambda_handler = entrypoint(app)
