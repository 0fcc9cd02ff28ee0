"""GET /v1/scheduling/booking-counts"""

from typing import Annotated, Literal
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Query

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.fields import RequestInstant, TimeZone
from parley.scheduling.bookings import booking_lists
from parley.scheduling.bookings.booking_lists import BookingFilter
from parley.scheduling.bookings.schemas import BookingCountsRead

app = api(needs="bookings:read")


@app.get("/v1/scheduling/booking-counts")
def count_bookings(
    caller: AuthenticatedCaller,
    from_: Annotated[RequestInstant | None, Query(alias="from")] = None,
    to: RequestInstant | None = None,
    timezone: TimeZone = "UTC",
    event_type_id: UUID | None = None,
    team_id: UUID | None = None,
    host_id: UUID | Literal["me"] | None = None,
) -> BookingCountsRead:
    chosen = BookingFilter(caller.person_id if host_id == "me" else host_id, event_type_id, team_id, from_=from_, to=to)
    with transaction(caller) as session:
        return booking_lists.count_bookings(session, chosen, timezone)


lambda_handler = entrypoint(app)
