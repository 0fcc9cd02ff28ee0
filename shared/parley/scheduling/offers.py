"""What the availability of an event type is made of, as the database has it: two statements, for the list and for a booking alike."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, ScalarSelect, Select, Uuid, and_, case, func, literal, literal_column, select, union_all
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from parley.identity.models import Organization, OrganizationMember, User
from parley.kernel.clock import now
from parley.scheduling.availability import Host, Interval, Terms, busy_span, limit_span
from parley.scheduling.availability import Session as Seats
from parley.scheduling.brands import Brand
from parley.scheduling.calendars.known import Fresh
from parley.scheduling.calendars.models import BusyTime, CalendarConnection, CalendarStatus
from parley.scheduling.hours import DAY, Hours, Override, Window, to_datetime, to_instant, within_calendar
from parley.scheduling.kinds import HOLDING, AssignmentStrategy, DayOfWeek, EventTypeKind, OverrideType, QuestionType
from parley.scheduling.models import (
    AvailabilityOverride,
    AvailabilitySchedule,
    AvailabilitySlot,
    Booking,
    BookingHost,
    EventType,
    EventTypeHost,
    Hold,
    Question,
)
from parley.scheduling.pool_models import RoundRobinAssignment, RoundRobinPool

_WEEKDAYS = {day.value: at for at, day in enumerate(DayOfWeek)}
_BUSY, _SEAT, _COUNTED, _TURN, _PLACE, _LIVE, _KEPT = range(7)

Which = UUID | ScalarSelect[UUID]
"""An event type's id, or the question that finds it, to be asked in the same statement (`links.named`)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as a booking has to answer it."""

    id: UUID
    label: str
    type: QuestionType
    required: bool
    options: list[str]
    placeholder: str | None = None
    position: int = 0

    @classmethod
    def of(
        cls, position: int, question_id: str, label: str, kind: str, required: bool, options: list[str], placeholder: str | None
    ) -> "Asked":
        """From the columns as JSON gives them."""
        return cls(UUID(question_id), label, QuestionType(kind), required, options, placeholder, position)


@dataclass(frozen=True, slots=True)
class Place:
    """A host of an event type: hours, name, and place in the pool, where there is one."""

    user_id: UUID
    name: str | None
    hours: Hours
    weight: int
    priority: int


@dataclass(frozen=True, slots=True)
class Offer:
    """An event type that can be booked: its terms, its hosts in order, its questions in order; the zone in which days are counted."""

    event_type: EventType
    terms: Terms
    timezone: str
    brand: Brand
    places: list[Place]
    questions: list[Asked]
    strategy: AssignmentStrategy | None

    @property
    def organization_name(self) -> str:
        return self.brand.name


@dataclass(frozen=True, slots=True)
class Taken:
    """What stands against some starts of an offer.

    `busy` is by host, and `kept` what of that holds keep; `seats` of a GROUP with their number (0: only held); `counted` are starts that
    count towards limits; `turns` are each host's count and last assignment, for who books, and `positions` their places in the pool, those
    who are away among them; `live` are hosts whose calendars can be asked anew.
    """

    busy: dict[UUID, list[Interval]] = field(default_factory=dict)
    seats: list[tuple[Seats, int]] = field(default_factory=list)
    counted: list[datetime] = field(default_factory=list)
    turns: dict[UUID, tuple[int, datetime | None]] = field(default_factory=dict)
    positions: dict[UUID, int] = field(default_factory=dict)
    live: set[UUID] = field(default_factory=set)
    kept: dict[UUID, list[Interval]] = field(default_factory=dict)

    def hosts(self, offer: Offer) -> list[Host]:
        return [Host(place.user_id, place.hours, self.busy.get(place.user_id, ())) for place in offer.places]

    @property
    def sessions(self) -> list[Seats]:
        return [seat for seat, _ in self.seats]

    def without_holds(self) -> "Taken":
        """As if nobody held anything."""
        busy = {host: [one for one in times if one not in self.kept.get(host, ())] for host, times in self.busy.items()}
        return replace(self, busy=busy, seats=[one for one in self.seats if one[1]], kept={})


@dataclass(frozen=True, slots=True)
class Aside:
    """What is not in the way of who asks: the booking that is being moved, and a hold of their own (the hash of its token)."""

    booking_id: UUID | None = None
    hold: str | None = None


def _gathered(*columns: InstrumentedAttribute[Any], parent: InstrumentedAttribute[Any], of: Any) -> Any:
    """The rows below one row, as a list of lists in a column of its own, so that one statement brings them all. NULL for none."""
    return select(func.jsonb_agg(func.jsonb_build_array(*columns))).where(parent == of).scalar_subquery()


def _is_of(column: InstrumentedAttribute[UUID], ids: Sequence[Which]) -> ColumnElement[bool]:
    """An equation, where there is one: IN of a question would be a join, and look at every event type of the organization."""
    return column == ids[0] if len(ids) == 1 else column.in_(ids)


def _places(ids: Sequence[Which], name: str) -> Any:
    """Who the hosts of event types are, by kind: the one, those of the list, those of the pool."""
    alone = (EventTypeKind.ONE_ON_ONE, EventTypeKind.GROUP)
    none = literal_column("NULL", Uuid)
    position, weight, rank = literal(0).label("position"), literal(1).label("weight"), literal(0).label("rank")
    one = select(EventType.id.label("of"), EventType.user_id, EventType.schedule_id, position, weight, rank)
    listed = select(
        EventTypeHost.event_type_id, EventTypeHost.user_id, EventTypeHost.schedule_id, EventTypeHost.position, literal(1), literal(0)
    )
    place = RoundRobinAssignment
    pooled = select(EventType.id, place.user_id, none, place.position, place.weight, place.priority)
    return union_all(
        one.where(_is_of(EventType.id, ids), EventType.kind.in_(alone)),
        listed.where(_is_of(EventTypeHost.event_type_id, ids)),
        pooled.join(EventType, EventType.pool_id == place.pool_id).where(_is_of(EventType.id, ids)),
    ).subquery(name)


def _offering(ids: Sequence[Which]) -> Select[Any]:
    """A row for each host of an event type who still belongs to the organization."""
    places, all_places = _places(ids, "places"), _places(ids, "all_places")
    own, usual, kept = aliased(AvailabilitySchedule), aliased(AvailabilitySchedule), aliased(AvailabilitySchedule)
    # What `coalesce` says, which PostgreSQL does not take for leakproof: no index would be asked by it under a policy (decision 29).
    named = (places.c.schedule_id.is_not(None), places.c.schedule_id), (usual.id.is_not(None), usual.id)
    hours = case(*named, else_=EventType.schedule_id)
    asked = (Question.position, Question.id, Question.label, Question.type, Question.required, Question.options, Question.placeholder)
    slots = (AvailabilitySlot.day_of_week, AvailabilitySlot.start_time, AvailabilitySlot.end_time)
    dates = (AvailabilityOverride.date, AvailabilityOverride.type, AvailabilityOverride.start_time, AvailabilityOverride.end_time)
    return (
        select(
            EventType,
            own.timezone,
            func.jsonb_build_array(Organization.name, Organization.slug, Organization.logo_url, Organization.brand_color),
            RoundRobinPool.strategy,
            select(func.count()).where(all_places.c.of == EventType.id).correlate(EventType).scalar_subquery(),
            _gathered(*asked, parent=Question.event_type_id, of=EventType.id),
            places.c.user_id,
            places.c.position,
            places.c.weight,
            places.c.rank,
            User.name,
            kept.timezone,
            _gathered(*slots, parent=AvailabilitySlot.schedule_id, of=kept.id),
            _gathered(*dates, parent=AvailabilityOverride.schedule_id, of=kept.id),
        )
        .select_from(EventType)
        .join(places, places.c.of == EventType.id)
        .join(own, own.id == EventType.schedule_id)
        .outerjoin(usual, and_(usual.user_id == places.c.user_id, usual.is_default))
        .join(kept, kept.id == hours)
        .join(OrganizationMember, OrganizationMember.user_id == places.c.user_id)
        .join(User, User.id == places.c.user_id)
        .join(Organization, Organization.id == EventType.organization_id)
        .outerjoin(RoundRobinPool, RoundRobinPool.id == EventType.pool_id)
        .where(_is_of(EventType.id, ids), OrganizationMember.deactivated_at.is_(None))
        .order_by(places.c.user_id)
    )


def offer(session: Session, event_type_id: Which, *, to_book: bool = False, only_active: bool = True) -> Offer | None:
    """An event type whose hosts still belong to the organization: all of a COLLECTIVE, some of a pool. One statement.

    `to_book` locks the event type and the memberships of its hosts, in the order of their ids, until the transaction ends: who books the
    same host, or the same event type, waits here and then sees what the one before has booked. So limits and seats hold, and bookings that
    overlap do not wait for each other crosswise in the exclusion constraint. The locks let foreign keys pass (FOR NO KEY UPDATE).
    """
    statement = _offering([event_type_id])
    if only_active:
        statement = statement.where(EventType.is_active)
    if to_book:
        statement = statement.with_for_update(key_share=True, of=[EventType, OrganizationMember])
    return _whole(session.execute(statement).all())


def offers(session: Session, ids: Sequence[UUID]) -> dict[UUID, Offer]:
    """Those of several event types that are active and have hosts, by id. One statement."""
    rows: dict[UUID, list[Any]] = {}
    for row in session.execute(_offering(ids).where(EventType.is_active)) if ids else ():
        rows.setdefault(row[0].id, []).append(row)
    return {id_: found for id_, its in rows.items() if (found := _whole(its))}


def _whole(rows: Sequence[Any]) -> Offer | None:
    if not rows:
        return None
    row, timezone, organization, strategy, wanted, asked = rows[0][:6]
    if row.kind is EventTypeKind.COLLECTIVE and len(rows) < wanted:
        return None
    return Offer(
        row,
        terms(row),
        timezone,
        Brand(*organization),
        [_place(*found[6:]) for found in sorted(rows, key=lambda found: (found.position, found.user_id))],
        [Asked.of(*question) for question in sorted(asked or ())],
        strategy,
    )


def terms(row: EventType) -> Terms:
    return Terms(
        row.duration,
        row.slot_interval,
        row.buffer_before,
        row.buffer_after,
        row.min_notice,
        row.max_bookings_per_day,
        row.max_bookings_per_week,
        row.capacity,
        row.kind.value,
    )


def _minute(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


def _place(
    user_id: UUID, _position: int, weight: int, priority: int, name: str | None, timezone: str, slots: list[Any], dates: list[Any]
) -> Place:
    windows = tuple(Window(_WEEKDAYS[day], _minute(start), _minute(end)) for day, start, end in slots or ())
    return Place(user_id, name, Hours(timezone, windows, tuple(_exception(*one) for one in dates or ())), weight, priority)


def _exception(day: str, kind: str, start: str | None, end: str | None) -> Override:
    is_available = kind == OverrideType.AVAILABLE.value
    if start is None or end is None:
        return Override(date.fromisoformat(day), is_available)
    return Override(date.fromisoformat(day), is_available, _minute(start), _minute(end))


def taken(
    session: Session,
    offer: Offer,
    from_: datetime,
    to: datetime,
    aside: Aside = Aside(),
    *,
    to_book: bool = False,
    fresh: Fresh | None = None,
) -> Taken:
    """What stands against starts in `[from_, to)`. One statement, however many hosts. `to_book` asks for the turns of the pool as well.

    What is in `fresh` counts instead of what is stored of those connections; before anybody was asked, it is told who can be.
    """
    parts = _against(offer, from_, to, aside, fresh)
    if to_book and offer.event_type.pool_id is not None:
        parts += _turns(offer.event_type.pool_id)
    if fresh is not None and not fresh.is_asked:
        parts.append(_live(offer))
    found = _sorted(offer, session.execute(union_all(*parts)))
    for host_id, times in fresh.busy.items() if fresh is not None else ():
        found.busy.setdefault(host_id, []).extend(times)
    return found


def taken_of_each(session: Session, wanted: Sequence[tuple[Offer, datetime, datetime]]) -> list[Taken]:
    """The same for several offers, each with its range. One statement for all."""
    parts = [part.add_columns(literal(at)) for at, one in enumerate(wanted) for part in _against(*one, Aside())]
    rows: list[list[Any]] = [[] for _ in wanted]
    for *row, at in session.execute(union_all(*parts)) if parts else ():
        rows[at].append(row)
    return [_sorted(one[0], its) for one, its in zip(wanted, rows, strict=True)]


def _against(offer: Offer, from_: datetime, to: datetime, aside: Aside, fresh: Fresh | None = None) -> list[Select[Any]]:
    span, ids = busy_span(offer.terms, from_, to), [place.user_id for place in offer.places]
    parts = [_bookings(offer, ids, span, aside), _holds(offer, span, aside), _connected(ids, span, fresh)]
    if offer.terms.max_per_day is not None or offer.terms.max_per_week is not None:
        parts.append(_counted(offer, limit_span(offer.timezone, from_, to), aside))
    return parts


def _sorted(offer: Offer, rows: Iterable[Any]) -> Taken:
    found = Taken()
    hosts = {place.user_id for place in offer.places}
    for what, host_id, start, end, begins, number in rows:
        if what == _COUNTED:
            found.counted.append(begins)
        elif what == _TURN:
            found.turns[host_id] = number, begins
        elif what == _PLACE:
            found.positions[host_id] = number
        elif what == _SEAT:
            found.seats.append((Seats(begins, (start, end)), number))
        elif what == _LIVE:
            found.live.add(host_id)
        elif host_id in hosts:
            for times in (found.busy, found.kept) if what == _KEPT else (found.busy,):
                times.setdefault(host_id, []).append((start, end))
    return found


_NEVER: ColumnElement[datetime] = literal_column("NULL::timestamptz")
_NOBODY: ColumnElement[UUID] = literal_column("NULL::uuid")
_NO_NUMBER: ColumnElement[int] = literal_column("0", Integer)


def _bookings(offer: Offer, ids: Sequence[UUID], span: Interval, aside: Aside) -> Select[Any]:
    is_group = offer.event_type.kind is EventTypeKind.GROUP
    what: Any = case((Booking.event_type_id == offer.event_type.id, _SEAT), else_=_BUSY) if is_group else literal(_BUSY)
    held = BookingHost.held
    statement: Select[Any] = select(
        what, BookingHost.host_id, func.lower(held), func.upper(held), BookingHost.start_time, BookingHost.seat
    ).where(BookingHost.host_id.in_(ids), BookingHost.status.in_(HOLDING), held.overlaps(Range(*span)), _beginning(span))
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


def _holds(offer: Offer, span: Interval, aside: Aside) -> Select[Any]:
    is_group = offer.event_type.kind is EventTypeKind.GROUP
    what: Any = case((Hold.event_type_id == offer.event_type.id, _SEAT), else_=_KEPT) if is_group else literal(_KEPT)
    statement: Select[Any] = select(
        what, func.unnest(Hold.host_ids), func.lower(Hold.held), func.upper(Hold.held), Hold.start_time, _NO_NUMBER
    ).where(Hold.expires_at > now(), Hold.held.overlaps(Range(*span)))
    return statement.where(Hold.token_hash != aside.hold) if aside.hold else statement


def _connected(ids: Sequence[UUID], span: Interval, fresh: Fresh | None) -> Select[Any]:
    """What is known of hosts' calendars."""
    during = BusyTime.during
    statement: Select[Any] = select(literal(_BUSY), BusyTime.user_id, func.lower(during), func.upper(during), _NEVER, _NO_NUMBER).where(
        BusyTime.user_id.in_(ids), during.overlaps(Range(*span))
    )
    return statement.where(BusyTime.connection_id.not_in(fresh.connections)) if fresh is not None and fresh.connections else statement


def _live(offer: Offer) -> Select[Any]:
    one = CalendarConnection
    live: Select[Any] = select(literal(_LIVE), one.user_id, _NEVER, _NEVER, _NEVER, _NO_NUMBER)  # type: ignore[assignment]  # six types
    return live.where(one.user_id.in_([place.user_id for place in offer.places]), one.status == CalendarStatus.ACTIVE)


def _counted(offer: Offer, span: Interval, aside: Aside) -> Select[Any]:
    """Bookings alone: a hold takes nothing from what a day or a week has for others."""
    booked: Any = select(literal(_COUNTED), _NOBODY, _NEVER, _NEVER, Booking.start_time, _NO_NUMBER).where(
        Booking.event_type_id == offer.event_type.id,
        Booking.status.in_(HOLDING),
        Booking.start_time >= span[0],
        Booking.start_time < span[1],
    )
    if aside.booking_id:
        booked = booked.where(Booking.id != aside.booking_id)
    return booked  # type: ignore[no-any-return]  # six types


def _turns(pool_id: UUID) -> list[Select[Any]]:
    """Asked after the locks are held: what the statement that waited for them had seen of the pool may be old."""
    one = RoundRobinAssignment
    turns: Any = select(literal(_TURN), one.user_id, _NEVER, _NEVER, one.last_assigned_at, one.assignment_count)
    places: Any = select(literal(_PLACE), one.user_id, _NEVER, _NEVER, _NEVER, one.position)
    return [part.where(one.pool_id == pool_id) for part in (turns, places)]
