"""POST /v1/scheduling/workflows/preview, …/{workflow_id}/test, /v1/scheduling/notifications/{notification_id}/resend"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling.workflows import resending, trials
from parley.scheduling.workflows.schemas import NotificationRead, PreviewRead, PreviewWanted, TrialWanted

app = api(needs="workflows:write")


@app.post("/v1/scheduling/workflows/preview")
def preview_workflow(wanted: PreviewWanted, caller: AuthenticatedCaller) -> PreviewRead:
    with transaction(caller) as session:
        return trials.preview(session, caller, wanted)


@app.post("/v1/scheduling/workflows/<workflow_id>/test", status_code=202)
def try_workflow(workflow_id: UUID, caller: AuthenticatedCaller, once: RequestOnce, wanted: TrialWanted | None = None) -> NotificationRead:
    with transaction(caller, once) as session:
        return once.answer(session, trials.try_out(session, caller, workflow_id, wanted or TrialWanted()), 202)


@app.post("/v1/scheduling/notifications/<notification_id>/resend", status_code=202)
def resend_notification(notification_id: UUID, caller: AuthenticatedCaller, once: RequestOnce) -> NotificationRead:
    with transaction(caller, once) as session:
        return once.answer(session, resending.send_again(session, caller, notification_id), 202)


lambda_handler = entrypoint(app)
