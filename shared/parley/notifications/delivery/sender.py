"""The one way out: whoever sends a mail or a text has claimed it in a transaction that has committed, and notes the end after it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.persistence import transactions
from parley.kernel.values.errors import AnswerLost
from parley.notifications.delivery import log
from parley.notifications.delivery.claims import EventClaim
from parley.notifications.delivery.log import LogClaim
from parley.notifications.delivery.retry import MOST_COPIES, NotSent
from parley.notifications.email import suppressions
from parley.notifications.email.email_message import Mail
from parley.notifications.enums import NotificationChannel, NotificationStatus
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
    channel: NotificationChannel
    recipient: str
    compose: Callable[[], Message]


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends what one event asks for, and what has no row in the log."""

    caller: Caller
    event_id: UUID
    deliver: Deliver

    def __call__(self, message: Message) -> bool:
        """Send it, unless it has left, or may have as often as is allowed. False: its address takes no mail (`suppressions`).

        Raises `AnswerLost`, `NotSent`, `StillSending`.
        """
        claim = EventClaim.of(self.event_id, message.recipient)
        with transactions.transaction(self.caller) as session:
            if not _may_reach(session, message):
                return False
            is_ours = claim.take(session, MOST_COPIES[message.channel])
        if is_ours:
            _send(self.caller, self.deliver, lambda: message, claim)
        return True

    def each(self, messages: Iterable[Message]) -> None:
        """Send each. What could not be sent is raised at the end: it must not keep the others back, and they are not sent again with it."""
        _each(messages, self)


def send_logged(caller: Caller, deliver: Deliver, messages: Iterable[LoggedMessage]) -> None:
    """The same for messages whose claims are rows of the log, which tells how each ended; also that its address takes no mail."""
    taken = list(messages)
    mails = [message for message in taken if message.channel is NotificationChannel.EMAIL]
    errors: dict[str, str] = {}
    if mails:
        with transactions.transaction(caller) as session:
            errors = suppressions.errors(session, {message.recipient for message in mails})
            for message in mails:
                if message.recipient in errors:
                    log.end(session, message.id, NotificationStatus.FAILED, errors[message.recipient])
    free = [message for message in taken if message.recipient not in errors]
    _each(free, lambda message: _send(caller, deliver, message.compose, LogClaim(message.id)))


def _may_reach(session: Session, message: Message) -> bool:
    if not isinstance(message, Mail) or not suppressions.errors(session, [message.recipient]):
        return True
    return message.is_requested and suppressions.take_trial(session, message.recipient)


def _send(caller: Caller, deliver: Deliver, make: Callable[[], Message], claim: Claimed) -> None:
    """Nothing is locked meanwhile. The failure is raised without its text, which may hold an address."""
    failure: Exception | None = None
    try:
        deliver(make())
    except Exception as error:  # noqa: BLE001  # raised below, once it is written down
        failure = error
    with transactions.transaction(caller) as session:
        claim.settle(session, failure)
    if isinstance(failure, AnswerLost):
        raise failure
    if failure is not None:
        raise NotSent(type(failure).__name__).with_traceback(failure.__traceback__) from None


def _each(messages: Iterable[_T], send: Callable[[_T], object]) -> None:
    problems: list[Exception] = []
    for message in messages:
        try:
            send(message)
        except Exception as problem:  # noqa: BLE001  # raised below, with the others
            problems.append(problem)
    if problems:
        raise ExceptionGroup("messages could not be sent", problems)
