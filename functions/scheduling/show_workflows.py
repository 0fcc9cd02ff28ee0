"""GET /v1/scheduling/workflows and …/{workflow_id}, GET /v1/scheduling/notifications"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page
from parley.notifications.enums import NotificationChannel, NotificationStatus
from parley.scheduling.words import Sought
from parley.scheduling.workflows import definitions, log
from parley.scheduling.workflows.schemas import NotificationRead, WorkflowDetailRead, WorkflowRead

app = api(needs="workflows:read")


@app.get("/v1/scheduling/workflows")
def list_workflows(
    caller: AuthenticatedCaller, event_type_id: UUID | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Page[WorkflowRead]:
    with transaction(caller) as session:
        return definitions.workflows(session, caller, event_type_id, cursor=cursor, limit=limit)


@app.get("/v1/scheduling/workflows/<workflow_id>")
def get_workflow(workflow_id: UUID, caller: AuthenticatedCaller) -> WorkflowDetailRead:
    with transaction(caller) as session:
        return definitions.workflow(session, caller, workflow_id)


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
