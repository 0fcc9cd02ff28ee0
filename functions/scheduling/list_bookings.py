"""GET /v1/scheduling/bookings"""

from typing import Annotated, Literal
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Query

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page
from parley.kernel.texts import InstantIn
from parley.scheduling import booking_lists
from parley.scheduling.booking_lists import Chosen
from parley.scheduling.kinds import BookingStatus
from parley.scheduling.schemas import BookingRead
from parley.scheduling.words import Sought

app = api(needs="bookings:read")


@app.get("/v1/scheduling/bookings")
def list_bookings(
    caller: AuthenticatedCaller,
    status: BookingStatus | None = None,
    from_: Annotated[InstantIn | None, Query(alias="from")] = None,
    to: InstantIn | None = None,
    event_type_id: UUID | None = None,
    team_id: UUID | None = None,
    host_id: UUID | Literal["me"] | None = None,
    invitee_email: Sought | None = None,
    order: Literal["asc", "desc"] = "desc",
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Page[BookingRead]:
    host = caller.person_id if host_id == "me" else host_id
    chosen = Chosen(host, event_type_id, team_id, status, invitee_email, from_, to)
    with transaction(caller) as session:
        return booking_lists.listed(session, caller, chosen, cursor=cursor, limit=limit, is_ascending=order == "asc")


lambda_handler = entrypoint(app)
