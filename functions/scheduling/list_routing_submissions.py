"""GET /v1/scheduling/routing-submissions"""

from typing import Annotated
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Query

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page
from parley.kernel.texts import InstantIn
from parley.scheduling import routing_submissions
from parley.scheduling.kinds import RoutingOutcome
from parley.scheduling.routing_schemas import RoutingSubmissionRead
from parley.scheduling.routing_submissions import Chosen

app = api(needs="routing_submissions:read")


@app.get("/v1/scheduling/routing-submissions")
def list_routing_submissions(
    caller: AuthenticatedCaller,
    form_id: UUID | None = None,
    event_type_id: UUID | None = None,
    outcome: RoutingOutcome | None = None,
    from_: Annotated[InstantIn | None, Query(alias="from")] = None,
    to: InstantIn | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Page[RoutingSubmissionRead]:
    chosen = Chosen(form_id, event_type_id, outcome, from_, to)
    with transaction(caller) as session:
        return routing_submissions.listed(session, caller, chosen, cursor=cursor, limit=limit)


lambda_handler = entrypoint(app)
