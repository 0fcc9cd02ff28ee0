"""Writes bookings into their hosts' calendars: what a calendar should show is worked out anew each time, so that events may come twice,
late, or in any order. The rows are the queue; messages only wake.

Of two who would write one event, one does, under a lease; before it lets go it looks whether there is more to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.calendar_providers.provider_protocol import (
    Account,
    BookingEvent,
    DeleteEvent,
    EmptyResult,
    ProviderError,
    ProviderErrorCode,
    WriteEvent,
    WriteResult,
)
from parley.identity.models import OrganizationMember, User
from parley.kernel.access.callers import Caller
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.scheduling.calendar_connections import connection_health, connection_tokens
from parley.scheduling.calendar_connections.provider_calls import ask
from parley.scheduling.calendars.event_contents import EventSubject, digest, event, event_id, subject, subjects
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.calendar_models import ONE_EVENT, BusyTime, CalendarConnection, CalendarEvent, CalendarStatus

GIVES_UP_AFTER = 20
UNKNOWN = ""
"""Instead of a digest: somebody has begun to write it, and has not said how that ended."""
_LEASE = timedelta(minutes=2)
_ASKING_SECONDS = 15.0
_MOST_TURNS = 5


@dataclass(frozen=True, slots=True)
class EventWrite:
    """What is to be done with one event: written, or (None) taken out."""

    calendar_id: str
    event: BookingEvent | None
    event_id: str
    connection_id: UUID


def note(caller: Caller, booking_id: UUID) -> list[UUID]:
    """Put down which calendars are to be looked at because a booking changed. Returns the rows."""
    with transaction(caller) as session:
        return [row for event_subject in subjects(session, booking_id) for row in _noted(session, event_subject)]


def _noted(session: Session, event_subject: EventSubject) -> Sequence[UUID]:
    at = now()
    query = select(CalendarEvent.id, CalendarConnection.user_id).join(
        CalendarConnection, CalendarConnection.id == CalendarEvent.connection_id
    )
    rows = session.execute(query.where(CalendarEvent.subject_id == event_subject.id)).all()
    missing = event_subject.hosts - {user_id for _, user_id in rows}
    made = _primaries(session, missing) if missing else []
    for connection in made:
        # Two messages may come to it at once.
        values: dict[str, Any] = {
            "organization_id": connection.organization_id,
            "id": new_id(),
            "connection_id": connection.id,
            "subject_id": event_subject.id,
        }
        values |= {
            "subject_id": event_subject.id,
            "booking_id": event_subject.booking_id,
            "calendar_id": connection.calendar_id,
            "attempts": 0,
            "created_at": at,
            "updated_at": at,
        }
        session.execute(insert(CalendarEvent).values(**values).on_conflict_do_nothing(constraint=ONE_EVENT))
    if not rows and not made:
        return []
    due = (
        update(CalendarEvent)
        .where(CalendarEvent.subject_id == event_subject.id)
        .values(due_at=at, booking_id=event_subject.booking_id, attempts=0)
    )
    return session.scalars(due.returning(CalendarEvent.id)).all()


def _primaries(session: Session, hosts: frozenset[UUID]) -> Sequence[CalendarConnection]:
    primary = select(CalendarConnection).join(OrganizationMember, OrganizationMember.user_id == CalendarConnection.user_id)
    chosen = primary.where(CalendarConnection.user_id.in_(hosts), CalendarConnection.is_primary)
    return session.scalars(chosen.where(CalendarConnection.calendar_id.is_not(None))).all()


def write_event(caller: Caller, row_id: UUID) -> None:
    """Bring one event up to date. What fails is put off; nothing is raised for it. No lock is held while the provider is asked."""
    for _ in range(_MOST_TURNS):
        with transaction(caller) as session:
            turn = _taken(session, row_id)
        if turn is None or not _done(caller, row_id, turn):
            return


def _taken(session: Session, row_id: UUID) -> EventWrite | None:
    """The lease, and what is to be done; None when there is nothing, or somebody else does it."""
    row = _locked(session, row_id)
    if row is None or (row.leased_until is not None and row.leased_until > now()):
        return None
    connection_row = session.execute(
        select(CalendarConnection, User).join(User, User.id == CalendarConnection.user_id).where(CalendarConnection.id == row.connection_id)
    ).one_or_none()
    if connection_row is None:  # taken away: connecting it again makes it due
        row.due_at = None
        return None
    connection, host = connection_row
    event_subject = subject(session, row.booking_id)
    wanted = event(session, event_subject, row, host) if event_subject is not None else None
    is_settled = (row.written is None) if wanted is None else row.written == digest(wanted)
    if is_settled:
        row.due_at = row.error_code = None
        if wanted is None:
            session.delete(row)
        return None
    if connection.status is CalendarStatus.EXPIRED:  # connecting it again makes it due
        row.due_at, row.error_code = None, ProviderErrorCode.UNAUTHORIZED.value
        return None
    row.leased_until, row.due_at = now() + _LEASE, now() + _LEASE
    if wanted is not None and row.written is None:
        row.written = UNKNOWN
    return EventWrite(row.calendar_id, wanted, row.provider_event_id or event_id(row), connection.id)


def _locked(session: Session, row_id: UUID) -> CalendarEvent | None:
    return session.scalars(select(CalendarEvent).where(CalendarEvent.id == row_id).with_for_update()).one_or_none()


def _done(caller: Caller, row_id: UUID, turn: EventWrite) -> bool:
    """Whether there may be more to do."""
    try:
        written = _asked(caller, turn)
    except ProviderError as met:
        with transaction(caller) as session:
            _put_off(session, row_id, met)
        if met.code is ProviderErrorCode.UNAUTHORIZED:
            with transaction(caller) as session:
                _blame(session, caller, turn.connection_id, met)
        return False
    with transaction(caller) as session:
        row = _locked(session, row_id)
        if row is None:
            return False
        row.leased_until, row.attempts, row.error_code = None, 0, None
        if turn.event is None:
            row.provider_event_id = row.written = None
        else:
            row.provider_event_id, row.written = written, digest(turn.event)
        _recorded(session, row)
    return True


def _recorded(session: Session, row: CalendarEvent) -> None:
    """The booking says where it is, and what a sync has seen of the event before we knew its id keeps nobody's time."""
    if row.provider_event_id is not None:
        seen = (BusyTime.connection_id == row.connection_id) & (BusyTime.event_id == row.provider_event_id)
        session.execute(delete(BusyTime).where(seen))
    host = select(CalendarConnection.user_id).where(CalendarConnection.id == row.connection_id).scalar_subquery()
    statement = update(Booking).where(Booking.calendar_uid == row.subject_id, Booking.host_id == host)
    session.execute(statement.values(calendar_event_id=row.provider_event_id, updated_at=Booking.updated_at))


def _asked(caller: Caller, turn: EventWrite) -> str | None:
    """The provider's id of what was written. Raises `ProviderError`."""

    def work(account: Account) -> str | None:
        if turn.event is not None:
            return ask(account, WriteEvent(calendar_id=turn.calendar_id, event=turn.event), WriteResult, _ASKING_SECONDS).event_id
        ask(account, DeleteEvent(calendar_id=turn.calendar_id, event_id=turn.event_id), EmptyResult, _ASKING_SECONDS)
        return None

    return connection_tokens.with_access(caller, turn.connection_id, _ASKING_SECONDS, work)


def _put_off(session: Session, row_id: UUID, met: ProviderError) -> None:
    row = _locked(session, row_id)
    if row is None:
        return
    row.leased_until, row.attempts, row.error_code = None, row.attempts + 1, met.code.value
    is_over = row.attempts >= GIVES_UP_AFTER or met.code in (ProviderErrorCode.REFUSED, ProviderErrorCode.UNAUTHORIZED)
    row.due_at = None if is_over else now() + connection_health.retry_delay(row.attempts, met.trouble.retry_after)


def _blame(session: Session, caller: Caller, connection_id: UUID, met: ProviderError) -> None:
    chosen = select(CalendarConnection).where(CalendarConnection.id == connection_id).with_for_update()
    connection = session.scalars(chosen).one_or_none()
    if connection is not None:
        connection_health.note_failure(session, caller, connection, met)
