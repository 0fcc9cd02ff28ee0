"""Bookings in numbers: lists with filters, as JSON and as CSV, and counts for a dashboard."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, extract, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import pagination
from parley.kernel.persistence.pagination import Page
from parley.kernel.values import clock
from parley.kernel.values.errors import Unprocessable
from parley.scheduling.bookings import booking_service
from parley.scheduling.bookings.schemas import (
    BookingCountsRead,
    BookingRead,
    EventTypeCountRead,
    HourCountRead,
    StatusCountRead,
    WeekdayCountRead,
)
from parley.scheduling.common import queries
from parley.scheduling.common.queries import BookingDetails
from parley.scheduling.declared import SchedulingAction
from parley.scheduling.tables.booking_models import Booking, BookingHost, Invitee
from parley.scheduling.tables.enums import BookingStatus, DayOfWeek
from parley.scheduling.tables.event_type_models import EventType

LONGEST_COUNT = timedelta(days=366)
_DAYS = tuple(DayOfWeek)


class CountRange(Unprocessable):
    """The range of a count is empty, runs backwards, or is too long."""


@dataclass(frozen=True, slots=True)
class BookingFilter:
    """Which bookings: those that fit every filter that is given. `from_` and `to` are of the start, `[from_, to)`."""

    host_id: UUID | None = None
    event_type_id: UUID | None = None
    team_id: UUID | None = None
    status: BookingStatus | None = None
    email: str | None = None
    from_: datetime | None = None
    to: datetime | None = None

    def narrow(self, statement: Select[Any], begins: InstrumentedAttribute[datetime]) -> Select[Any]:
        """The filters on a SELECT that has the bookings in it; `begins` is the start that the order goes by."""
        if self.event_type_id is not None:
            statement = statement.where(Booking.event_type_id == self.event_type_id)
        if self.team_id is not None:
            # The team's event types, the deleted ones among them: their bookings are there.
            query = select(EventType.__table__.c.id).where(EventType.__table__.c.team_id == self.team_id)
            statement = statement.where(Booking.event_type_id.in_(query))
        if self.status is not None:
            statement = statement.where(Booking.status == self.status)
        if self.email is not None:
            query = select(Invitee.id).where(Invitee.address == self.email.lower())
            statement = statement.where(Booking.invitee_id.in_(query))
        if self.from_ is not None:
            statement = statement.where(begins >= self.from_)
        return statement.where(begins < self.to) if self.to is not None else statement


def _page(
    session: Session, chosen: BookingFilter, cursor: str | None, limit: int, *, is_ascending: bool
) -> tuple[list[BookingDetails], str | None]:
    """Two queries. A host's bookings are found by what they hold of the host's time: their own index, however many others there are."""
    statement: Select[Any]
    keys: list[InstrumentedAttribute[Any]]
    if chosen.host_id is None:
        statement, keys = select(Booking), [Booking.start_time, Booking.id]
    else:
        statement = select(BookingHost).join(Booking, Booking.id == BookingHost.booking_id)
        statement, keys = statement.where(BookingHost.host_id == chosen.host_id), [BookingHost.start_time, BookingHost.booking_id]
    narrowed = chosen.narrow(statement, keys[0])
    rows, next_cursor = pagination.page(session, narrowed, keys, cursor=cursor, limit=limit, descending=not is_ascending)
    return queries.details_of_bookings(session, [getattr(row, keys[1].key) for row in rows]), next_cursor


def list_bookings(
    session: Session, chosen: BookingFilter, *, cursor: str | None, limit: int, is_ascending: bool = False
) -> Page[BookingRead]:
    """The organization's, latest start first unless asked otherwise, with their invitees."""
    bookings, next_cursor = _page(session, chosen, cursor, limit, is_ascending=is_ascending)
    return pagination.bounded_page([booking_service.read(details) for details in bookings], [Booking.start_time, Booking.id], next_cursor)


def export_bookings(session: Session, caller: Caller, chosen: BookingFilter, *, cursor: str | None, limit: int) -> tuple[str, str | None]:
    """The same as CSV (RFC 4180), and the cursor of the rest: of what is beyond `limit`, or does not fit into one answer. Three queries."""
    from parley.scheduling.bookings.bookings_csv import bookings_csv

    bookings, next_cursor = _page(session, chosen, cursor, limit, is_ascending=False)
    wanted = select(EventType.id, EventType.name).where(EventType.id.in_({details.booking.event_type_id for details in bookings}))
    names = {row.id: row.name for row in session.execute(wanted, execution_options={"with_deleted": True})} if bookings else {}
    sheet, shown = bookings_csv(bookings, names)
    if shown < len(bookings):
        last = bookings[shown - 1].booking
        next_cursor = pagination.cursor_after(last.start_time, last.id)
    audit.record(session, caller, SchedulingAction.BOOKING_EXPORTED, new={"bookings": shown})
    return sheet, next_cursor


def count_bookings(session: Session, chosen: BookingFilter, timezone: str) -> BookingCountsRead:
    """How many start in the range, by event type, status, hour and weekday of `timezone`. One query. Raises `CountRange`.

    The range ends now, and is of thirty days, unless something else is said.
    """
    to = chosen.to or clock.now()
    chosen = replace(chosen, from_=chosen.from_ or to - timedelta(days=30), to=to)
    if chosen.from_ is None or not timedelta() < to - chosen.from_ <= LONGEST_COUNT:
        raise CountRange(f"`to`, which is now where you name none, lies after `from`, by {LONGEST_COUNT.days} days at most.")
    local = func.timezone(timezone, Booking.start_time)
    inner: Any = select(
        Booking.event_type_id, Booking.status, extract("hour", local).label("hour"), extract("isodow", local).label("weekday")
    )
    begins: InstrumentedAttribute[datetime] = Booking.start_time
    if chosen.host_id is not None:
        inner = inner.join(BookingHost, BookingHost.booking_id == Booking.id).where(BookingHost.host_id == chosen.host_id)
        begins = BookingHost.start_time
    # Below: an expression with a parameter in it is not the same one twice, and could not be grouped by.
    fields = chosen.narrow(inner, begins).subquery().c
    columns = (fields.event_type_id, fields.status, fields.hour, fields.weekday)
    sets = func.grouping_sets(*(tuple_(column) for column in columns), tuple_())
    counts: dict[int, list[tuple[Any, ...]]] = {}
    for kind, *row in session.execute(select(func.grouping(*columns), *columns, func.count()).group_by(sets)):
        counts.setdefault(kind, []).append(tuple(row))

    def of(kind: int, column: int) -> list[tuple[Any, int]]:
        return sorted(((row[column], row[-1]) for row in counts.get(kind, ())), key=lambda pair: (-pair[1], str(pair[0])))

    return BookingCountsRead(
        timezone=timezone,
        total=counts[0b1111][0][-1] if 0b1111 in counts else 0,
        by_event_type=[EventTypeCountRead(event_type_id=value, count=number) for value, number in of(0b0111, 0)],
        by_status=[StatusCountRead(status=value, count=number) for value, number in of(0b1011, 1)],
        by_hour=[HourCountRead(hour=int(value), count=number) for value, number in sorted(of(0b1101, 2))],
        by_weekday=[WeekdayCountRead(weekday=_DAYS[int(value) - 1], count=number) for value, number in sorted(of(0b1110, 3))],
    )
