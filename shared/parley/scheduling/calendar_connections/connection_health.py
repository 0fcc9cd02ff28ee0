"""What becomes of a connection when its provider answers, or does not: its status, when it is tried again, and who is told."""

import random
from datetime import timedelta

from sqlalchemy.orm import Session

from parley.calendar_providers.provider_protocol import ProviderError, ProviderErrorCode
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.values.clock import now
from parley.scheduling.declared import SchedulingAction, SchedulingEvent
from parley.scheduling.tables.calendar_models import CalendarConnection, CalendarStatus

EVERY = timedelta(minutes=5)
LONGEST = timedelta(hours=6)
# From then on its owner is told that a connection fails, though it is still tried.
ALERT_AFTER = timedelta(hours=24)
_FIRST = timedelta(minutes=1)


def jittered(wait: timedelta) -> timedelta:
    """Between 0.8 and 1.2 of it: what failed together is not tried again together."""
    return wait * random.uniform(0.8, 1.2)  # noqa: S311  # nothing secret


def retry_delay(failures: int, retry_after: float | None) -> timedelta:
    """1 min, 2 min, 4 min … 6 h; not sooner than the provider allows."""
    backed_off = min(_FIRST * 2 ** min(max(failures - 1, 0), 20), LONGEST)
    return max(jittered(backed_off), timedelta(seconds=retry_after or 0))


def note_success(row: CalendarConnection) -> None:
    at = now()
    row.status, row.error_code, row.error_message, row.failing_since, row.failures = CalendarStatus.ACTIVE, None, None, None, 0
    row.notified_at, row.last_sync_at, row.next_sync_at, row.leased_until = None, at, at + jittered(EVERY), None


def note_failure(session: Session, caller: Caller, row: CalendarConnection, met: ProviderError) -> None:
    """ERROR, to be tried again; EXPIRED where only its owner can help."""
    at, trouble = now(), met.trouble
    row.leased_until = None
    row.error_code, row.error_message = trouble.code.value, trouble.message[:500]
    row.failing_since, row.failures = row.failing_since or at, min(row.failures + 1, 1000)
    if trouble.code is ProviderErrorCode.UNAUTHORIZED:
        row.next_sync_at = None
        if row.status is not CalendarStatus.EXPIRED:
            row.status = CalendarStatus.EXPIRED
            audit.record(session, caller, SchedulingAction.CALENDAR_CONNECTION_EXPIRED, row, new={"error_code": trouble.code.value})
            _tell(session, row)
        return
    row.status, row.next_sync_at = CalendarStatus.ERROR, at + retry_delay(row.failures, trouble.retry_after)
    if at - row.failing_since >= ALERT_AFTER and row.notified_at is None:
        _tell(session, row)


def _tell(session: Session, row: CalendarConnection) -> None:
    row.notified_at = now()
    outbox.announce(session, SchedulingEvent.CALENDAR_DIED, connection_id=row.id)
