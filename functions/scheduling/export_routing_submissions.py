"""GET /v1/scheduling/routing-submissions.csv"""

from typing import Annotated
from uuid import UUID

from annotated_types import Interval
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor
from parley.kernel.texts import InstantIn
from parley.scheduling import routing_submissions
from parley.scheduling.kinds import RoutingOutcome
from parley.scheduling.routing_submissions import Chosen

app = api(needs="routing_submissions:read")
CSV: dict[int, OpenAPIResponse] = {200: {"description": "A sheet", "content": {"text/csv": {"schema": {"type": "string"}}}}}
SAVED = {"content-disposition": 'attachment; filename="submissions.csv"'}


@app.get("/v1/scheduling/routing-submissions.csv", responses=CSV)
def export_routing_submissions(
    caller: AuthenticatedCaller,
    form_id: UUID,
    event_type_id: UUID | None = None,
    outcome: RoutingOutcome | None = None,
    from_: Annotated[InstantIn | None, Query(alias="from")] = None,
    to: InstantIn | None = None,
    limit: Annotated[int, Interval(ge=1, le=2000)] = 2000,
    cursor: Cursor | None = None,
) -> Response[str]:
    chosen = Chosen(form_id, event_type_id, outcome, from_, to)
    with transaction(caller) as session:
        sheet, rest = routing_submissions.exported(session, caller, chosen, cursor=cursor, limit=limit)
    return Response(200, "text/csv; charset=utf-8", sheet, headers=SAVED | ({"x-next-cursor": rest} if rest else {}))


lambda_handler = entrypoint(app)
