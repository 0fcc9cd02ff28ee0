"""POST /v1/scheduling/workflows, PATCH and DELETE …/{workflow_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, SecretOnce, api, entrypoint
from parley.kernel.outgoing import check_destination
from parley.scheduling.workflows import definitions
from parley.scheduling.workflows.schemas import WorkflowCreate, WorkflowCreatedRead, WorkflowDetailRead, WorkflowUpdate

app = api(needs="workflows:write")


@app.post("/v1/scheduling/workflows", status_code=201)
def create_workflow(wanted: WorkflowCreate, caller: AuthenticatedCaller, once: SecretOnce) -> WorkflowCreatedRead:
    if wanted.url is not None:
        check_destination(wanted.url)
    with transaction(caller, once) as session:
        return once.answer(session, definitions.create_workflow(session, caller, wanted))


@app.patch("/v1/scheduling/workflows/<workflow_id>")
def update_workflow(workflow_id: UUID, wanted: WorkflowUpdate, caller: AuthenticatedCaller) -> WorkflowDetailRead:
    if wanted.url is not None:
        check_destination(wanted.url)
    with transaction(caller) as session:
        return definitions.update_workflow(session, caller, workflow_id, wanted)


@app.delete("/v1/scheduling/workflows/<workflow_id>", status_code=204)
def delete_workflow(workflow_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        definitions.delete_workflow(session, caller, workflow_id)


lambda_handler = entrypoint(app)
