"""What hosts' calendars keep busy, asked of their providers at the moment of booking.

`find_slot` says whom it would take (`LiveCheckNeeded`), which ends its transaction and its locks; the providers are asked side by side,
within one deadline; then the booking is made anew, with what they said instead of what was known. A provider that does not answer in time,
or that is known not to, is taken at its last word: the stored times count, the booking goes through, and the connection says so.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.calendar_providers.provider_protocol import (
    Account,
    FreeBusy,
    FreeBusyResult,
    ProviderBusyTime,
    ProviderError,
    ProviderErrorCode,
)
from parley.identity.models import User
from parley.kernel.access.callers import Caller
from parley.kernel.persistence.idempotency_key import IdempotentRequest
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.clock import now
from parley.scheduling.availability.live_busy_times import LiveBusyTimes, LiveCheckNeeded
from parley.scheduling.calendar_connections import connection_tokens
from parley.scheduling.calendar_connections.provider_calls import ask
from parley.scheduling.calendars.own_events import OwnEvents
from parley.scheduling.tables.calendar_models import CalendarConnection, CalendarStatus, ConnectedCalendar

Outcome = TypeVar("Outcome")
SECONDS = 3.0
_MOST = 24
_ALREADY_OVER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Question:
    connection_id: UUID
    user_id: UUID
    account: Account
    wanted: FreeBusy


def with_calendars(caller: Caller, book: Callable[[LiveBusyTimes], Outcome]) -> Outcome:
    """Book by `book`, which makes a transaction of its own each time; with hosts' calendars asked in between, where there are any."""
    try:
        return book(LiveBusyTimes())
    except LiveCheckNeeded as first:
        return book(load_live_busy_times(caller, first))


def transaction_with_live_check(
    caller: Caller, once: IdempotentRequest | None, work: Callable[[Session, LiveBusyTimes], Outcome]
) -> Outcome:
    """The same for work that is given its transaction."""

    def book(fresh: LiveBusyTimes) -> Outcome:
        with transaction(caller, once) as session:
            return work(session, fresh)

    return with_calendars(caller, book)


def load_live_busy_times(caller: Caller, first: LiveCheckNeeded) -> LiveBusyTimes:
    """What the providers say, within `SECONDS` in all."""
    ends = time.monotonic() + SECONDS
    with transaction(caller) as session:
        questions = _questions(session, first)
    if not questions:
        return LiveBusyTimes(is_asked=True)
    heard: dict[UUID, FreeBusyResult] = {}
    silent: dict[UUID, ProviderError] = {}
    pool = ThreadPoolExecutor(len(questions))
    # The call has a second beside the provider's time.
    seconds = max(ends - time.monotonic() - 0.5, 0.5)
    running = {pool.submit(ask, question.account, question.wanted, FreeBusyResult, seconds): question for question in questions}
    wait(running, timeout=max(ends - time.monotonic(), 0.0))
    pool.shutdown(wait=False, cancel_futures=True)
    for future, question in running.items():
        failure = future.exception() if future.done() and not future.cancelled() else None
        if future.done() and not future.cancelled() and failure is None and not future.result().missing:
            heard[question.connection_id] = future.result()
        else:
            late = ProviderError(ProviderErrorCode.TIMED_OUT, "The calendar's server did not answer in time.")
            silent[question.connection_id] = failure if isinstance(failure, ProviderError) else late
    with transaction(caller) as session:
        owners = {question.connection_id: question.user_id for question in questions}
        busy = _others(session, owners, heard)
        _note(session, silent)
    replaced = frozenset(connection_id for connection_id, answer in heard.items() if not answer.is_beside)
    return LiveBusyTimes(is_asked=True, connections=replaced, busy=busy, during=(first.start, first.end))


def _questions(session: Session, first: LiveCheckNeeded) -> list[_Question]:
    calendar_connection, calendar = CalendarConnection, ConnectedCalendar
    rows = session.execute(
        select(
            calendar_connection,
            calendar.calendar_id,
            calendar.timezone,
            User.timezone,
            calendar.sync_token,
            calendar.synced_from,
            calendar.synced_until,
        )
        .join(calendar, calendar.connection_id == calendar_connection.id)
        .join(User, User.id == calendar_connection.user_id)
        .where(calendar_connection.user_id.in_(first.hosts), calendar_connection.status == CalendarStatus.ACTIVE, calendar.is_busy)
        .order_by(calendar_connection.id, calendar.id)
    ).all()
    connections: dict[UUID, tuple[CalendarConnection, dict[str, str], dict[str, str]]] = {}
    for connection, calendar_id, timezone, usual, sync_token, since, until in rows:
        _, zones, sync_tokens = connections.setdefault(connection.id, (connection, {}, {}))
        zones[calendar_id] = timezone or usual
        if sync_token and since is not None and since <= first.start and until is not None and until >= first.end:
            sync_tokens[calendar_id] = sync_token
    questions: list[_Question] = []
    for connection, zones, sync_tokens in list(connections.values())[:_MOST]:
        # A token that has just ended is renewed by the next sync; nobody who books waits for that.
        if connection_tokens.is_fresh(connection, spare=_ALREADY_OVER):
            wanted = FreeBusy(calendar_ids=list(zones), start=first.start, end=first.end, timezones=zones, sync_tokens=sync_tokens)
            questions.append(_Question(connection.id, connection.user_id, connection_tokens.opened_account(session, connection), wanted))
    return questions


def _others(session: Session, owners: dict[UUID, UUID], heard: dict[UUID, FreeBusyResult]) -> dict[UUID, list[tuple[datetime, datetime]]]:
    """Without the events that are bookings of ours."""
    busy_times: list[tuple[UUID, ProviderBusyTime]] = [
        (connection_id, busy_time) for connection_id, answer in heard.items() for busy_time in answer.times
    ]
    own = OwnEvents(session, owners, [(busy_time.event_id, busy_time.uid) for _, busy_time in busy_times])
    busy: dict[UUID, list[tuple[datetime, datetime]]] = {}
    for connection_id, busy_time in busy_times:
        if not own.is_own(connection_id, busy_time.event_id, busy_time.uid):
            busy.setdefault(owners[connection_id], []).append((busy_time.start, busy_time.end))
    return busy


def _note(session: Session, silent: dict[UUID, ProviderError]) -> None:
    """The connection says that it did not answer, and is synced next, unless it asks to wait: nobody else waits for it meanwhile."""
    for connection_id, met in silent.items():
        values = {"error_code": met.code.value, "error_message": met.trouble.message[:500], "status": CalendarStatus.ERROR}
        statement = update(CalendarConnection).where(
            CalendarConnection.id == connection_id, CalendarConnection.status == CalendarStatus.ACTIVE
        )
        session.execute(statement.values(**values, next_sync_at=now() + timedelta(seconds=met.trouble.retry_after or 0)))
