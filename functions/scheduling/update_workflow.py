"""PATCH /v1/scheduling/workflows/{workflow_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.outbound.http_client import check_destination
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.workflows import workflow_service
from parley.scheduling.workflows.schemas import WorkflowDetailRead, WorkflowUpdate

app = api(needs="workflows:write")


@app.patch("/v1/scheduling/workflows/<workflow_id>")
def update_workflow(workflow_id: UUID, wanted: WorkflowUpdate, caller: AuthenticatedCaller) -> WorkflowDetailRead:
    if wanted.url is not None:
        check_destination(wanted.url)
    with transaction(caller) as session:
        return workflow_service.update_workflow(session, caller, workflow_id, wanted)


lambda_handler = entrypoint(app)
