"""GET /v1/scheduling/workflows"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.workflows import workflow_service
from parley.scheduling.workflows.schemas import WorkflowRead

app = api(needs="workflows:read")


@app.get("/v1/scheduling/workflows")
def list_workflows(
    caller: AuthenticatedCaller, event_type_id: UUID | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Page[WorkflowRead]:
    with transaction(caller) as session:
        return workflow_service.workflows(session, event_type_id, cursor=cursor, limit=limit)


lambda_handler = entrypoint(app)
