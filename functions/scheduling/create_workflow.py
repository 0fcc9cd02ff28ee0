"""POST /v1/scheduling/workflows"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, SecretOnce, api, entrypoint
from parley.kernel.outgoing import check_destination
from parley.scheduling.workflows import definitions
from parley.scheduling.workflows.schemas import WorkflowCreate, WorkflowCreatedRead

app = api(needs="workflows:write")


@app.post("/v1/scheduling/workflows", status_code=201)
def create_workflow(wanted: WorkflowCreate, caller: AuthenticatedCaller, once: SecretOnce) -> WorkflowCreatedRead:
    if wanted.url is not None:
        check_destination(wanted.url)
    with transaction(caller, once) as session:
        return once.answer(session, definitions.create_workflow(session, caller, wanted))


lambda_handler = entrypoint(app)
