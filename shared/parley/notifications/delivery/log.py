"""Who sends a message of the log: its row decides. A message that is heard of twice, or by two workers at once, leaves once.

What nobody heard of as often as its channel allows is FAILED with `answer_lost`; a person may have it sent again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.notifications.delivery import retry
from parley.notifications.delivery.retry import LOST, MOST_COPIES, StillSending
from parley.notifications.enums import NotificationChannel, NotificationStatus
from parley.notifications.models import NotificationLog


@dataclass(frozen=True, slots=True)
class LogClaim:
    """A row of the log that this worker has taken up."""

    id: UUID

    def settle(self, session: Session, failure: Exception | None) -> None:
        """Write down how the sending ended. After a failure the next delivery of the event may take it up at once, if any may."""
        if failure is None:
            end(session, self.id, NotificationStatus.SENT)
        else:
            end(session, self.id, NotificationStatus.FAILED, retry.reason(failure), failure)


def _is_free(at: datetime) -> ColumnElement[bool]:
    """It failed, or nobody has it in hand, or whoever had it has stopped long ago."""
    is_waiting = (NotificationLog.status == NotificationStatus.PENDING) & ~retry.is_in_hand(NotificationLog, at)
    # A webhook is in the hands of its endpoint's schedule.
    is_ours = NotificationLog.channel != NotificationChannel.WEBHOOK
    return is_ours & ~_is_exhausted() & or_(NotificationLog.status == NotificationStatus.FAILED, is_waiting)


def _is_exhausted() -> ColumnElement[bool]:
    is_text = NotificationLog.channel == NotificationChannel.SMS
    most = case((is_text, MOST_COPIES[NotificationChannel.SMS]), else_=MOST_COPIES[NotificationChannel.EMAIL])
    return retry.is_exhausted(NotificationLog, most)


def claim(session: Session, **values: Any) -> UUID | None:
    """The log's row for `event_id`, `recipient_kind` and `recipient`, when it is this worker's turn: it is new, or free."""
    at = now()
    fresh = insert(NotificationLog).values(
        organization_id=session.info["caller"].organization_id,
        id=new_id(),
        attempted_at=at,
        created_at=at,
        updated_at=at,
        doubtful_sends=1,
        **values,
    )
    claimed = fresh.on_conflict_do_update(
        index_elements=["organization_id", "event_id", "recipient_kind", "recipient"],
        set_={name: fresh.excluded[name] for name in ("status", "subject", "body", "updated_at")} | retry.attempt(NotificationLog, at),
        where=_is_free(at),
    )
    return session.execute(claimed.returning(NotificationLog.id)).scalar_one_or_none()


def take(session: Session, notification_id: UUID) -> NotificationLog | None:
    """A row that is there, when it is this worker's turn."""
    at = now()
    free = update(NotificationLog).where(NotificationLog.id == notification_id, _is_free(at))
    taking = free.values(status=NotificationStatus.PENDING, updated_at=at, **retry.attempt(NotificationLog, at)).returning(NotificationLog)
    row = session.scalars(taking, execution_options={"populate_existing": True}).one_or_none()
    if row is None:
        _give_up(session, NotificationLog.id == notification_id)
    return row


def _give_up(session: Session, rows: ColumnElement[bool]) -> None:
    """What a worker left behind, and may have sent as often as is allowed."""
    at = now()
    is_pending = NotificationLog.status == NotificationStatus.PENDING
    is_left = NotificationLog.attempted_at.is_not(None) & ~retry.is_in_hand(NotificationLog, at)
    ending = {"status": NotificationStatus.FAILED, "error_message": LOST, "failed_at": at, "updated_at": at}
    left = update(NotificationLog).where(rows, is_pending, is_left, _is_exhausted())
    session.execute(left.values(**ending), execution_options={"synchronize_session": False})


def check_nobody_else_sends(session: Session, event_id: UUID, taken: Collection[UUID]) -> None:
    """Raises `StillSending` while a row of the cause is in other hands. A webhook is in those of its endpoint's schedule."""
    pending = select(NotificationLog.id).where(
        NotificationLog.event_id == event_id,
        NotificationLog.status == NotificationStatus.PENDING,
        NotificationLog.channel != NotificationChannel.WEBHOOK,
    )
    if not set(session.scalars(pending)) - set(taken):
        return
    _give_up(session, NotificationLog.event_id == event_id)
    if set(session.scalars(pending)) - set(taken):
        raise StillSending(f"What event {event_id} asks for is in another worker's hands.")


def end(
    session: Session, notification_id: UUID, status: NotificationStatus, error: str | None = None, failure: Exception | None = None
) -> None:
    """Write down what became of a row that is PENDING."""
    at = now()
    ending: dict[str, Any] = {"status": status, "error_message": error, "updated_at": at}
    if status is NotificationStatus.SENT:
        ending["sent_at"] = at
    elif status is NotificationStatus.FAILED:
        ending["failed_at"] = at
    ending |= retry.count_after(NotificationLog, failure)
    pending = update(NotificationLog).where(NotificationLog.id == notification_id, NotificationLog.status == NotificationStatus.PENDING)
    session.execute(pending.values(**ending))
