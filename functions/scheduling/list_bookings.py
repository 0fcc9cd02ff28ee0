"""GET /v1/scheduling/bookings"""

from typing import Annotated, Literal
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Query

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page
from parley.kernel.texts import InstantIn
from parley.scheduling import bookings
from parley.scheduling.models import BookingStatus
from parley.scheduling.schemas import BookingRead

app = api(needs="bookings:read")


@app.get("/v1/scheduling/bookings")
def list_bookings(
    caller: AuthenticatedCaller,
    status: BookingStatus | None = None,
    from_: Annotated[InstantIn | None, Query(alias="from")] = None,
    to: InstantIn | None = None,
    event_type_id: UUID | None = None,
    host_id: UUID | Literal["me"] | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Page[BookingRead]:
    host = caller.person_id if host_id == "me" else host_id
    with transaction(caller) as session:
        return bookings.bookings(
            session, caller, host_id=host, event_type_id=event_type_id, status=status, from_=from_, to=to, cursor=cursor, limit=limit
        )


lambda_handler = entrypoint(app)
