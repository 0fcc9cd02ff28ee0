"""GET /v1/scheduling/workflows"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page
from parley.scheduling.workflows import definitions
from parley.scheduling.workflows.schemas import WorkflowRead

app = api(needs="workflows:read")


@app.get("/v1/scheduling/workflows")
def list_workflows(
    caller: AuthenticatedCaller, event_type_id: UUID | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Page[WorkflowRead]:
    with transaction(caller) as session:
        return definitions.workflows(session, caller, event_type_id, cursor=cursor, limit=limit)


lambda_handler = entrypoint(app)
