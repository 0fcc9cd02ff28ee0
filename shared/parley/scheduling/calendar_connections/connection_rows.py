"""Calendar connections: a person's accounts at providers of calendars, and which of their calendars count."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from parley.calendar_providers.provider_protocol import ProviderCalendar
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence.column_encryption import seal_all
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, Unprocessable
from parley.kernel.values.ids import new_id
from parley.scheduling.declared import SchedulingAction
from parley.scheduling.tables.calendar_models import (
    BusyTime,
    CalendarConnection,
    CalendarEvent,
    CalendarMethod,
    CalendarProvider,
    CalendarStatus,
    ConnectedCalendar,
)


class TooManyConnections(Conflict):
    """A person has as many as there is room for."""


class NoCalendars(Unprocessable):
    """The account has no calendar."""

    def __init__(self) -> None:
        super().__init__("This account shows no calendar.")


@dataclass(frozen=True, slots=True)
class AuthorizedAccount:
    """An account that was let into. Of the secrets those that its method has: `secret` a password (CALDAV) or the address (ICS)."""

    provider: CalendarProvider
    method: CalendarMethod
    account_id: str
    account_name: str
    calendars: Sequence[ProviderCalendar]
    server_url: str | None = None
    username: str | None = None
    secret: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    scopes: Sequence[str] = ()


def connect(
    session: Session, caller: Caller, user_id: UUID, account: AuthorizedAccount, *, most: int
) -> tuple[CalendarConnection, list[ConnectedCalendar]]:
    """Keep a person's account, its secrets sealed; one that they had connected before is renewed, with the calendars chosen as they were.

    One that was taken away comes back without its choices: what was written into it is known again. They have `most` at most.
    The first one that can be written to is their primary one. The next sweep syncs it.
    Raises `NoCalendars`, `TooManyConnections`.
    """
    if not account.calendars:
        raise NoCalendars
    row, others = _row(session, user_id, account)
    is_known, is_new = row is not None, row is None or row.deleted_at is not None
    if is_new and len(others) >= most:
        raise TooManyConnections(f"You have {most} calendar connections; take one away first.")
    if row is None:
        row = CalendarConnection(
            organization_id=caller.organization_id,
            user_id=user_id,
            provider=account.provider,
            method=account.method,
            provider_account_id=account.account_id,
            account_name=account.account_name,
        )
        row.id, row.is_primary, row.token_version, row.unclear_events = new_id(), False, 0, 0
    if is_new:
        row.deleted_at = row.last_sync_at = None
    _renew(session, row, account)
    kept = _kept(session, row, calendars_of(session, row.id) if is_known else [], account.calendars)
    _target(row, account.calendars, has_other_primary=any(other.is_primary for other in others))
    if is_known:  # what could not be written meanwhile
        session.execute(update(CalendarEvent).where(CalendarEvent.connection_id == row.id).values(due_at=now(), attempts=0))
    session.add(row)
    new = {"provider": row.provider.value, "status": row.status.value}
    action = SchedulingAction.CALENDAR_CONNECTION_CREATED if is_new else SchedulingAction.CALENDAR_CONNECTION_UPDATED
    audit.record(session, caller, action, row, new=new)
    return row, kept


def _renew(session: Session, row: CalendarConnection, account: AuthorizedAccount) -> None:
    """What is known of the account now; whatever was wrong with it before is over."""
    row.method, row.account_name, row.server_url, row.username = account.method, account.account_name, account.server_url, account.username
    columns = (CalendarConnection.secret, CalendarConnection.access_token, CalendarConnection.refresh_token)
    seal_all(session, row, {column: secret for column in columns if (secret := getattr(account, column.key)) is not None})
    row.expires_at, row.scopes = account.expires_at, list(account.scopes)
    row.token_version, row.refreshing_until = row.token_version + 1, None
    row.status, row.error_code, row.error_message, row.failing_since, row.failures = CalendarStatus.ACTIVE, None, None, None, 0
    row.notified_at, row.next_sync_at, row.leased_until, row.updated_at = None, now(), None, now()


def _row(session: Session, user_id: UUID, account: AuthorizedAccount) -> tuple[CalendarConnection | None, list[CalendarConnection]]:
    """The connection of that account, if there is or was one, and the person's others."""
    query = select(CalendarConnection).where(CalendarConnection.user_id == user_id).order_by(CalendarConnection.id.desc()).with_for_update()
    every = session.scalars(query, execution_options={"with_deleted": True}).all()
    same = [
        connection
        for connection in every
        if (connection.provider, connection.provider_account_id) == (account.provider, account.account_id)
    ]
    same.sort(key=lambda connection: connection.deleted_at is not None)
    return (same[0] if same else None), [connection for connection in every if connection not in same and connection.deleted_at is None]


def store_calendars(session: Session, row: CalendarConnection, calendars: Sequence[ProviderCalendar]) -> None:
    """The calendars that the account has now: new ones as the provider proposes them, those that are gone go with what they kept busy."""
    _kept(session, row, calendars_of(session, row.id), calendars)


def _kept(
    session: Session, row: CalendarConnection, connected_calendars: Sequence[ConnectedCalendar], calendars: Sequence[ProviderCalendar]
) -> list[ConnectedCalendar]:
    """In the order of their names."""
    by_id, kept = {connected_calendar.calendar_id: connected_calendar for connected_calendar in connected_calendars}, []
    for calendar in calendars:
        connected_calendar = by_id.pop(calendar.id, None)
        if connected_calendar is None:
            connected_calendar = ConnectedCalendar(connection_id=row.id, calendar_id=calendar.id, is_busy=calendar.counts)
            connected_calendar.synced_from = connected_calendar.synced_until = None
            connected_calendar.unclear_event_ids = []
            session.add(connected_calendar)
        connected_calendar.name, connected_calendar.timezone, connected_calendar.is_writable = (
            calendar.name,
            calendar.timezone,
            calendar.is_writable,
        )
        kept.append(connected_calendar)
    for leftover in by_id.values():
        session.delete(leftover)
    return sorted(kept, key=lambda connected_calendar: connected_calendar.name)


def calendars_of(session: Session, connection_id: UUID) -> Sequence[ConnectedCalendar]:
    """In the order of their names."""
    ordered = select(ConnectedCalendar).order_by(ConnectedCalendar.name, ConnectedCalendar.id)
    return session.scalars(ordered.where(ConnectedCalendar.connection_id == connection_id)).all()


def choose_target(session: Session, row: CalendarConnection, calendars: Sequence[ProviderCalendar]) -> None:
    """Where bookings are written: the calendar chosen before, where it is still there, else the account's usual one."""
    other = select(CalendarConnection.id).where(
        CalendarConnection.user_id == row.user_id, CalendarConnection.is_primary, CalendarConnection.id != row.id
    )
    with session.no_autoflush:
        _target(row, calendars, has_other_primary=session.scalar(other) is not None)


def _target(row: CalendarConnection, calendars: Sequence[ProviderCalendar], *, has_other_primary: bool) -> None:
    writable = sorted((calendar for calendar in calendars if calendar.is_writable), key=lambda calendar: not calendar.is_usual)
    if row.calendar_id not in {calendar.id for calendar in writable}:
        row.calendar_id, row.calendar_name = (writable[0].id, writable[0].name) if writable else (None, None)
    row.is_primary = row.calendar_id is not None and not has_other_primary


def deactivate(session: Session, caller: Caller, row: CalendarConnection) -> None:
    """Forget its secrets and what its calendars keep busy. What was written into them stays there, and is known if it is connected again.

    Where it was the primary one, the next that can be written to is.
    """
    was_primary, at = row.is_primary, now()
    row.status, row.deleted_at, row.is_primary, row.updated_at = CalendarStatus.DISCONNECTED, at, False, at
    row.secret = row.access_token = row.refresh_token = row.next_sync_at = row.leased_until = row.refreshing_until = None
    session.flush()
    session.execute(delete(BusyTime).where(BusyTime.connection_id == row.id))
    session.execute(delete(ConnectedCalendar).where(ConnectedCalendar.connection_id == row.id))
    audit.record(session, caller, SchedulingAction.CALENDAR_CONNECTION_DELETED, row)
    if was_primary:
        others = select(CalendarConnection).where(CalendarConnection.user_id == row.user_id, CalendarConnection.calendar_id.is_not(None))
        if (other := session.scalars(others.order_by(CalendarConnection.id).limit(1)).one_or_none()) is not None:
            other.is_primary = True
