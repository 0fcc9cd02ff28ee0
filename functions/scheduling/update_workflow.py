"""PATCH /v1/scheduling/workflows/{workflow_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.outgoing import check_destination
from parley.scheduling.workflows import definitions
from parley.scheduling.workflows.schemas import WorkflowDetailRead, WorkflowUpdate

app = api(needs="workflows:write")


@app.patch("/v1/scheduling/workflows/<workflow_id>")
def update_workflow(workflow_id: UUID, wanted: WorkflowUpdate, caller: AuthenticatedCaller) -> WorkflowDetailRead:
    if wanted.url is not None:
        check_destination(wanted.url)
    with transaction(caller) as session:
        return definitions.update_workflow(session, caller, workflow_id, wanted)


lambda_handler = entrypoint(app)
