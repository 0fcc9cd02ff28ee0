"""POST /v1/scheduling/notifications/{notification_id}/resend"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.workflows import resend_requests
from parley.scheduling.workflows.schemas import NotificationRead

app = api(needs="workflows:write")


@app.post("/v1/scheduling/notifications/<notification_id>/resend", status_code=202)
def resend_notification(notification_id: UUID, caller: AuthenticatedCaller, once: IdempotencyKey) -> NotificationRead:
    with transaction(caller, once) as session:
        return once.answer(session, resend_requests.send_again(session, caller, notification_id), 202)


lambda_handler = entrypoint(app)
