"""GET /v1/scheduling/bookings.csv"""

from typing import Annotated, Literal
from uuid import UUID

from annotated_types import Interval
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.fields import RequestInstant
from parley.scheduling.bookings import booking_lists
from parley.scheduling.bookings.booking_lists import BookingFilter
from parley.scheduling.common.scheduling_fields import Sought
from parley.scheduling.tables.enums import BookingStatus

app = api(needs="bookings:read")
CSV: dict[int, OpenAPIResponse] = {200: {"description": "A sheet", "content": {"text/csv": {"schema": {"type": "string"}}}}}
SAVED = {"content-disposition": 'attachment; filename="bookings.csv"'}


@app.get("/v1/scheduling/bookings.csv", responses=CSV)
def export_bookings(
    caller: AuthenticatedCaller,
    status: BookingStatus | None = None,
    from_: Annotated[RequestInstant | None, Query(alias="from")] = None,
    to: RequestInstant | None = None,
    event_type_id: UUID | None = None,
    team_id: UUID | None = None,
    host_id: UUID | Literal["me"] | None = None,
    invitee_email: Sought | None = None,
    limit: Annotated[int, Interval(ge=1, le=2000)] = 2000,
    cursor: Cursor | None = None,
) -> Response[str]:
    chosen = BookingFilter(caller.person_id if host_id == "me" else host_id, event_type_id, team_id, status, invitee_email, from_, to)
    with transaction(caller) as session:
        sheet, rest = booking_lists.export_bookings(session, caller, chosen, cursor=cursor, limit=limit)
    return Response(200, "text/csv; charset=utf-8", sheet, headers=SAVED | ({"x-next-cursor": rest} if rest else {}))


lambda_handler = entrypoint(app)
