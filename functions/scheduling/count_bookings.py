"""GET /v1/scheduling/booking-counts"""

from typing import Annotated, Literal
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Query

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.texts import InstantIn, TimeZone
from parley.scheduling import booking_lists
from parley.scheduling.booking_lists import Chosen
from parley.scheduling.count_schemas import BookingCountsRead

app = api(needs="bookings:read")


@app.get("/v1/scheduling/booking-counts")
def count_bookings(
    caller: AuthenticatedCaller,
    from_: Annotated[InstantIn | None, Query(alias="from")] = None,
    to: InstantIn | None = None,
    timezone: TimeZone = "UTC",
    event_type_id: UUID | None = None,
    team_id: UUID | None = None,
    host_id: UUID | Literal["me"] | None = None,
) -> BookingCountsRead:
    chosen = Chosen(caller.person_id if host_id == "me" else host_id, event_type_id, team_id, from_=from_, to=to)
    with transaction(caller) as session:
        return booking_lists.counts(session, caller, chosen, timezone)


lambda_handler = entrypoint(app)
