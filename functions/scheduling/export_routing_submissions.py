"""GET /v1/scheduling/routing-submissions.csv"""

from typing import Annotated
from uuid import UUID

from annotated_types import Interval
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.fields import RequestInstant
from parley.scheduling.routing import routing_submissions
from parley.scheduling.routing.routing_submissions import SubmissionFilter
from parley.scheduling.tables.enums import RoutingOutcome

app = api(needs="routing_submissions:read")
CSV: dict[int, OpenAPIResponse] = {200: {"description": "A sheet", "content": {"text/csv": {"schema": {"type": "string"}}}}}
SAVED = {"content-disposition": 'attachment; filename="submissions.csv"'}


@app.get("/v1/scheduling/routing-submissions.csv", responses=CSV)
def export_routing_submissions(
    caller: AuthenticatedCaller,
    form_id: UUID,
    event_type_id: UUID | None = None,
    outcome: RoutingOutcome | None = None,
    from_: Annotated[RequestInstant | None, Query(alias="from")] = None,
    to: RequestInstant | None = None,
    limit: Annotated[int, Interval(ge=1, le=2000)] = 2000,
    cursor: Cursor | None = None,
) -> Response[str]:
    chosen = SubmissionFilter(form_id, event_type_id, outcome, from_, to)
    with transaction(caller) as session:
        sheet, rest = routing_submissions.export_submissions(session, caller, chosen, cursor=cursor, limit=limit)
    return Response(200, "text/csv; charset=utf-8", sheet, headers=SAVED | ({"x-next-cursor": rest} if rest else {}))


lambda_handler = entrypoint(app)
