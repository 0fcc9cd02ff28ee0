"""What stands against starts of an offer: bookings, holds, busy times of calendars, limits. One statement, however many hosts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, case, func, literal, literal_column, not_, or_, select, true, union_all
from sqlalchemy.dialects.postgresql import TIMESTAMP, Range
from sqlalchemy.orm import Session

from parley.identity.models import OrganizationMember
from parley.kernel.values.clock import now
from parley.scheduling.availability.availability_rules import DAY, to_datetime, to_instant, within_calendar
from parley.scheduling.availability.inputs import BookableEventType
from parley.scheduling.availability.live_busy_times import LiveBusyTimes
from parley.scheduling.availability.slot_calculation import GroupSession as Seats
from parley.scheduling.availability.slot_calculation import Host, Interval, busy_span, limit_span
from parley.scheduling.tables.booking_models import Booking, BookingHost, Hold
from parley.scheduling.tables.calendar_models import BusyTime, CalendarConnection, CalendarStatus, ConnectedCalendar
from parley.scheduling.tables.enums import HOLDING_STATUSES, EventTypeKind
from parley.scheduling.tables.event_type_models import EventType
from parley.scheduling.tables.round_robin_models import RoundRobinAssignment

LONGEST_BELIEVED = timedelta(days=30)
"""So long after a calendar was last read it is believed to be as it was."""
_BUSY, _SEAT, _COUNTED, _TURN, _PLACE, _LIVE, _MEMBER, _KEPT, _UNPROVEN = range(9)
_MINE, _OF_EVENT_TYPE = 1, 2


@dataclass(frozen=True, slots=True)
class Conflicts:
    """What stands against some starts of an offer.

    `busy` is by host; `seats` of a GROUP with their number (0: only held); `counted` are starts that count towards limits; `turns` are
    each host's count and last assignment, for who books, and `positions` their places in the pool, those who are away among them; `live`
    are hosts whose calendars can be asked anew; `members` are hosts who belong to the organization, each with the last change of the event
    type, asked after the locks.
    """

    busy: dict[UUID, list[Interval]] = field(default_factory=dict)
    seats: list[tuple[Seats, int]] = field(default_factory=list)
    counted: list[datetime] = field(default_factory=list)
    turns: dict[UUID, tuple[int, datetime | None]] = field(default_factory=dict)
    positions: dict[UUID, int] = field(default_factory=dict)
    live: set[UUID] = field(default_factory=set)
    members: dict[UUID, datetime] = field(default_factory=dict)
    kept: dict[UUID, list[Interval]] = field(default_factory=dict)
    """What of `busy` holds keep."""
    unproven: dict[UUID, "UnprovenBooking"] = field(default_factory=dict)
    """Strangers' bookings whose address nobody proved, by id: asked for by who books so (`network`)."""

    def is_of(self, offer: BookableEventType) -> bool:
        """Whether the offer, which was read before the locks were taken, is still as it was."""
        changed = offer.event_type.updated_at
        return all(self.members.get(host_schedule.user_id) == changed for host_schedule in offer.places)

    def hosts(self, offer: BookableEventType) -> list[Host]:
        return [
            Host(host_schedule.user_id, host_schedule.hours, self.busy.get(host_schedule.user_id, ())) for host_schedule in offer.places
        ]

    @property
    def sessions(self) -> list[Seats]:
        return [seat for seat, _ in self.seats]

    def without_holds(self) -> "Conflicts":
        """As if nobody held anything."""
        busy = {host: [seat for seat in times if seat not in self.kept.get(host, ())] for host, times in self.busy.items()}
        return replace(self, busy=busy, seats=[hold for hold in self.seats if hold[1]], kept={})


class UnprovenBooking(NamedTuple):
    """A booking of these hosts, or of this event type, without a proof of the address."""

    start: datetime
    is_of_network: bool
    is_of_event_type: bool


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What is not in the way of who asks: the booking that is being moved, and a hold of their own (the hash of its token)."""

    booking_id: UUID | None = None
    hold: str | None = None


def load_conflicts(
    session: Session,
    offer: BookableEventType,
    from_: datetime,
    to: datetime,
    aside: Exclusions = Exclusions(),
    *,
    to_book: bool = False,
    fresh: LiveBusyTimes | None = None,
    network: str | None = None,
) -> Conflicts:
    """What stands against starts in `[from_, to)`. One statement, however many hosts. `to_book` asks for the turns of the pool as well, and
    whether the offer is still as it was. `network` is that of a stranger who proves no address: such bookings are told apart.

    What is in `fresh` counts instead of what is stored of those connections; before anybody was asked, it is told who can be.
    """
    parts = _against(offer, from_, to, aside, fresh)
    if to_book:
        parts += [_members(offer), *(_turns(offer.event_type.pool_id) if offer.event_type.pool_id is not None else ())]
    if network is not None:
        parts.append(_unproven(offer, limit_span(offer.timezone, from_, to), network))
    if fresh is not None and not fresh.is_asked:
        parts.append(_live(offer))
    conflicts = _sorted(offer, session.execute(union_all(*parts)))
    for host_id, times in fresh.busy.items() if fresh is not None else ():
        conflicts.busy.setdefault(host_id, []).extend(times)
    return conflicts


def load_conflicts_of_each(session: Session, wanted: Sequence[tuple[BookableEventType, datetime, datetime]]) -> list[Conflicts]:
    """The same for several offers, each with its range. One statement for all."""
    parts = [part.add_columns(literal(at)) for at, window in enumerate(wanted) for part in _against(*window, Exclusions())]
    rows: list[list[Any]] = [[] for _ in wanted]
    for *row, at in session.execute(union_all(*parts)) if parts else ():
        rows[at].append(row)
    return [_sorted(window[0], its) for window, its in zip(wanted, rows, strict=True)]


def _against(
    offer: BookableEventType, from_: datetime, to: datetime, aside: Exclusions, fresh: LiveBusyTimes | None = None
) -> list[Select[Any]]:
    span, ids = busy_span(offer.terms, from_, to), [host_schedule.user_id for host_schedule in offer.places]
    parts = [_bookings(offer, ids, span, aside), _holds(offer, span, aside), _connected(ids, span, fresh), *_unknown(ids, span, fresh)]
    if offer.terms.max_per_day is not None or offer.terms.max_per_week is not None:
        parts.append(_counted(offer, limit_span(offer.timezone, from_, to), aside))
    return parts


def _sorted(offer: BookableEventType, rows: Iterable[Any]) -> Conflicts:
    conflicts = Conflicts()
    hosts = {host_schedule.user_id for host_schedule in offer.places}
    for what, host_id, start, end, begins, number in rows:
        if what == _COUNTED:
            conflicts.counted.append(begins)
        elif what == _TURN:
            conflicts.turns[host_id] = number, begins
        elif what == _PLACE:
            conflicts.positions[host_id] = number
        elif what == _SEAT:
            conflicts.seats.append((Seats(begins, (start, end)), number))
        elif what == _LIVE:
            conflicts.live.add(host_id)
        elif what == _UNPROVEN:
            conflicts.unproven[host_id] = UnprovenBooking(begins, bool(number & _MINE), bool(number & _OF_EVENT_TYPE))
        elif what == _MEMBER:
            conflicts.members[host_id] = begins
        elif host_id in hosts:
            for times in (conflicts.busy, conflicts.kept) if what == _KEPT else (conflicts.busy,):
                times.setdefault(host_id, []).append((start, end))
    return conflicts


_NEVER: ColumnElement[datetime] = literal_column("NULL::timestamptz")
_NOBODY: ColumnElement[UUID] = literal_column("NULL::uuid")
_NO_NUMBER: ColumnElement[int] = literal_column("0", Integer)


def _bookings(offer: BookableEventType, ids: Sequence[UUID], span: Interval, aside: Exclusions) -> Select[Any]:
    is_group = offer.event_type.kind is EventTypeKind.GROUP
    what: Any = case((Booking.event_type_id == offer.event_type.id, _SEAT), else_=_BUSY) if is_group else literal(_BUSY)
    held = BookingHost.held
    statement: Select[Any] = select(
        what, BookingHost.host_id, func.lower(held), func.upper(held), BookingHost.start_time, BookingHost.seat
    ).where(BookingHost.host_id.in_(ids), BookingHost.status.in_(HOLDING_STATUSES), held.overlaps(Range(*span)), _beginning(span))
    if is_group:
        statement = statement.join(Booking, Booking.id == BookingHost.booking_id)
    return statement.where(BookingHost.booking_id != aside.booking_id) if aside.booking_id else statement


def _beginning(span: Interval) -> ColumnElement[bool]:
    """When what overlaps the span begins, at the earliest and the latest: lengths and buffers have their limits. By that the index finds
    it; under a policy it can't by `&&`, which PostgreSQL does not call leakproof (decision 29).
    """
    first, last = (within_calendar(to_instant(moment)) for moment in span)
    earliest, latest = to_datetime(within_calendar(first - 2 * DAY)), to_datetime(within_calendar(last + DAY))
    return BookingHost.start_time.between(earliest, latest)


def _holds(offer: BookableEventType, span: Interval, aside: Exclusions) -> Select[Any]:
    is_group = offer.event_type.kind is EventTypeKind.GROUP
    what: Any = case((Hold.event_type_id == offer.event_type.id, _SEAT), else_=_KEPT) if is_group else literal(_KEPT)
    statement: Select[Any] = select(
        what, func.unnest(Hold.host_ids), func.lower(Hold.held), func.upper(Hold.held), Hold.start_time, _NO_NUMBER
    ).where(Hold.expires_at > now(), Hold.held.overlaps(Range(*span)))
    return statement.where(Hold.token_hash != aside.hold) if aside.hold else statement


def _connected(ids: Sequence[UUID], span: Interval, fresh: LiveBusyTimes | None) -> Select[Any]:
    """What is known of hosts' calendars."""
    during = BusyTime.during
    statement: Select[Any] = select(literal(_BUSY), BusyTime.user_id, func.lower(during), func.upper(during), _NEVER, _NO_NUMBER).where(
        BusyTime.user_id.in_(ids), during.overlaps(Range(*span))
    )
    if fresh is None or not fresh.connections:
        return statement
    was_asked = during.overlaps(Range(*fresh.during)) if fresh.during is not None else true()
    return statement.where(not_(BusyTime.connection_id.in_(fresh.connections) & was_asked))


def _unknown(ids: Sequence[UUID], span: Interval, fresh: LiveBusyTimes | None) -> list[Select[Any]]:
    """When nobody knows whether a host's calendar is free, they are busy: before it was read, beyond what was read, and once that is too
    long ago. Who is about to be asked is not in doubt yet, who has answered not any more: `fresh.during`, and around it as before.
    """
    connection, calendar, zoned = CalendarConnection, ConnectedCalendar, TIMESTAMP(timezone=True)
    since, until = literal(span[0], zoned), literal(span[1], zoned)
    is_old = connection.last_sync_at < now() - LONGEST_BELIEVED
    begins = case((or_(calendar.synced_until.is_(None), is_old), since), else_=func.greatest(calendar.synced_until, since))

    def between(first: ColumnElement[datetime], last: ColumnElement[datetime]) -> Select[Any]:
        statement: Select[Any] = select(literal(_BUSY), connection.user_id, first, last, _NEVER, _NO_NUMBER)  # type: ignore[assignment]  # six types
        statement = statement.join(calendar, calendar.connection_id == connection.id)
        return statement.where(
            connection.user_id.in_(ids), connection.status != CalendarStatus.DISCONNECTED, calendar.is_busy, first < last
        )

    if fresh is not None and not fresh.is_asked:
        return [between(begins, until).where(connection.status != CalendarStatus.ACTIVE)]
    if fresh is None or not fresh.connections:
        return [between(begins, until)]
    parts = [between(begins, until).where(connection.id.not_in(fresh.connections))]
    if fresh.during is not None:
        asked_from, asked_to = (literal(moment, zoned) for moment in fresh.during)
        around = between(begins, func.least(asked_from, until)), between(func.greatest(begins, asked_to), until)
        parts += [part.where(connection.id.in_(fresh.connections)) for part in around]
    return parts


def _live(offer: BookableEventType) -> Select[Any]:
    connection = CalendarConnection
    live: Select[Any] = select(literal(_LIVE), connection.user_id, _NEVER, _NEVER, _NEVER, _NO_NUMBER)  # type: ignore[assignment]  # six types
    return live.where(
        connection.user_id.in_([host_schedule.user_id for host_schedule in offer.places]), connection.status == CalendarStatus.ACTIVE
    )


def _members(offer: BookableEventType) -> Select[Any]:
    member, ids = OrganizationMember, [host_schedule.user_id for host_schedule in offer.places]
    query: Select[Any] = select(literal(_MEMBER), member.user_id, _NEVER, _NEVER, EventType.updated_at, _NO_NUMBER)  # type: ignore[assignment]  # six types
    return query.join(EventType, EventType.id == offer.event_type.id).where(member.user_id.in_(ids), member.deactivated_at.is_(None))


def _counted(offer: BookableEventType, span: Interval, aside: Exclusions) -> Select[Any]:
    """Bookings alone: a hold takes nothing from what a day or a week has for others."""
    booked: Any = select(literal(_COUNTED), _NOBODY, _NEVER, _NEVER, Booking.start_time, _NO_NUMBER).where(
        Booking.event_type_id == offer.event_type.id,
        Booking.status.in_(HOLDING_STATUSES),
        Booking.start_time >= span[0],
        Booking.start_time < span[1],
    )
    if aside.booking_id:
        booked = booked.where(Booking.id != aside.booking_id)
    return booked  # type: ignore[no-any-return]  # six types


def _unproven(offer: BookableEventType, span: Interval, network: str) -> Select[Any]:
    """Of the weeks around: limits count by weeks, and the day lies within."""
    is_mine = case((Booking.unproven_network == network, _MINE), else_=0)
    number = is_mine + case((Booking.event_type_id == offer.event_type.id, _OF_EVENT_TYPE), else_=0)
    unproven: Any = select(literal(_UNPROVEN), BookingHost.booking_id, _NEVER, _NEVER, BookingHost.start_time, number)
    return unproven.join(Booking, Booking.id == BookingHost.booking_id).where(  # type: ignore[no-any-return]  # six types
        BookingHost.host_id.in_([host_schedule.user_id for host_schedule in offer.places]),
        BookingHost.status.in_(HOLDING_STATUSES),
        BookingHost.start_time >= span[0],
        BookingHost.start_time < span[1],
        Booking.unproven_network.is_not(None),
    )


def _turns(pool_id: UUID) -> list[Select[Any]]:
    """Asked after the locks are held: what the statement that waited for them had seen of the pool may be old."""
    assignment = RoundRobinAssignment
    turns: Any = select(literal(_TURN), assignment.user_id, _NEVER, _NEVER, assignment.last_assigned_at, assignment.assignment_count)
    places: Any = select(literal(_PLACE), assignment.user_id, _NEVER, _NEVER, _NEVER, assignment.position)
    return [part.where(assignment.pool_id == pool_id) for part in (turns, places)]
