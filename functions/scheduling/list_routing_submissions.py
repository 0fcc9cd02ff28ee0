"""GET /v1/scheduling/routing-submissions"""

from typing import Annotated
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Query

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.fields import RequestInstant
from parley.scheduling.routing import routing_submissions
from parley.scheduling.routing.routing_submissions import SubmissionFilter
from parley.scheduling.routing.schemas import RoutingSubmissionRead
from parley.scheduling.tables.enums import RoutingOutcome

app = api(needs="routing_submissions:read")


@app.get("/v1/scheduling/routing-submissions")
def list_routing_submissions(
    caller: AuthenticatedCaller,
    form_id: UUID | None = None,
    event_type_id: UUID | None = None,
    outcome: RoutingOutcome | None = None,
    from_: Annotated[RequestInstant | None, Query(alias="from")] = None,
    to: RequestInstant | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Page[RoutingSubmissionRead]:
    chosen = SubmissionFilter(form_id, event_type_id, outcome, from_, to)
    with transaction(caller) as session:
        return routing_submissions.list_submissions(session, chosen, cursor=cursor, limit=limit)


lambda_handler = entrypoint(app)
