"""What hosts' calendars keep busy, asked of their providers at the moment of booking.

`bookings.find` says whom it would take (`AskFirst`), which ends its transaction and its locks; the providers are asked side by side, within
one deadline; then the booking is made anew, with what they said instead of what was known. A provider that does not answer in time, or that
is known not to, is taken at its last word: the stored times count, the booking goes through, and the connection says so.
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

from parley.calendars.protocol import Account, Busy, BusyTime, FreeBusy, InTrouble, TroubleCode
from parley.identity.models import User
from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.db import transaction
from parley.kernel.once import Once
from parley.scheduling.calendars import tokens
from parley.scheduling.calendars.asking import ask
from parley.scheduling.calendars.known import AskFirst, Fresh
from parley.scheduling.calendars.models import CalendarConnection, CalendarStatus, ConnectedCalendar
from parley.scheduling.calendars.own import Own

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


def with_calendars(caller: Caller, book: Callable[[Fresh], Outcome]) -> Outcome:
    """Book by `book`, which makes a transaction of its own each time; with hosts' calendars asked in between, where there are any."""
    try:
        return book(Fresh())
    except AskFirst as first:
        return book(asked(caller, first))


def transacted(caller: Caller, once: Once | None, work: Callable[[Session, Fresh], Outcome]) -> Outcome:
    """The same for work that is given its transaction."""

    def book(fresh: Fresh) -> Outcome:
        with transaction(caller, once) as session:
            return work(session, fresh)

    return with_calendars(caller, book)


def asked(caller: Caller, first: AskFirst) -> Fresh:
    """What the providers say, within `SECONDS` in all."""
    ends = time.monotonic() + SECONDS
    with transaction(caller) as session:
        questions = _questions(session, first)
    if not questions:
        return Fresh(is_asked=True)
    heard: dict[UUID, Busy] = {}
    silent: dict[UUID, InTrouble] = {}
    pool = ThreadPoolExecutor(len(questions))
    # The call has a second beside the provider's time.
    seconds = max(ends - time.monotonic() - 0.5, 0.5)
    running = {pool.submit(ask, one.account, one.wanted, Busy, seconds): one for one in questions}
    wait(running, timeout=max(ends - time.monotonic(), 0.0))
    pool.shutdown(wait=False, cancel_futures=True)
    for future, one in running.items():
        failure = future.exception() if future.done() and not future.cancelled() else None
        if future.done() and not future.cancelled() and failure is None and not future.result().missing:
            heard[one.connection_id] = future.result()
        else:
            late = InTrouble(TroubleCode.TIMED_OUT, "The calendar's server did not answer in time.")
            silent[one.connection_id] = failure if isinstance(failure, InTrouble) else late
    with transaction(caller) as session:
        owners = {one.connection_id: one.user_id for one in questions}
        busy = _others(session, owners, heard)
        _note(session, silent)
    replaced = frozenset(connection_id for connection_id, answer in heard.items() if not answer.is_beside)
    return Fresh(is_asked=True, connections=replaced, busy=busy, during=(first.start, first.end))


def _questions(session: Session, first: AskFirst) -> list[_Question]:
    one, calendar = CalendarConnection, ConnectedCalendar
    rows = session.execute(
        select(
            one, calendar.calendar_id, calendar.timezone, User.timezone, calendar.sync_token, calendar.synced_from, calendar.synced_until
        )
        .join(calendar, calendar.connection_id == one.id)
        .join(User, User.id == one.user_id)
        .where(one.user_id.in_(first.hosts), one.status == CalendarStatus.ACTIVE, calendar.is_busy)
        .order_by(one.id, calendar.id)
    ).all()
    found: dict[UUID, tuple[CalendarConnection, dict[str, str], dict[str, str]]] = {}
    for connection, calendar_id, timezone, usual, sync_token, since, until in rows:
        _, zones, sync_tokens = found.setdefault(connection.id, (connection, {}, {}))
        zones[calendar_id] = timezone or usual
        if sync_token and since is not None and since <= first.start and until is not None and until >= first.end:
            sync_tokens[calendar_id] = sync_token
    questions: list[_Question] = []
    for connection, zones, sync_tokens in list(found.values())[:_MOST]:
        # A token that has just ended is renewed by the next sync; nobody who books waits for that.
        if tokens.is_fresh(connection, spare=_ALREADY_OVER):
            wanted = FreeBusy(calendar_ids=list(zones), start=first.start, end=first.end, timezones=zones, sync_tokens=sync_tokens)
            questions.append(_Question(connection.id, connection.user_id, tokens.opened(session, connection), wanted))
    return questions


def _others(session: Session, owners: dict[UUID, UUID], heard: dict[UUID, Busy]) -> dict[UUID, list[tuple[datetime, datetime]]]:
    """Without the events that are bookings of ours."""
    told: list[tuple[UUID, BusyTime]] = [(connection_id, found) for connection_id, answer in heard.items() for found in answer.times]
    own = Own(session, owners, [(found.event_id, found.uid) for _, found in told])
    busy: dict[UUID, list[tuple[datetime, datetime]]] = {}
    for connection_id, found in told:
        if not own.is_own(connection_id, found.event_id, found.uid):
            busy.setdefault(owners[connection_id], []).append((found.start, found.end))
    return busy


def _note(session: Session, silent: dict[UUID, InTrouble]) -> None:
    """The connection says that it did not answer, and is synced next, unless it asks to wait: nobody else waits for it meanwhile."""
    for connection_id, met in silent.items():
        said = {"error_code": met.code.value, "error_message": met.trouble.said[:500], "status": CalendarStatus.ERROR}
        mine = update(CalendarConnection).where(CalendarConnection.id == connection_id, CalendarConnection.status == CalendarStatus.ACTIVE)
        session.execute(mine.values(**said, next_sync_at=now() + timedelta(seconds=met.trouble.retry_after or 0)))
