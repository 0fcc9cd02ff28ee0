"""What the routes of event types take and answer."""

from datetime import date, datetime
from typing import Annotated, Protocol, Self, TypeVar
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from parley.kernel.values import clock
from parley.kernel.values.fields import PatchModel, Prose, RequestModel, ResponseModel, Slug
from parley.scheduling.availability.booking_horizon import latest_date
from parley.scheduling.common.scheduling_fields import (
    MOST_BUSINESS_DAYS,
    MOST_DAYS,
    Buffer,
    Capacity,
    Color,
    Day,
    DayLimit,
    Flag,
    HorizonDays,
    Minutes,
    Name,
    Notice,
    WeekLimit,
)
from parley.scheduling.tables.enums import EventTypeKind, HorizonKind, LocationType, QuestionType

MOST_HOSTS, MOST_QUESTIONS = 50, 50


class Placed(Protocol):
    """What may say where in its list it stands."""

    @property
    def position(self) -> int | None: ...


Thing = TypeVar("Thing", bound=Placed)


def in_order(things: list[Thing]) -> list[Thing]:
    """As their positions say; who says none stands where it stands in the list."""
    places = enumerate(things)
    return [thing for _, thing in sorted(places, key=lambda pair: pair[0] if pair[1].position is None else pair[1].position)]


Position = Annotated[int, Field(strict=True, ge=0, le=10_000)]


class QuestionIn(RequestModel):
    """The order of the list is the order of asking; `position` says otherwise."""

    label: Name
    type: QuestionType
    required: Flag = False
    placeholder: Name | None = None
    options: list[Name] = Field(default=[], max_length=100)
    position: Position | None = None

    @model_validator(mode="after")
    def _options_where_chosen(self) -> Self:
        is_select = self.type in (QuestionType.SINGLE_SELECT, QuestionType.MULTI_SELECT)
        if is_select != bool(self.options):
            raise ValueError("options belong to SINGLE_SELECT and MULTI_SELECT, and these need some")
        if len(set(self.options)) < len(self.options):
            raise ValueError("options must differ")
        return self


class HostIn(RequestModel):
    """A host and, where it is not their default one, the schedule with their hours for this."""

    user_id: UUID
    schedule_id: UUID | None = None


class QuestionUpdate(QuestionIn):
    """With the id of a question that is there, it is that one, changed."""

    id: UUID | None = None


Questions = Annotated[list[QuestionIn], Field(max_length=MOST_QUESTIONS), AfterValidator(in_order)]
QuestionUpdates = Annotated[list[QuestionUpdate], Field(max_length=MOST_QUESTIONS), AfterValidator(in_order)]


def _each_once(hosts: list[HostIn]) -> list[HostIn]:
    if len({host.user_id for host in hosts}) < len(hosts):
        raise ValueError("a host is there once")
    return hosts


Hosts = Annotated[list[HostIn], Field(max_length=MOST_HOSTS), AfterValidator(_each_once)]


class EventTypeCreate(RequestModel):
    """Lengths are minutes. Without `slot_interval`, slots follow each other at the duration.

    GROUP has a `capacity`, COLLECTIVE its `hosts`, ROUND_ROBIN its `pool_id`; the one host of the others is who creates it. With
    `requires_confirmation`, bookings are PENDING until a host confirms them; they hold their time. With
    `requires_address_proof`, who books has to show by a code that they read their address.

    Starts are offered up to the horizon: for `horizon_days` after today, or for as many from Monday to Friday (`horizon_kind`
    ROLLING_DAYS, BUSINESS_DAYS), or up to the date `horizon_until` (DATE), in the schedule's time zone; at most two years ahead. With none
    of them, for sixty days after the notice. `horizon_kind` may be left out where one of the others says it.
    """

    schedule_id: UUID
    name: Name
    slug: Slug
    description: Prose | None = None
    kind: EventTypeKind = EventTypeKind.ONE_ON_ONE
    duration: Minutes
    slot_interval: Minutes | None = None
    buffer_before: Buffer = 0
    buffer_after: Buffer = 0
    min_notice: Notice = 0
    max_bookings_per_day: DayLimit | None = None
    max_bookings_per_week: WeekLimit | None = None
    horizon_kind: HorizonKind | None = None
    horizon_days: HorizonDays | None = None
    horizon_until: Day | None = None
    location_type: LocationType
    location_value: Name | None = None
    capacity: Capacity | None = None
    min_capacity: Capacity | None = None
    team_id: UUID | None = None
    pool_id: UUID | None = None
    color: Color | None = None
    requires_confirmation: Flag = False
    requires_address_proof: Flag = False
    is_active: Flag = True
    hosts: Hosts = []
    questions: Questions = []

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if wrong := misfit(self.kind, self.capacity, self.min_capacity, self.pool_id, len(self.hosts)):
            raise ValueError(wrong)
        self.horizon_kind, self.horizon_days, self.horizon_until = horizon(self.horizon_kind, self.horizon_days, self.horizon_until)
        return self


class EventTypeUpdate(PatchModel):
    """What is named changes; hosts and questions are replaced as a whole. The kind stays. A horizon is replaced as a whole, too: name its
    days or its date, or `horizon_kind` null for the usual one."""

    _needed = frozenset(
        {
            "schedule_id", "name", "slug", "duration", "buffer_before", "buffer_after", "min_notice", "location_type",
            "requires_confirmation", "requires_address_proof", "is_active", "hosts", "questions",
        }
    )  # fmt: skip

    schedule_id: UUID | None = None
    name: Name | None = None
    slug: Slug | None = None
    description: Prose | None = None
    duration: Minutes | None = None
    slot_interval: Minutes | None = None
    buffer_before: Buffer | None = None
    buffer_after: Buffer | None = None
    min_notice: Notice | None = None
    max_bookings_per_day: DayLimit | None = None
    max_bookings_per_week: WeekLimit | None = None
    horizon_kind: HorizonKind | None = None
    horizon_days: HorizonDays | None = None
    horizon_until: Day | None = None
    location_type: LocationType | None = None
    location_value: Name | None = None
    capacity: Capacity | None = None
    min_capacity: Capacity | None = None
    team_id: UUID | None = None
    pool_id: UUID | None = None
    color: Color | None = None
    requires_confirmation: Flag | None = None
    requires_address_proof: Flag | None = None
    is_active: Flag | None = None
    hosts: Hosts | None = None
    questions: QuestionUpdates | None = None


def misfit(kind: EventTypeKind, capacity: int | None, min_capacity: int | None, pool_id: UUID | None, hosts: int) -> str | None:
    """What an event type of this kind has too much or too little of, if anything."""
    if (kind is EventTypeKind.GROUP) != (capacity is not None):
        return "capacity belongs to GROUP, and GROUP needs one"
    if min_capacity is not None and min_capacity > (capacity or 0):
        return "min_capacity belongs to GROUP, and is at most the capacity"
    if (kind is EventTypeKind.ROUND_ROBIN) != (pool_id is not None):
        return "pool_id belongs to ROUND_ROBIN, and ROUND_ROBIN needs one"
    if (kind is EventTypeKind.COLLECTIVE) != bool(hosts):
        return "hosts belong to COLLECTIVE, and COLLECTIVE needs some"
    return None


def horizon(kind: HorizonKind | None, days: int | None, until: date | None) -> tuple[HorizonKind | None, int | None, date | None]:
    """The three of a horizon, the kind filled in where the others say it. Raises ValueError for what does not go together."""
    if kind is None:
        kind = HorizonKind.DATE if until is not None else HorizonKind.ROLLING_DAYS if days is not None else None
    if (kind is HorizonKind.DATE) != (until is not None):
        raise ValueError("horizon_until belongs to the horizon_kind DATE, and DATE needs one")
    if (kind in (HorizonKind.ROLLING_DAYS, HorizonKind.BUSINESS_DAYS)) != (days is not None):
        raise ValueError("horizon_days belong to ROLLING_DAYS and BUSINESS_DAYS, and these need them")
    if kind is HorizonKind.BUSINESS_DAYS and (days or 0) > MOST_BUSINESS_DAYS:
        raise ValueError(f"horizon_days of BUSINESS_DAYS are at most {MOST_BUSINESS_DAYS}, two years")
    if until is not None and until > latest_date(clock.now().date()):
        raise ValueError(f"horizon_until lies at most {MOST_DAYS} days ahead")
    return kind, days, until


class QuestionRead(ResponseModel):
    id: UUID
    position: int
    label: str
    type: QuestionType
    required: bool
    placeholder: str | None
    options: list[str]


class HostRead(ResponseModel):
    user_id: UUID
    schedule_id: UUID | None


class EventTypeRead(ResponseModel):
    id: UUID
    user_id: UUID
    team_id: UUID | None
    schedule_id: UUID
    pool_id: UUID | None
    name: str
    slug: str
    description: str | None
    kind: EventTypeKind
    duration: int
    slot_interval: int | None
    buffer_before: int
    buffer_after: int
    min_notice: int
    max_bookings_per_day: int | None
    max_bookings_per_week: int | None
    horizon_kind: HorizonKind | None
    horizon_days: int | None
    horizon_until: date | None
    location_type: LocationType
    location_value: str | None
    capacity: int | None
    min_capacity: int | None
    color: str | None
    requires_confirmation: bool
    requires_address_proof: bool
    is_active: bool
    created_at: datetime
    updated_at: datetime


class EventTypeDetailRead(EventTypeRead):
    """`hosts` are those of a COLLECTIVE, in their order."""

    hosts: list[HostRead]
    questions: list[QuestionRead]


class PublicHostRead(ResponseModel):
    id: UUID
    name: str | None


class EventTypePageRead(ResponseModel):
    """What a stranger sees of an event type before booking. Where it takes place is told to those who booked. `url` is its page."""

    id: UUID
    name: str
    description: str | None
    kind: EventTypeKind
    slug: str
    duration: int
    location_type: LocationType
    capacity: int | None
    requires_confirmation: bool
    requires_address_proof: bool
    color: str | None
    timezone: str
    host_name: str | None
    hosts: list[PublicHostRead]
    organization_name: str
    url: str
    questions: list[QuestionRead]
