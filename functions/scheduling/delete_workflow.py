"""DELETE /v1/scheduling/workflows/{workflow_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.workflows import workflow_service

app = api(needs="workflows:write")


@app.delete("/v1/scheduling/workflows/<workflow_id>", status_code=204)
def delete_workflow(workflow_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        workflow_service.delete_workflow(session, caller, workflow_id)


lambda_handler = entrypoint(app)
