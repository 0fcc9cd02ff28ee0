"""GET /v1/scheduling/bookings"""

from typing import Annotated, Literal
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Query

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.fields import RequestInstant
from parley.scheduling.bookings import booking_lists
from parley.scheduling.bookings.booking_lists import BookingFilter
from parley.scheduling.bookings.schemas import BookingRead
from parley.scheduling.common.scheduling_fields import Sought
from parley.scheduling.tables.enums import BookingStatus

app = api(needs="bookings:read")


@app.get("/v1/scheduling/bookings")
def list_bookings(
    caller: AuthenticatedCaller,
    status: BookingStatus | None = None,
    from_: Annotated[RequestInstant | None, Query(alias="from")] = None,
    to: RequestInstant | None = None,
    event_type_id: UUID | None = None,
    team_id: UUID | None = None,
    host_id: UUID | Literal["me"] | None = None,
    invitee_email: Sought | None = None,
    order: Literal["asc", "desc"] = "desc",
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Page[BookingRead]:
    host = caller.person_id if host_id == "me" else host_id
    chosen = BookingFilter(host, event_type_id, team_id, status, invitee_email, from_, to)
    with transaction(caller) as session:
        return booking_lists.list_bookings(session, chosen, cursor=cursor, limit=limit, is_ascending=order == "asc")


lambda_handler = entrypoint(app)
