"""GET /v1/scheduling/workflows/{workflow_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling.workflows import definitions
from parley.scheduling.workflows.schemas import WorkflowDetailRead

app = api(needs="workflows:read")


@app.get("/v1/scheduling/workflows/<workflow_id>")
def get_workflow(workflow_id: UUID, caller: AuthenticatedCaller) -> WorkflowDetailRead:
    with transaction(caller) as session:
        return definitions.workflow(session, caller, workflow_id)


lambda_handler = entrypoint(app)
