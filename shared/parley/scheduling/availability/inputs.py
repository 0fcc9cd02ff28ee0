"""What the availability of an event type is made of, as the database has it: two statements, for the list and for a booking alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Select, Uuid, and_, case, func, literal, literal_column, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from parley.identity.members import member_profiles
from parley.identity.models import Organization, OrganizationMember, User
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.errors import NotFound
from parley.scheduling.availability.availability_rules import Hours, Override, Window
from parley.scheduling.availability.booking_horizon import Horizon
from parley.scheduling.availability.slot_calculation import Terms, horizon_end
from parley.scheduling.common.branding import Brand
from parley.scheduling.tables.enums import AssignmentStrategy, DayOfWeek, EventTypeKind, OverrideType, QuestionType
from parley.scheduling.tables.event_type_models import EventType, EventTypeHost, Question
from parley.scheduling.tables.round_robin_models import RoundRobinAssignment, RoundRobinPool
from parley.scheduling.tables.schedule_models import AvailabilityOverride, AvailabilitySchedule, AvailabilitySlot

_WEEKDAYS = {day.value: at for at, day in enumerate(DayOfWeek)}
_OVERRIDES_COUNT = timedelta(days=400), timedelta(days=5 * 366)
"""So old and so far ahead the overrides of a date may be to count: before, for the grid of hours that go on without a pause since."""

EventTypeRef = UUID | ScalarSelect[UUID]
"""An event type's id, or the question that finds it, to be asked in the same statement (`slugs.event_type_by_slug`)."""


class NoSuchEventType(NotFound):
    """Absent, deleted, another organization's, or, for strangers, not active."""

    def __init__(self) -> None:
        super().__init__("There is no such event type.")


@dataclass(frozen=True, slots=True)
class BookingQuestion:
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
    ) -> "BookingQuestion":
        """From the columns as JSON gives them."""
        return cls(UUID(question_id), label, QuestionType(kind), required, options, placeholder, position)


@dataclass(frozen=True, slots=True)
class HostSchedule:
    """A host of an event type: hours, name, and place in the pool, where there is one."""

    user_id: UUID
    name: str | None
    hours: Hours
    weight: int
    priority: int


@dataclass(frozen=True, slots=True)
class BookableEventType:
    """An event type that can be booked: its terms, its hosts in order, its questions in order; the zone in which days are counted."""

    event_type: EventType
    terms: Terms
    timezone: str
    brand: Brand
    places: list[HostSchedule]
    questions: list[BookingQuestion]
    strategy: AssignmentStrategy | None
    is_active: bool = True

    @property
    def organization_name(self) -> str:
        return self.brand.name

    def ends(self, at: datetime) -> datetime:
        """Up to when, itself not, starts are offered."""
        end = horizon_end(self.terms, self.timezone, at)
        assert end is not None
        return end


def _gathered(*columns: InstrumentedAttribute[Any], parent: InstrumentedAttribute[Any], of: Any) -> Any:
    """The rows below one row, as a list of lists in a column of its own, so that one statement brings them all. NULL for none."""
    return select(func.jsonb_agg(func.jsonb_build_array(*columns))).where(parent == of).scalar_subquery()


def _is_of(column: InstrumentedAttribute[UUID], ids: Sequence[EventTypeRef]) -> ColumnElement[bool]:
    """An equation, where there is one: IN of a question would be a join, and look at every event type of the organization."""
    return column == ids[0] if len(ids) == 1 else column.in_(ids)


def _places(ids: Sequence[EventTypeRef], name: str) -> Any:
    """Who the hosts of event types are, by kind: the one, those of the list, those of the pool."""
    alone = (EventTypeKind.ONE_ON_ONE, EventTypeKind.GROUP)
    none = literal_column("NULL", Uuid)
    position, weight, rank = literal(0).label("position"), literal(1).label("weight"), literal(0).label("rank")
    owners = select(EventType.id.label("of"), EventType.user_id, EventType.schedule_id, position, weight, rank)
    listed = select(
        EventTypeHost.event_type_id, EventTypeHost.user_id, EventTypeHost.schedule_id, EventTypeHost.position, literal(1), literal(0)
    )
    assignment = RoundRobinAssignment
    pooled = select(EventType.id, assignment.user_id, none, assignment.position, assignment.weight, assignment.priority)
    return union_all(
        owners.where(_is_of(EventType.id, ids), EventType.kind.in_(alone)),
        listed.where(_is_of(EventTypeHost.event_type_id, ids)),
        pooled.join(EventType, EventType.pool_id == assignment.pool_id).where(_is_of(EventType.id, ids)),
    ).subquery(name)


def _offering(ids: Sequence[EventTypeRef]) -> Select[Any]:
    """A row for each host of an event type who still belongs to the organization. Overrides of dates that can't matter are left out."""
    today = now().date()
    which = AvailabilityOverride.date.between(today - _OVERRIDES_COUNT[0], today + _OVERRIDES_COUNT[1])
    places, all_places = _places(ids, "places"), _places(ids, "all_places")
    own, usual, kept = aliased(AvailabilitySchedule), aliased(AvailabilitySchedule), aliased(AvailabilitySchedule)
    # What `coalesce` says, which PostgreSQL does not take for leakproof: no index would be asked by it under a policy (decision 29).
    named = (places.c.schedule_id.is_not(None), places.c.schedule_id), (usual.id.is_not(None), usual.id)
    hours = case(*named, else_=EventType.schedule_id)
    questions = (Question.position, Question.id, Question.label, Question.type, Question.required, Question.options, Question.placeholder)
    slots = (AvailabilitySlot.day_of_week, AvailabilitySlot.start_time, AvailabilitySlot.end_time)
    dates = (AvailabilityOverride.date, AvailabilityOverride.type, AvailabilityOverride.start_time, AvailabilityOverride.end_time)
    return (
        select(
            EventType,
            own.timezone,
            func.jsonb_build_array(
                Organization.name, Organization.slug, Organization.logo_url, Organization.brand_color, Organization.locale
            ),
            RoundRobinPool.strategy,
            select(func.count()).where(all_places.c.of == EventType.id).correlate(EventType).scalar_subquery(),
            _gathered(*questions, parent=Question.event_type_id, of=EventType.id),
            places.c.user_id,
            places.c.position,
            places.c.weight,
            places.c.rank,
            member_profiles.member_name(),
            kept.timezone,
            _gathered(*slots, parent=AvailabilitySlot.schedule_id, of=kept.id),
            _gathered(*dates, parent=AvailabilityOverride.schedule_id, of=kept.id).where(which),
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


def bookable_event_type(session: Session, event_type_id: EventTypeRef, *, only_active: bool = True) -> BookableEventType | None:
    """An event type whose hosts still belong to the organization: all of a COLLECTIVE, some of a pool. As it is now. One statement."""
    statement = _offering([event_type_id])
    if only_active:
        statement = statement.where(EventType.is_active)
    return _whole(session.execute(statement, execution_options={"populate_existing": True}).all())


def lock_hosts(session: Session, offer: BookableEventType) -> None:
    """Lock the event type and the memberships of its hosts, in the order of their ids, until the transaction ends; with the next statement.

    Who books the same host, or the same event type, waits here and then sees what the one before has booked. So limits and seats hold, and
    bookings that overlap do not wait for each other crosswise in the exclusion constraint. The locks let foreign keys pass (FOR NO KEY
    UPDATE). Whatever can be refused without them has to be refused before.
    """
    member, ids = OrganizationMember, [host_schedule.user_id for host_schedule in offer.places]
    rows = select(EventType.id, member.id).join(member, member.user_id.in_(ids)).order_by(member.user_id)
    rows = rows.where(EventType.id == offer.event_type.id)
    execute_later(session, rows.with_for_update(key_share=True, of=[EventType, member]))


def bookable_event_types(session: Session, ids: Sequence[UUID]) -> dict[UUID, BookableEventType]:
    """Those of several event types that are active and have hosts, by id. One statement."""
    rows: dict[UUID, list[Any]] = {}
    for row in session.execute(_offering(ids).where(EventType.is_active)) if ids else ():
        rows.setdefault(row[0].id, []).append(row)
    return {id_: offer for id_, its in rows.items() if (offer := _whole(its))}


def _whole(rows: Sequence[Any]) -> BookableEventType | None:
    if not rows:
        return None
    row, timezone, organization, strategy, wanted, questions = rows[0][:6]
    if row.kind is EventTypeKind.COLLECTIVE and len(rows) < wanted:
        return None
    return BookableEventType(
        row,
        terms(row),
        timezone,
        Brand(*organization),
        [_place(*host_row[6:]) for host_row in sorted(rows, key=lambda host_row: (host_row.position, host_row.user_id))],
        [BookingQuestion.of(*question) for question in sorted(questions or ())],
        strategy,
        row.is_active,
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
        Horizon(row.horizon_kind.value if row.horizon_kind else None, row.horizon_days, row.horizon_until),
    )


def _minute(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


def _place(
    user_id: UUID, _position: int, weight: int, priority: int, name: str | None, timezone: str, slots: list[Any], dates: list[Any]
) -> HostSchedule:
    windows = tuple(Window(_WEEKDAYS[day], _minute(start), _minute(end)) for day, start, end in slots or ())
    return HostSchedule(user_id, name, Hours(timezone, windows, tuple(_exception(*row) for row in dates or ())), weight, priority)


def _exception(day: str, kind: str, start: str | None, end: str | None) -> Override:
    is_available = kind == OverrideType.AVAILABLE.value
    if start is None or end is None:
        return Override(date.fromisoformat(day), is_available)
    return Override(date.fromisoformat(day), is_available, _minute(start), _minute(end))
