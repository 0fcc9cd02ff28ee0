"""When an attempt is made again, and when an endpoint is given up."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# Before each attempt, after the one before it. The example of Standard Webhooks, ended after 28 hours.
WAITS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
JITTER = 0.2
# However the dice fall, the last attempt comes after this long: who is away for a day misses nothing.
SHORTEST_RETRY_SPAN = timedelta(hours=25)
LONGEST_RETRY_AFTER = timedelta(hours=24)

# By one of these an endpoint says that it is under load, and gets nothing at all for a while (Standard Webhooks, "Delivery success and
# failure"). 503 says that it is away: for how long, if it says when to come again.
UNDER_LOAD, AWAY = frozenset({429, 502, 504}), 503
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)

# An attempt that nobody has heard of for so long is lost; its request is not sent any more after the half of it.
LEASE = timedelta(seconds=120)
NOT_AFTER = timedelta(seconds=60)

DISABLED_AFTER = timedelta(days=5)
LEAST_FAILURES = 10
RETENTION = timedelta(days=30)
OVERLAP_HOURS = 24


def wait(step: int, since_begin: timedelta, retry_after: str | None, at: datetime, dice: Callable[[], float] = random.random) -> timedelta:
    """How long to wait before attempt number `step` (from 0) of a round that began `since_begin` ago.

    `dice` gives numbers from 0 to 1. A later moment that the receiver asks for (`Retry-After`) is granted, for a day at most.
    """
    waited = WAITS[step] * (1 - JITTER + 2 * JITTER * dice())
    if step == len(WAITS) - 1:
        waited = max(waited, SHORTEST_RETRY_SPAN - since_begin)
    return max(waited, min(retry_after_delay(retry_after, at), LONGEST_RETRY_AFTER))


def pause(status_code: int | None, retry_after: str | None, at: datetime) -> timedelta:
    """For how long an endpoint that answered so gets nothing, whatever waits for it. Zero for one that refuses a message alone."""
    if status_code not in UNDER_LOAD and status_code != AWAY:
        return timedelta(0)
    least = SHORTEST_PAUSE if status_code in UNDER_LOAD else timedelta(0)
    return min(max(retry_after_delay(retry_after, at), least), LONGEST_PAUSE)


def retry_after_delay(retry_after: str | None, at: datetime) -> timedelta:
    """What a `Retry-After` asks for: seconds or a date (RFC 9110, 10.2.3). Zero for none and for nonsense."""
    if not retry_after:
        return timedelta(0)
    if retry_after.isascii() and retry_after.isdigit():
        return timedelta(seconds=min(int(retry_after.lstrip("0")[:10] or "0"), 10**9))
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError, OverflowError):
        return timedelta(0)
    return max((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - at, timedelta(0))
