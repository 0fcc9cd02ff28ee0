"""Messages that have no log of their own leave once: a row for each event and recipient decides who sends, and counts.

An event may come twice, and be in two workers' hands at once. Whoever sends claims first, in a transaction that has committed by then, and
notes the end after it. So whatever is lost, a mail leaves `MOST_COPIES` times at most, and an address that is refused repeats nobody
else's mail.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.kernel.values.clock import now
from parley.notifications.delivery import retry
from parley.notifications.delivery.retry import StillSending
from parley.notifications.models import MailClaim

# Longer than a message waits in its queue, and in the queue of dead letters.
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class EventClaim:
    """The right to send one event's message to one recipient."""

    key: str

    @classmethod
    def of(cls, event_id: UUID, recipient: str) -> "EventClaim":
        return cls(hashlib.sha256(f"{event_id}\0{recipient.lower()}".encode()).hexdigest())

    def take(self, session: Session, most: int) -> bool:
        """Whether it is this worker's turn: nobody has sent it, nobody is at it, and it may leave once more. Raises `StillSending`."""
        at = now()
        fresh = insert(MailClaim).values(claim=self.key, doubtful_sends=1, attempted_at=at, created_at=at)
        may = MailClaim.sent_at.is_(None) & ~retry.is_in_hand(MailClaim, at) & ~retry.is_exhausted(MailClaim, most)
        claimed = fresh.on_conflict_do_update(index_elements=["claim"], set_=retry.attempt(MailClaim, at), where=may)
        if session.execute(claimed.returning(MailClaim.claim)).one_or_none() is not None:
            return True
        in_hand = MailClaim.sent_at.is_(None) & retry.is_in_hand(MailClaim, at)
        if session.scalars(select(MailClaim.claim).where(MailClaim.claim == self.key, in_hand)).one_or_none() is not None:
            raise StillSending("Another worker has this message in hand.")
        return False

    def settle(self, session: Session, failure: Exception | None) -> None:
        """Note how the sending ended. After a failure the next delivery of the event may take it up at once, if any may."""
        ending = {"sent_at": now()} if failure is None else {"attempted_at": None, **retry.count_after(MailClaim, failure)}
        session.execute(update(MailClaim).where(MailClaim.claim == self.key).values(ending))


def forget(session: Session) -> int:
    """Delete claims of events that do not come again, in a sweep. Returns how many."""
    old = delete(MailClaim).where(MailClaim.created_at < now() - _KEPT)
    return int(session.execute(old).rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
