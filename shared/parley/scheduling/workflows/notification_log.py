"""The log of notifications: looking, and forgetting."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from parley.kernel.persistence import pagination
from parley.kernel.persistence.pagination import Page
from parley.kernel.values import clock
from parley.notifications.enums import NotificationChannel, NotificationStatus
from parley.notifications.models import NotificationLog, SendingDay
from parley.scheduling.notifications import workflow_templates
from parley.scheduling.tables.workflow_models import Reminder
from parley.scheduling.workflows.schemas import NotificationRead

# Why nothing was sent, in `error_message`: beside types of failures, and what endpoints say.
OVERDUE, NO_NUMBER, NOT_OFFERED, ORGANIZATION_DELETED = "overdue", "no_number", "sms_disabled", "organization_deleted"
BODIES_KEPT = timedelta(days=30)
# Longer than a message waits in the queue and in its dead letter queue.
_LEFT_BEHIND = timedelta(days=30)
_PORTION = 5000
_QUIETLY = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    """Which rows: those that fit every filter that is given."""

    status: NotificationStatus | None = None
    channel: NotificationChannel | None = None
    workflow_id: UUID | None = None
    booking_id: UUID | None = None
    recipient: str | None = None


def notifications(session: Session, chosen: NotificationFilter, *, cursor: str | None, limit: int) -> Page[NotificationRead]:
    """A page of the log, newest first. One query."""
    statement = select(NotificationLog)
    for column in (NotificationLog.status, NotificationLog.channel, NotificationLog.workflow_id, NotificationLog.booking_id):
        if (value := getattr(chosen, column.key)) is not None:
            statement = statement.where(column == value)
    if chosen.recipient is not None:
        statement = statement.where(NotificationLog.address == chosen.recipient.lower())
    rows, next_cursor = pagination.page(session, statement, [NotificationLog.id], cursor=cursor, limit=limit)
    return pagination.bounded_page([read(row) for row in rows], [NotificationLog.id], next_cursor)


def read(row: NotificationLog) -> NotificationRead:
    shown = NotificationRead.model_validate(row)
    return shown.model_copy(
        update={"subject": workflow_templates.text_for_log(row.subject), "body": workflow_templates.text_for_log(row.body)}
    )


def forget(session: Session) -> int:
    """In a sweep: empty texts that were kept long enough, and let go of what is left behind. Returns how many texts."""
    at = clock.now()
    old = select(NotificationLog.organization_id, NotificationLog.id).where(
        NotificationLog.body.is_not(None), NotificationLog.created_at < at - BODIES_KEPT
    )
    portion = old.order_by(NotificationLog.created_at).limit(_PORTION).cte("portion")
    condition = (NotificationLog.organization_id == portion.c.organization_id) & (NotificationLog.id == portion.c.id)
    emptied = session.execute(update(NotificationLog).where(condition).values(body=None, updated_at=at), execution_options=_QUIETLY)
    session.execute(delete(SendingDay).where(SendingDay.day < (at - timedelta(days=7)).date()), execution_options=_QUIETLY)
    session.execute(delete(Reminder).where(Reminder.queued_at < at - _LEFT_BEHIND), execution_options=_QUIETLY)
    count: int = emptied.rowcount  # type: ignore[attr-defined]  # an UPDATE's result has it
    return count
