"""Who sends a message: the log's row decides. A message that is heard of twice, or by two workers at once, leaves once.

Neither mails nor texts have a name by which who takes them could tell a second copy. So the row counts, before each attempt, how often the
message may have left without anybody's having heard so: a worker that died, an answer that was lost. A refusal takes its count back. At
the channel's limit it is sent no more by itself, and FAILED with `answer_lost`; a person may have it sent again.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.kernel.clock import now
from parley.kernel.errors import AnswerLost
from parley.kernel.ids import new_id
from parley.scheduling.kinds import NotificationChannel, NotificationStatus
from parley.scheduling.models import NotificationLog

# Longer than a worker may run: who took a message up before that is not working on it any more.
_GIVEN_UP = timedelta(minutes=2)
LOST = "answer_lost"
MOST_COPIES = {NotificationChannel.EMAIL: 3, NotificationChannel.SMS: 1}
"""How often a message leaves at most, whatever is lost. A text costs money, and no telephone can tell that it had it before."""


class StillSending(Exception):
    """Another worker has this message in hand; it comes back, to see whether it succeeded."""


class NotSent(Exception):
    """Something could not be sent, and the message comes back. It names the failure's type: the failure's text may hold an address."""


def _is_free(at: datetime) -> ColumnElement[bool]:
    """It failed, or nobody has it in hand, or whoever had it has stopped long ago."""
    is_left = NotificationLog.attempted_at.is_(None) | (NotificationLog.attempted_at < at - _GIVEN_UP)
    is_waiting = (NotificationLog.status == NotificationStatus.PENDING) & is_left
    # A webhook is in the hands of its endpoint's schedule.
    is_ours = NotificationLog.channel != NotificationChannel.WEBHOOK
    return is_ours & ~_is_doubtful() & or_(NotificationLog.status == NotificationStatus.FAILED, is_waiting)


def _is_doubtful() -> ColumnElement[bool]:
    """It may have left as often as its channel allows."""
    is_text = NotificationLog.channel == NotificationChannel.SMS
    most = case((is_text, MOST_COPIES[NotificationChannel.SMS]), else_=MOST_COPIES[NotificationChannel.EMAIL])
    return NotificationLog.doubtful_sends >= most


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
        set_={name: fresh.excluded[name] for name in ("status", "subject", "body", "attempted_at", "updated_at")}
        | {"doubtful_sends": NotificationLog.doubtful_sends + 1},
        where=_is_free(at),
    )
    return session.execute(claimed.returning(NotificationLog.id)).scalar_one_or_none()


def take(session: Session, notification_id: UUID) -> NotificationLog | None:
    """A row that is there, when it is this worker's turn."""
    at = now()
    mine = update(NotificationLog).where(NotificationLog.id == notification_id, _is_free(at))
    attempt = {"attempted_at": at, "updated_at": at, "doubtful_sends": NotificationLog.doubtful_sends + 1}
    taken = mine.values(status=NotificationStatus.PENDING, **attempt).returning(NotificationLog)
    row = session.scalars(taken, execution_options={"populate_existing": True}).one_or_none()
    if row is None:
        _give_up(session, NotificationLog.id == notification_id)
    return row


def _give_up(session: Session, which: ColumnElement[bool]) -> None:
    """What a worker left behind, and may have sent as often as is allowed."""
    at = now()
    left = which & (NotificationLog.status == NotificationStatus.PENDING) & (NotificationLog.attempted_at < at - _GIVEN_UP) & _is_doubtful()
    ending = {"status": NotificationStatus.FAILED, "error_message": LOST, "failed_at": at, "updated_at": at}
    session.execute(update(NotificationLog).where(left).values(**ending), execution_options={"synchronize_session": False})


def check_nobody_else_sends(session: Session, event_id: UUID, mine: Collection[UUID]) -> None:
    """Raises `StillSending` while a row of the cause is in other hands. A webhook is in those of its endpoint's schedule."""
    pending = select(NotificationLog.id).where(
        NotificationLog.event_id == event_id,
        NotificationLog.status == NotificationStatus.PENDING,
        NotificationLog.channel != NotificationChannel.WEBHOOK,
    )
    if not set(session.scalars(pending)) - set(mine):
        return
    _give_up(session, NotificationLog.event_id == event_id)
    if set(session.scalars(pending)) - set(mine):
        raise StillSending(f"What event {event_id} asks for is in another worker's hands.")


def settle(session: Session, notification_id: UUID, failure: Exception | None) -> None:
    """Write down how the sending ended. After a failure the next delivery of the message may take it up at once, if any may.

    Of a failure the type is kept: its text may hold an address.
    """
    if failure is None:
        end(session, notification_id, NotificationStatus.SENT)
    elif isinstance(failure, AnswerLost):
        end(session, notification_id, NotificationStatus.FAILED, LOST, may_have_left=True)
    else:
        end(session, notification_id, NotificationStatus.FAILED, type(failure).__name__)


def end(
    session: Session, notification_id: UUID, status: NotificationStatus, error: str | None = None, *, may_have_left: bool = False
) -> None:
    """Write down what became of a row that is PENDING."""
    at = now()
    ending: dict[str, Any] = {"status": status, "error_message": error, "updated_at": at}
    if status is NotificationStatus.SENT:
        ending["sent_at"] = at
    elif status is NotificationStatus.FAILED:
        ending["failed_at"] = at
    if not may_have_left:
        ending["doubtful_sends"] = func.greatest(NotificationLog.doubtful_sends - 1, 0)
    mine = update(NotificationLog).where(NotificationLog.id == notification_id, NotificationLog.status == NotificationStatus.PENDING)
    session.execute(mine.values(**ending))
