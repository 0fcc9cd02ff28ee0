"""A person's own connections: made, looked at, chosen from, taken away. Nobody sees a colleague's."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from parley.calendar_providers.provider_protocol import (
    Account,
    CalDavAccount,
    Discover,
    DiscoveryResult,
    IcsAccount,
    ProviderError,
    ProviderErrorCode,
    ProviderName,
)
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox, pagination
from parley.kernel.persistence.pagination import Page
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, NotFound, Unavailable, Unprocessable
from parley.scheduling.calendar_connections import connection_rows
from parley.scheduling.calendar_connections.connection_rows import AuthorizedAccount
from parley.scheduling.calendar_connections.provider_calls import ask
from parley.scheduling.calendar_connections.schemas import (
    APPLE,
    CalendarConnectionCreate,
    CalendarConnectionDetailRead,
    CalendarConnectionRead,
    CalendarConnectionUpdate,
    ConnectedCalendarRead,
    ConnectedCalendarsRead,
)
from parley.scheduling.common import ownership
from parley.scheduling.declared import SchedulingAction, SchedulingEvent
from parley.scheduling.tables.calendar_models import (
    ONE_ACCOUNT,
    ONE_PRIMARY,
    BusyTime,
    CalendarConnection,
    CalendarEvent,
    CalendarMethod,
    CalendarProvider,
    CalendarStatus,
    ConnectedCalendar,
)

MOST_CONNECTIONS = 10
_SECONDS = 15.0
_IS_GIVEN_UP = (CalendarEvent.error_code.is_not(None), CalendarEvent.due_at.is_(None))


class NoSuchCalendarConnection(NotFound):
    """Absent, deleted, or somebody else's."""

    def __init__(self) -> None:
        super().__init__("There is no such calendar connection.")


class CalendarRefused(Unprocessable):
    """The server does not let us in, or is no calendar. `reason` is the code of the trouble."""


class CalendarAway(Unavailable):
    """The calendar's server does not answer."""


class NoSuchCalendar(Unprocessable):
    """The connection has no calendar of this id, or it can't be written to."""


class NothingToWriteTo(Unprocessable):
    """The primary connection is one that can be written to."""


class Reconnect(Conflict):
    """The connection has expired; syncing it is of no use before it is connected again."""


class ChangedMeanwhile(Conflict):
    """Two changed the person's connections at once."""

    def __init__(self) -> None:
        super().__init__("Your connections have just been changed; look at them again.")


def check_person(caller: Caller) -> None:
    """Raises `PersonNeeded` for who is nobody's key."""
    ownership.person(caller)


def discover(wanted: CalendarConnectionCreate) -> AuthorizedAccount:
    """Let ourselves in and see what is there. Asks the provider: outside any transaction. Raises `CalendarRefused`, `CalendarAway`."""
    account = _account(wanted)
    try:
        discovery = ask(account, Discover(), DiscoveryResult, _SECONDS)
    except ProviderError as met:
        if met.code in (ProviderErrorCode.TIMED_OUT, ProviderErrorCode.UNAVAILABLE, ProviderErrorCode.RATE_LIMITED):
            raise CalendarAway(f"The calendar can't be connected now. {met.trouble.message}", reason=met.code.value) from met
        raise CalendarRefused(f"The calendar can't be connected. {met.trouble.message}", reason=met.code.value) from met
    is_ics = isinstance(account, IcsAccount)
    return AuthorizedAccount(
        provider=wanted.provider,
        method=CalendarMethod.ICS if is_ics else CalendarMethod.CALDAV,
        account_id=discovery.account_id,
        account_name=discovery.account_name,
        calendars=discovery.calendars,
        server_url=None if is_ics else discovery.url,
        username=wanted.username,
        secret=wanted.ics_url if is_ics else wanted.password,
    )


def _account(wanted: CalendarConnectionCreate) -> Account:
    if wanted.ics_url is not None:
        return IcsAccount(url=wanted.ics_url)
    provider: Literal[ProviderName.APPLE, ProviderName.CUSTOM] = (
        ProviderName.APPLE if wanted.provider is CalendarProvider.APPLE else ProviderName.CUSTOM
    )
    address, username, password = wanted.server_url or APPLE, wanted.username or "", wanted.password or ""
    return CalDavAccount(provider=provider, url=address, username=username, password=password)


def connect(session: Session, caller: Caller, account: AuthorizedAccount) -> CalendarConnectionDetailRead:
    """Raises `PersonNeeded`, `NoCalendars`, `TooManyConnections`, `ChangedMeanwhile`."""
    with violation_means(ONE_ACCOUNT, ChangedMeanwhile()), violation_means(ONE_PRIMARY, ChangedMeanwhile()):
        row, kept = connection_rows.connect(session, caller, ownership.person(caller), account, most=MOST_CONNECTIONS)
        outbox.announce(session, SchedulingEvent.CALENDAR_CHANGED, connection_id=row.id)
        session.flush()
    return _detail(row, kept, {})  # what was given up is due again


def own_connections(session: Session, caller: Caller, *, cursor: str | None, limit: int) -> Page[CalendarConnectionRead]:
    """Newest first."""
    query = select(CalendarConnection).where(CalendarConnection.user_id == ownership.person(caller))
    rows, next_cursor = pagination.page(session, query, [CalendarConnection.id], cursor=cursor, limit=limit)
    given_up = _given_up(session, [row.id for row in rows])
    return Page(items=[_shown(row, given_up) for row in rows], next_cursor=next_cursor)


def own_connection(session: Session, caller: Caller, connection_id: UUID) -> CalendarConnectionDetailRead:
    """Raises `NoSuchCalendarConnection`."""
    row = _mine(session, caller, connection_id)
    return _detail(row, connection_rows.calendars_of(session, row.id), _given_up(session, [row.id]))


def calendars(session: Session, caller: Caller, connection_id: UUID) -> ConnectedCalendarsRead:
    """Raises `NoSuchCalendarConnection`."""
    row = _mine(session, caller, connection_id)
    connected_calendars = connection_rows.calendars_of(session, row.id)
    return ConnectedCalendarsRead(items=[ConnectedCalendarRead.model_validate(calendar) for calendar in connected_calendars])


def update_connection(
    session: Session, caller: Caller, connection_id: UUID, wanted: CalendarConnectionUpdate
) -> CalendarConnectionDetailRead:
    """Choose what counts and what is written to. A calendar that counts no more keeps nobody's time from now on.

    Raises `NoSuchCalendarConnection`, `NoSuchCalendar`, `NothingToWriteTo`, `ChangedMeanwhile`.
    """
    row = _mine(session, caller, connection_id, to_change=True)
    connected_calendars = connection_rows.calendars_of(session, row.id)
    if wanted.busy_calendar_ids is not None:
        _count(session, row, connected_calendars, set(wanted.busy_calendar_ids))
    if "calendar_id" in wanted.model_fields_set:
        _write_to(row, connected_calendars, wanted.calendar_id)
    if wanted.is_primary is not None:
        _make_primary(session, row, is_primary=wanted.is_primary)
    row.updated_at = now()
    with violation_means(ONE_PRIMARY, ChangedMeanwhile()):
        session.flush()
    audit.record(session, caller, SchedulingAction.CALENDAR_CONNECTION_UPDATED, row, new={"changed": sorted(wanted.model_fields_set)})
    outbox.announce(session, SchedulingEvent.CALENDAR_CHANGED, connection_id=row.id)
    return _detail(row, connected_calendars, _given_up(session, [row.id]))


def _count(session: Session, row: CalendarConnection, connected_calendars: Sequence[ConnectedCalendar], ids: set[str]) -> None:
    if unknown := ids - {calendar.calendar_id for calendar in connected_calendars}:
        raise NoSuchCalendar("This connection has no such calendar.", calendar_ids=sorted(unknown))
    for calendar in connected_calendars:
        calendar.is_busy = calendar.calendar_id in ids
        if not calendar.is_busy:
            calendar.sync_token = calendar.synced_from = calendar.synced_until = None
            calendar.unclear_event_ids = []
    row.unclear_events = sum(calendar.unclear_events for calendar in connected_calendars)
    row.next_sync_at = now() if row.status is not CalendarStatus.EXPIRED else None
    unchosen = [calendar.id for calendar in connected_calendars if not calendar.is_busy]
    if unchosen:
        session.execute(delete(BusyTime).where(BusyTime.connected_calendar_id.in_(unchosen)))


def _write_to(row: CalendarConnection, connected_calendars: Sequence[ConnectedCalendar], calendar_id: str | None) -> None:
    chosen = next((calendar for calendar in connected_calendars if calendar.calendar_id == calendar_id and calendar.is_writable), None)
    if calendar_id is not None and chosen is None:
        raise NoSuchCalendar("This connection has no such calendar that can be written to.", calendar_ids=[calendar_id])
    row.calendar_id, row.calendar_name = (chosen.calendar_id, chosen.name) if chosen else (None, None)
    row.is_primary = row.is_primary and chosen is not None


def _make_primary(session: Session, row: CalendarConnection, *, is_primary: bool) -> None:
    if is_primary and row.calendar_id is None:
        raise NothingToWriteTo("Choose a calendar of this connection that bookings are written to; an ICS address has none.")
    if is_primary and not row.is_primary:
        connection = CalendarConnection
        others = update(connection).where(connection.user_id == row.user_id, connection.is_primary, connection.id != row.id)
        session.execute(others.values(is_primary=False, updated_at=now()))
    row.is_primary = is_primary


def delete_connection(session: Session, caller: Caller, connection_id: UUID) -> None:
    """Raises `NoSuchCalendarConnection`."""
    connection_rows.deactivate(session, caller, _mine(session, caller, connection_id, to_change=True))


def ask_for_sync(session: Session, caller: Caller, connection_id: UUID) -> CalendarConnectionRead:
    """Have it synced as soon as a worker is free, and what could not be written tried again.

    Raises `NoSuchCalendarConnection`, `Reconnect`.
    """
    row = _mine(session, caller, connection_id, to_change=True)
    if row.status is CalendarStatus.EXPIRED:
        raise Reconnect("This connection has expired; connect the calendar again.")
    row.next_sync_at, row.updated_at = now(), now()
    again = update(CalendarEvent).where(CalendarEvent.connection_id == row.id, *_IS_GIVEN_UP)
    session.execute(again.values(due_at=now(), attempts=0))
    outbox.announce(session, SchedulingEvent.CALENDAR_CHANGED, connection_id=row.id)
    return _shown(row, {})


def _mine(session: Session, caller: Caller, connection_id: UUID, *, to_change: bool = False) -> CalendarConnection:
    query = select(CalendarConnection).where(CalendarConnection.id == connection_id, CalendarConnection.user_id == ownership.person(caller))
    connection = session.scalars(query.with_for_update() if to_change else query).one_or_none()
    if connection is None:
        raise NoSuchCalendarConnection
    return connection


def _detail(
    row: CalendarConnection, connected_calendars: Sequence[ConnectedCalendar], given_up: dict[UUID, int]
) -> CalendarConnectionDetailRead:
    shown = _shown(row, given_up).model_dump()
    return CalendarConnectionDetailRead(
        **shown, calendars=[ConnectedCalendarRead.model_validate(calendar) for calendar in connected_calendars]
    )


def _shown(row: CalendarConnection, given_up: dict[UUID, int]) -> CalendarConnectionRead:
    return CalendarConnectionRead.model_validate(row).model_copy(update={"unwritten_events": given_up.get(row.id, 0)})


def _given_up(session: Session, ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many events of each connection nobody tries to write any more. One statement."""
    event = CalendarEvent
    counted = select(event.connection_id, func.count()).where(event.connection_id.in_(ids), *_IS_GIVEN_UP).group_by(event.connection_id)
    return {row[0]: row[1] for row in session.execute(counted)}
