"""GET /v1/scheduling/workflows/{workflow_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.workflows import workflow_service
from parley.scheduling.workflows.schemas import WorkflowDetailRead

app = api(needs="workflows:read")


@app.get("/v1/scheduling/workflows/<workflow_id>")
def get_workflow(workflow_id: UUID, caller: AuthenticatedCaller) -> WorkflowDetailRead:
    with transaction(caller) as session:
        return workflow_service.workflow(session, workflow_id)


lambda_handler = entrypoint(app)
