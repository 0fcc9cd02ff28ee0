"""POST /v1/scheduling/workflows/{workflow_id}/test"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling.workflows import trials
from parley.scheduling.workflows.schemas import NotificationRead, TrialWanted

app = api(needs="workflows:write")


@app.post("/v1/scheduling/workflows/<workflow_id>/test", status_code=202)
def try_workflow(workflow_id: UUID, caller: AuthenticatedCaller, once: RequestOnce, wanted: TrialWanted | None = None) -> NotificationRead:
    with transaction(caller, once) as session:
        return once.answer(session, trials.try_out(session, caller, workflow_id, wanted or TrialWanted()), 202)


lambda_handler = entrypoint(app)
