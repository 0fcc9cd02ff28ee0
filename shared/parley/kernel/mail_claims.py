"""Mails that have no log of their own leave once: a row for each event and recipient decides who sends, and counts.

An event may come twice, and be in two workers' hands at once. Whoever sends claims first, in a transaction that has committed by then, and
notes the end after it. Before each attempt the row counts that the mail may have left unheard; a sure refusal takes that back. So whatever
is lost, a mail leaves `MOST_COPIES` times at most, and an address that is refused repeats nobody else's mail.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import SmallInteger, delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from parley.kernel import db
from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.errors import AnswerLost
from parley.kernel.models import Base

MOST_COPIES = 3
# Longer than a worker may run: who claimed before that is not at it any more.
_GIVEN_UP = timedelta(minutes=2)
# Longer than a message waits in its queue, and in the queue of dead letters.
_KEPT = timedelta(days=30)


class MailInHand(Exception):
    """Another worker has this mail in hand; the message comes back, to see whether it succeeded."""


class MailClaim(Base):
    """`claim` is a hash of event and recipient: nobody can try addresses without the event's id, which is kept nowhere.

    `doubtful_sends` is how often the mail may have left, and nobody heard.
    """

    __tablename__ = "mail_claims"
    global_because = "Mails go to people of no organization too; it holds no more than a hash, a count and instants."

    claim: Mapped[str] = mapped_column(primary_key=True)
    doubtful_sends: Mapped[int] = mapped_column(SmallInteger, default=0)
    attempted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


class Addressed(Protocol):
    """A mail, or a text."""

    @property
    def recipient(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends the mails that one event asks for. `deliver` hands a mail over, and raises `AnswerLost` where that may have succeeded.

    `most`: of a text, one copy may leave.
    """

    caller: Caller
    event_id: UUID
    deliver: Callable[[Any], None]
    most: int = MOST_COPIES

    def __call__(self, mail: Addressed) -> None:
        """Send it, unless it has left, or may have as often as is allowed. Raises what `deliver` raises, and `MailInHand`."""
        claim = hashlib.sha256(f"{self.event_id}\0{mail.recipient.lower()}".encode()).hexdigest()
        with db.transaction(self.caller) as session:
            is_ours = _take(session, claim, self.most)
        if not is_ours:
            return
        try:
            self.deliver(mail)
        except AnswerLost:
            with db.transaction(self.caller) as session:
                _settle(session, claim, attempted_at=None)
            raise
        except Exception:
            with db.transaction(self.caller) as session:
                _settle(session, claim, attempted_at=None, doubtful_sends=MailClaim.doubtful_sends - 1)
            raise
        with db.transaction(self.caller) as session:
            _settle(session, claim, sent_at=now())

    def each(self, mails: Iterable[Addressed]) -> None:
        """Send each. What could not be sent is raised at the end: it must not keep the others back, and they are not sent again with it."""
        problems: list[Exception] = []
        for mail in mails:
            try:
                self(mail)
            except Exception as problem:  # noqa: BLE001  # raised below, with the others
                problems.append(problem)
        if problems:
            raise ExceptionGroup("mails could not be sent", problems)


def _take(session: Session, claim: str, most: int) -> bool:
    """Whether it is this worker's turn: nobody has sent it, nobody is at it, and it may leave once more. Raises `MailInHand`."""
    at = now()
    fresh = insert(MailClaim).values(claim=claim, doubtful_sends=1, attempted_at=at, created_at=at)
    is_free = MailClaim.attempted_at.is_(None) | (MailClaim.attempted_at < at - _GIVEN_UP)
    more = {"doubtful_sends": MailClaim.doubtful_sends + 1, "attempted_at": at}
    may = MailClaim.sent_at.is_(None) & is_free & (MailClaim.doubtful_sends < most)
    claimed = fresh.on_conflict_do_update(index_elements=["claim"], set_=more, where=may).returning(MailClaim.claim)
    if session.execute(claimed).one_or_none() is not None:
        return True
    row = session.get_one(MailClaim, claim)
    if row.sent_at is None and row.attempted_at is not None and row.attempted_at >= at - _GIVEN_UP:
        raise MailInHand("Another worker has this mail in hand.")
    return False


def _settle(session: Session, claim: str, **values: object) -> None:
    session.execute(update(MailClaim).where(MailClaim.claim == claim).values(**values))


def forget(session: Session) -> int:
    """Delete claims of events that do not come again, in a sweep. Returns how many."""
    old = delete(MailClaim).where(MailClaim.created_at < now() - _KEPT)
    return int(session.execute(old).rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
