"""GET /v1/scheduling/notifications"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page
from parley.notifications.enums import NotificationChannel, NotificationStatus
from parley.scheduling.words import Sought
from parley.scheduling.workflows import log
from parley.scheduling.workflows.schemas import NotificationRead

app = api(needs="workflows:read")


@app.get("/v1/scheduling/notifications")
def list_notifications(
    caller: AuthenticatedCaller,
    status: NotificationStatus | None = None,
    channel: NotificationChannel | None = None,
    workflow_id: UUID | None = None,
    booking_id: UUID | None = None,
    recipient: Sought | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Page[NotificationRead]:
    with transaction(caller) as session:
        return log.notifications(session, log.Chosen(status, channel, workflow_id, booking_id, recipient), cursor=cursor, limit=limit)


lambda_handler = entrypoint(app)
