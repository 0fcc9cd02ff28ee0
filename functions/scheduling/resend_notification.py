"""POST /v1/scheduling/notifications/{notification_id}/resend"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling.workflows import resending
from parley.scheduling.workflows.schemas import NotificationRead

app = api(needs="workflows:write")


@app.post("/v1/scheduling/notifications/<notification_id>/resend", status_code=202)
def resend_notification(notification_id: UUID, caller: AuthenticatedCaller, once: RequestOnce) -> NotificationRead:
    with transaction(caller, once) as session:
        return once.answer(session, resending.send_again(session, caller, notification_id), 202)


lambda_handler = entrypoint(app)
