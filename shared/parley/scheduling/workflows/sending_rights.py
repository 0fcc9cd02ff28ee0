"""Whether a workflow may still speak to addresses and endpoints that its maker chose. Who takes part in a booking hears of it anyway."""

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, or_, select, true
from sqlalchemy.orm import Session

from parley.identity.roles import member_rights
from parley.notifications.enums import NotificationChannel, RecipientKind
from parley.notifications.models import NotificationLog
from parley.scheduling.tables.event_type_models import EventType
from parley.scheduling.tables.workflow_models import Workflow

MAKER_LEFT = "maker_not_entitled"
"""In the log, of what was not sent: an administrator takes the workflow over by changing it."""
OUTSIDE = (RecipientKind.ADDRESS, RecipientKind.ENDPOINT)
TEST = "TEST"
"""In the log, the event of a message to who asked for it."""


def may_send_outside(workflow: Workflow) -> ColumnElement[bool]:
    """Whether the maker, by their role of now, could make this workflow: an expression to select.

    They administer the organization, or it concerns their own event types alone; an endpoint takes the scope of webhooks besides.
    """
    maker, since = workflow.user_id, workflow.maker_since
    rights = [member_rights.holds(maker, "workflows:write", since=since)]
    if workflow.channel is NotificationChannel.WEBHOOK:
        rights.append(member_rights.holds(maker, "webhooks:write", since=since))
    if workflow.is_organization_wide:
        rights.append(member_rights.is_administrator(maker, since=since))
    elif workflow.event_type_id is not None:
        rights.append(or_(_hosts(workflow), member_rights.is_administrator(maker, since=since)))
    return and_(true(), *rights)


def may_still_be_sent(session: Session, row: NotificationLog) -> bool:
    """Whether a message of the log may leave: it goes to who takes part, or was a test, or its workflow may still send outside."""
    if row.workflow_id is None or row.event == TEST or row.recipient_kind not in OUTSIDE:
        return True
    workflow = session.scalar(select(Workflow).where(Workflow.id == row.workflow_id), execution_options={"with_deleted": True})
    return workflow is not None and bool(session.scalar(select(may_send_outside(workflow))))


def _hosts(workflow: Workflow) -> ColumnElement[bool]:
    event_types: SQLColumnExpression[object] = EventType.__table__.c.user_id
    own = select(EventType.__table__.c.id).where(EventType.__table__.c.id == workflow.event_type_id, event_types == workflow.user_id)
    return own.exists()
