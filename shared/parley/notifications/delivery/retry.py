"""How often a message may leave, and when it is taken up again: one rule for every claim, whichever table holds it (decision 51).

Neither mails nor texts have a name by which who takes them could tell a second copy. So a claim counts, before each attempt, how often the
message may have left without anybody's having heard so: a worker that died, an answer that was lost. A refusal takes its count back. At
the channel's limit it is sent no more by itself.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, func

from parley.kernel.values.errors import AnswerLost
from parley.notifications.enums import NotificationChannel
from parley.notifications.models import MailClaim, NotificationLog

LOST = "answer_lost"
MOST_COPIES = {NotificationChannel.EMAIL: 3, NotificationChannel.SMS: 1}
"""How often a message leaves at most, whatever is lost. A text costs money, and no telephone can tell that it had it before."""
# Longer than a worker may run: who took a message up before that is not working on it any more.
_GIVEN_UP = timedelta(minutes=2)

Claim = type[MailClaim] | type[NotificationLog]


class StillSending(Exception):
    """Another worker has this message in hand; it comes back, to see whether it succeeded."""


class NotSent(Exception):
    """Something could not be sent, and the message comes back. It names the failure's type: the failure's text may hold an address."""


def is_in_hand(claim: Claim, at: datetime) -> ColumnElement[bool]:
    """Somebody took it up, and may still be at it."""
    return claim.attempted_at.is_not(None) & (claim.attempted_at >= at - _GIVEN_UP)


def is_exhausted(claim: Claim, most: SQLColumnExpression[int] | int) -> ColumnElement[bool]:
    """It may have left as often as its channel allows."""
    return claim.doubtful_sends >= most


def attempt(claim: Claim, at: datetime) -> dict[str, Any]:
    """What a claim that is there says as somebody takes it up: it may leave now, unheard."""
    return {"doubtful_sends": claim.doubtful_sends + 1, "attempted_at": at}


def count_after(claim: Claim, failure: Exception | None) -> Mapping[str, Any]:
    """What of the count changes with how the sending ended: only what nobody heard of still counts."""
    return {} if isinstance(failure, AnswerLost) else {"doubtful_sends": func.greatest(claim.doubtful_sends - 1, 0)}


def reason(failure: Exception) -> str:
    """A failure as the log keeps it: its type, for its text may hold an address."""
    return LOST if isinstance(failure, AnswerLost) else type(failure).__name__
