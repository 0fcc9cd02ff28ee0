"""The one way out: whoever sends a mail or a text has claimed it in a transaction that has committed, and notes the end after it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from parley.kernel import db
from parley.kernel.callers import Caller
from parley.kernel.errors import AnswerLost
from parley.notifications.claims import EventClaim
from parley.notifications.email_message import Mail
from parley.notifications.log import LogClaim
from parley.notifications.retry import MOST_COPIES, NotSent
from parley.notifications.sms import SmsMessage

_T = TypeVar("_T")
Message = Mail | SmsMessage
Deliver = Callable[[Any], None]
"""Hands a mail over, or a text, once: `ses.send`, or `channels.deliver` for who may send texts as well.

Raises `AnswerLost` where that may have succeeded."""


class Claimed(Protocol):
    def settle(self, session: Session, failure: Exception | None) -> None: ...


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """A message whose row in the log this worker, and no other, has taken up; `compose` makes what leaves."""

    id: UUID
    compose: Callable[[], Message]


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends what one event asks for, and what has no row in the log."""

    caller: Caller
    event_id: UUID
    deliver: Deliver

    def __call__(self, message: Message) -> None:
        """Send it, unless it has left, or may have as often as is allowed. Raises `AnswerLost`, `NotSent`, `StillSending`."""
        claim = EventClaim.of(self.event_id, message.recipient)
        with db.transaction(self.caller) as session:
            is_ours = claim.take(session, MOST_COPIES[message.channel])
        if is_ours:
            _send(self.caller, self.deliver, lambda: message, claim)

    def each(self, messages: Iterable[Message]) -> None:
        """Send each. What could not be sent is raised at the end: it must not keep the others back, and they are not sent again with it."""
        _each(messages, self)


def send_logged(caller: Caller, deliver: Deliver, messages: Iterable[LoggedMessage]) -> None:
    """The same for messages whose claims are rows of the log, which tells how each ended."""
    _each(messages, lambda message: _send(caller, deliver, message.compose, LogClaim(message.id)))


def _send(caller: Caller, deliver: Deliver, make: Callable[[], Message], claim: Claimed) -> None:
    """Nothing is locked meanwhile. The failure is raised without its text, which may hold an address."""
    failure: Exception | None = None
    try:
        deliver(make())
    except Exception as error:  # noqa: BLE001  # raised below, once it is written down
        failure = error
    with db.transaction(caller) as session:
        claim.settle(session, failure)
    if isinstance(failure, AnswerLost):
        raise failure
    if failure is not None:
        raise NotSent(type(failure).__name__).with_traceback(failure.__traceback__) from None


def _each(messages: Iterable[_T], send: Callable[[_T], None]) -> None:
    problems: list[Exception] = []
    for message in messages:
        try:
            send(message)
        except Exception as problem:  # noqa: BLE001  # raised below, with the others
            problems.append(problem)
    if problems:
        raise ExceptionGroup("messages could not be sent", problems)
