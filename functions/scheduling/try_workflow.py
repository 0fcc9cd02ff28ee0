"""POST /v1/scheduling/workflows/{workflow_id}/test"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.workflows import preview
from parley.scheduling.workflows.schemas import NotificationRead, TrialWanted

app = api(needs="workflows:write")


@app.post("/v1/scheduling/workflows/<workflow_id>/test", status_code=202)
def try_workflow(
    workflow_id: UUID, caller: AuthenticatedCaller, once: IdempotencyKey, wanted: TrialWanted | None = None
) -> NotificationRead:
    with transaction(caller, once) as session:
        return once.answer(session, preview.send_test(session, caller, workflow_id, wanted or TrialWanted()), 202)


lambda_handler = entrypoint(app)
