"""POST /v1/scheduling/workflows"""

from parley.kernel.edge.http import AuthenticatedCaller, SealedIdempotencyKey, api, entrypoint
from parley.kernel.outbound.http_client import check_destination
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.workflows import workflow_service
from parley.scheduling.workflows.schemas import WorkflowCreate, WorkflowCreatedRead

app = api(needs="workflows:write", location="/v1/scheduling/workflows/{id}")


@app.post("/v1/scheduling/workflows", status_code=201)
def create_workflow(wanted: WorkflowCreate, caller: AuthenticatedCaller, once: SealedIdempotencyKey) -> WorkflowCreatedRead:
    if wanted.url is not None:
        check_destination(wanted.url)
    with transaction(caller, once) as session:
        return once.answer(session, workflow_service.create_workflow(session, caller, wanted))


lambda_handler = entrypoint(app)
