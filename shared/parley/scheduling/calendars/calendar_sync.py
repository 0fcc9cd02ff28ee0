"""Keeps what a connection's calendars keep busy: one connection at a time, by what has changed since the last time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from parley.calendar_providers.provider_protocol import (
    MOST_UNCLEAR,
    Account,
    ChangedEvent,
    ChangesResult,
    Discover,
    DiscoveryResult,
    ProviderError,
    ProviderErrorCode,
    ReadChanges,
)
from parley.identity.models import OrganizationMember, User
from parley.kernel.access.callers import Caller
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values import clock
from parley.kernel.values.ids import new_id
from parley.scheduling.availability import host_horizon
from parley.scheduling.calendar_connections import connection_health, connection_rows, connection_tokens
from parley.scheduling.calendar_connections.provider_calls import ask
from parley.scheduling.calendars import push_subscriptions
from parley.scheduling.calendars.own_events import OwnEvents
from parley.scheduling.privacy import host_offboarding
from parley.scheduling.tables.calendar_models import BusyTime, CalendarConnection, CalendarStatus, ConnectedCalendar

BEHIND = timedelta(days=2)
# When less than its `reach` is known ahead, all of it is asked for anew, and so much more: what recurs has come into sight meanwhile.
SPARE = timedelta(days=20)
_LEASE = timedelta(minutes=3)
_ASKING_SECONDS = 20.0
_MOST_PAGES = 50
_INSERT = text(
    """INSERT INTO scheduling_busy_times (organization_id, id, connection_id, connected_calendar_id, user_id, event_id, during)
    SELECT :organization, id, :connection, :calendar, :user, event_id, tstzrange(begins, ends)
    FROM json_to_recordset(CAST(:rows AS json)) AS w(id uuid, event_id text, begins timestamptz, ends timestamptz)"""
)


@dataclass(frozen=True, slots=True)
class SyncJob:
    """What is to be asked: each calendar with the token to go on from, its zone, and up to when. Good until `leased_until`, while the row
    says so too.
    """

    connection_id: UUID
    leased_until: datetime
    calendars: list[tuple[UUID, str, str | None, str, datetime]]


def sync(caller: Caller, connection_id: UUID) -> None:
    """Bring what is kept of a connection up to date. What fails is written into the connection, and raised for nobody.

    Of two at once one does it; what the other was told of is looked at after that. No lock is held while the provider is asked.
    """
    job = _taken(caller, connection_id)
    if job is None:
        return

    def work(account: Account) -> None:
        _bring_up_to_date(caller, job, account)
        push_subscriptions.keep_subscriptions(caller, connection_id, account)

    try:
        connection_tokens.with_access(caller, connection_id, _ASKING_SECONDS, work)
    except ProviderError as met:
        _end(caller, job, met)
    else:
        _end(caller, job, None)


def _taken(caller: Caller, connection_id: UUID) -> SyncJob | None:
    with transaction(caller) as session:
        row = _locked(session, connection_id)
        if row is None or row.status in (CalendarStatus.EXPIRED, CalendarStatus.DISCONNECTED):
            return None
        at = clock.now()
        if row.leased_until is not None and row.leased_until > at:
            row.next_sync_at = at
            return None
        member = select(OrganizationMember.deactivated_at, User.timezone, host_horizon.farthest_days(row.user_id, at))
        condition = OrganizationMember.user_id == row.user_id
        host_row = session.execute(member.join(User, User.id == OrganizationMember.user_id).where(condition)).one_or_none()
        if host_row is None:
            host_offboarding.release_connections(session, caller, row.user_id)
            return None
        if host_row[0] is not None:  # may come back
            row.next_sync_at = at + connection_health.LONGEST
            return None
        row.leased_until, row.next_sync_at = at + _LEASE, at + _LEASE
        least = at + host_horizon.known_ahead(host_row[2])
        calendars = [calendar for calendar in connection_rows.calendars_of(session, row.id) if calendar.is_busy]
        calendar_jobs = [
            (calendar.id, calendar.calendar_id, _token(calendar, least), calendar.timezone or host_row[1], _until(calendar, least))
            for calendar in calendars
        ]
        return SyncJob(row.id, row.leased_until, calendar_jobs)


def _token(calendar: ConnectedCalendar, least: datetime) -> str | None:
    is_enough = calendar.synced_until is not None and calendar.synced_until >= least
    return calendar.sync_token if is_enough else None


def _until(calendar: ConnectedCalendar, least: datetime) -> datetime:
    """Not sooner than it is known already: what is told of a change is told up to there."""
    return max(least + SPARE, calendar.synced_until or least)


def _locked(session: Session, connection_id: UUID) -> CalendarConnection | None:
    return session.scalars(select(CalendarConnection).where(CalendarConnection.id == connection_id).with_for_update()).one_or_none()


def _bring_up_to_date(caller: Caller, job: SyncJob, account: Account) -> None:
    """A calendar that can't be read keeps no other from being read. Raises `ProviderError`, of such a one at the end."""
    unread: list[ProviderError] = []
    for calendar_id, name, token, timezone, end in job.calendars:
        start = clock.now() - BEHIND
        wanted = ReadChanges(calendar_id=name, sync_token=token, start=start, end=end, timezone=timezone)
        try:
            pages = _pages(account, wanted)
        except ProviderError as met:
            if met.code is ProviderErrorCode.REFUSED or (
                met.code is ProviderErrorCode.NOT_FOUND and _is_still_there(caller, job, account, name)
            ):
                unread.append(met)
            elif met.code is not ProviderErrorCode.NOT_FOUND:
                raise
            continue
        _keep(caller, job.connection_id, calendar_id, pages, start, end)
    if unread:
        raise unread[0]


def _pages(account: Account, wanted: ReadChanges) -> list[ChangesResult]:
    """From the beginning, where the token is good no more. Raises `ProviderError`."""
    try:
        return _told(account, wanted)
    except ProviderError as met:
        if met.code is not ProviderErrorCode.SYNC_EXPIRED or wanted.sync_token is None:
            raise
    return _told(account, wanted.model_copy(update={"sync_token": None}))


def _told(account: Account, wanted: ReadChanges) -> list[ChangesResult]:
    pages: list[ChangesResult] = []
    first = wanted.sync_token
    while len(pages) < _MOST_PAGES:
        pages.append(ask(account, wanted, ChangesResult, _ASKING_SECONDS))
        if not pages[-1].has_more:
            return pages
        wanted = wanted.model_copy(update={"sync_token": pages[-1].sync_token})
    # A server that has always more to tell of what changed is read from the beginning.
    code = ProviderErrorCode.REFUSED if first is None else ProviderErrorCode.SYNC_EXPIRED
    raise ProviderError(code, "The calendar has more events than we read.")


def _is_still_there(caller: Caller, job: SyncJob, account: Account, name: str) -> bool:
    """Whether a calendar that is not found is one of the account's all the same. Those that are, are kept."""
    discovery = ask(account, Discover(), DiscoveryResult, _ASKING_SECONDS)
    with transaction(caller) as session:
        row = _locked(session, job.connection_id)
        if row is not None:
            connection_rows.store_calendars(session, row, discovery.calendars)
            connection_rows.choose_target(session, row, discovery.calendars)
    return any(calendar.id == name for calendar in discovery.calendars)


def _keep(caller: Caller, connection_id: UUID, calendar_id: UUID, pages: Sequence[ChangesResult], start: datetime, end: datetime) -> None:
    is_cut = any(page.is_cut for page in pages)
    is_full = any(page.is_full for page in pages) and not is_cut
    # What is told twice counts as it was told last.
    events = {event.event_id: event for page in pages for event in page.events}
    removed_ids = {event_id for page in pages for event_id in page.removed} - ({*events} if is_full else set())
    with transaction(caller) as session:
        row = _locked(session, connection_id)
        chosen = select(ConnectedCalendar).where(ConnectedCalendar.id == calendar_id).with_for_update()
        calendar = session.scalars(chosen).one_or_none()
        if row is None or calendar is None or not calendar.is_busy:  # taken away, or unchosen, meanwhile
            return
        # What can't be read now frees nothing: of such an event what was known counts.
        unknown = [event.event_id for event in events.values() if not event.is_known]
        old = delete(BusyTime).where(BusyTime.connected_calendar_id == calendar_id, BusyTime.event_id.not_in(unknown))
        if not is_full:
            old = old.where(BusyTime.event_id.in_([*events, *removed_ids]))
        if is_full or events or removed_ids:
            session.execute(old)
        own = OwnEvents(session, {connection_id: row.user_id}, [(event.event_id, event.uid) for event in events.values() if event.times])
        kept = [
            event
            for event in events.values()
            if event.event_id not in removed_ids and not own.is_own(connection_id, event.event_id, event.uid)
        ]
        _insert(session, row, calendar_id, kept)
        unclear = [event.event_id for event in events.values() if not event.is_clear]
        others = [] if is_full else [name for name in calendar.unclear_event_ids if name not in events and name not in removed_ids]
        calendar.unclear_event_ids = [*others, *unclear][:MOST_UNCLEAR]
        calendar.sync_token = pages[-1].sync_token if not is_cut else None
        if is_full:
            calendar.synced_from, calendar.synced_until = start, end


def _insert(session: Session, row: CalendarConnection, calendar_id: UUID, events: Sequence[ChangedEvent]) -> None:
    rows = [
        {"id": str(new_id()), "event_id": event.event_id, "begins": begins.isoformat(), "ends": ends.isoformat()}
        for event in events
        for begins, ends in event.times
        if begins < ends
    ]
    if rows:
        of = {"organization": row.organization_id, "connection": row.id, "calendar": calendar_id, "user": row.user_id}
        session.execute(_INSERT.bindparams(rows=json.dumps(rows), **of))


def _end(caller: Caller, job: SyncJob, met: ProviderError | None) -> None:
    with transaction(caller) as session:
        row = _locked(session, job.connection_id)
        if row is None or row.leased_until != job.leased_until:  # taken away, or connected again: it says nothing of what is there now
            return
        is_asked_again = row.next_sync_at is not None and row.next_sync_at < job.leased_until
        if met is not None:
            connection_health.note_failure(session, caller, row, met)
            return
        connection_health.note_success(row)
        counted = func.coalesce(func.sum(func.jsonb_array_length(ConnectedCalendar.unclear_event_ids)), 0)
        chosen = ConnectedCalendar.connection_id == row.id, ConnectedCalendar.is_busy
        row.unclear_events = session.scalars(select(counted).where(*chosen)).one()
        if is_asked_again:
            row.next_sync_at = clock.now()
