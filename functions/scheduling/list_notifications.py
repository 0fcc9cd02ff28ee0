"""GET /v1/scheduling/notifications"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.notifications.enums import NotificationChannel, NotificationStatus
from parley.scheduling.common.scheduling_fields import Sought
from parley.scheduling.workflows import notification_log
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
        return notification_log.notifications(
            session, notification_log.NotificationFilter(status, channel, workflow_id, booking_id, recipient), cursor=cursor, limit=limit
        )


lambda_handler = entrypoint(app)
