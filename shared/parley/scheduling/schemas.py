"""What scheduling's routes take and answer."""

import unicodedata
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from parley.kernel.texts import Email, InstantIn, Line, Prose, Shown, Slug, TimeZone, Wanted
from parley.scheduling.models import (
    BookingStatus,
    CanceledBy,
    DayOfWeek,
    EventTypeKind,
    LocationType,
    OverrideType,
    QuestionType,
)

DAY_MINUTES = 1440
YEAR_MINUTES = 366 * DAY_MINUTES


def one_line(text: str) -> str:
    """Refuses what would break a header or a line of a calendar."""
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise ValueError("must be one line without control characters")
    return text


def deliverable(address: str) -> str:
    """Refuses an address whose local part no mail server takes unquoted (RFC 5321, Dot-string)."""
    local = address.partition("@")[0]
    if local.startswith(".") or local.endswith(".") or ".." in local:
        raise ValueError("must be an e-mail address")
    return address


def _text_only(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be a text")  # not a TypeError, which pydantic lets through
    return value


Name = Annotated[Line, AfterValidator(one_line)]
Address = Annotated[Email, AfterValidator(deliverable)]
Phone = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, pattern=r"^\+?\(?[0-9](?:[ ().\/-]{0,2}[0-9]){4,14}$", max_length=40)
]
Tag = Annotated[Line, AfterValidator(one_line)]
Reason = Annotated[Prose, Field(max_length=500)]
StartTime = Annotated[str, StringConstraints(strict=True, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
EndTime = Annotated[str, StringConstraints(strict=True, pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Day = Annotated[date, BeforeValidator(_text_only), Field(ge=date(1970, 1, 1), le=date(2200, 12, 31))]
Flag = Annotated[bool, Field(strict=True)]
Minutes = Annotated[int, Field(strict=True, ge=5, le=DAY_MINUTES)]
Buffer = Annotated[int, Field(strict=True, ge=0, le=DAY_MINUTES)]
Notice = Annotated[int, Field(strict=True, ge=0, le=YEAR_MINUTES)]
DayLimit = Annotated[int, Field(strict=True, ge=1, le=300)]
WeekLimit = Annotated[int, Field(strict=True, ge=1, le=2000)]
Color = Annotated[str, StringConstraints(strict=True, pattern=r"^#[0-9a-fA-F]{6}$")]


# Schedules


class SlotIn(Wanted):
    """A weekly window; an end that is not after the start lies on the next day."""

    day_of_week: DayOfWeek
    start_time: StartTime
    end_time: EndTime


class OverrideIn(Wanted):
    """What one date has instead of its weekly windows: other hours, or none. Without times: the whole day."""

    date: Day
    type: OverrideType
    start_time: StartTime | None = None
    end_time: EndTime | None = None
    reason: Name | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.start_time is None) != (self.end_time is None):
            raise ValueError("start_time and end_time come together")
        return self


class ScheduleCreate(Wanted):
    name: Name
    timezone: TimeZone
    is_default: Flag = False
    slots: list[SlotIn] = Field(max_length=200)
    overrides: list[OverrideIn] = Field(default=[], max_length=1000)


class SlotRead(Shown):
    day_of_week: DayOfWeek
    start_time: str
    end_time: str


class OverrideRead(Shown):
    date: date
    type: OverrideType
    start_time: str | None
    end_time: str | None
    reason: str | None


class ScheduleRead(Shown):
    id: UUID
    user_id: UUID
    name: str
    timezone: str
    is_default: bool
    created_at: datetime


class ScheduleDetailRead(ScheduleRead):
    slots: list[SlotRead]
    overrides: list[OverrideRead]


# Event types


class QuestionIn(Wanted):
    label: Name
    type: QuestionType
    required: Flag = False
    placeholder: Name | None = None
    options: list[Name] = Field(default=[], max_length=100)

    @model_validator(mode="after")
    def _options_where_chosen(self) -> Self:
        is_select = self.type in (QuestionType.SINGLE_SELECT, QuestionType.MULTI_SELECT)
        if is_select != bool(self.options):
            raise ValueError("options belong to SINGLE_SELECT and MULTI_SELECT, and these need some")
        if len(set(self.options)) < len(self.options):
            raise ValueError("options must differ")
        return self


class EventTypeCreate(Wanted):
    """Lengths are minutes. Without `slot_interval`, slots follow each other at the duration."""

    schedule_id: UUID
    name: Name
    slug: Slug
    description: Prose | None = None
    kind: Literal[EventTypeKind.ONE_ON_ONE] = EventTypeKind.ONE_ON_ONE
    duration: Minutes
    slot_interval: Minutes | None = None
    buffer_before: Buffer = 0
    buffer_after: Buffer = 0
    min_notice: Notice = 0
    max_bookings_per_day: DayLimit | None = None
    max_bookings_per_week: WeekLimit | None = None
    location_type: LocationType
    location_value: Name | None = None
    color: Color | None = None
    is_active: Flag = True
    questions: list[QuestionIn] = Field(default=[], max_length=50)


class QuestionRead(Shown):
    id: UUID
    label: str
    type: QuestionType
    required: bool
    placeholder: str | None
    options: list[str]


class EventTypeRead(Shown):
    id: UUID
    user_id: UUID
    schedule_id: UUID
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
    location_type: LocationType
    location_value: str | None
    color: str | None
    is_active: bool
    created_at: datetime


class EventTypeDetailRead(EventTypeRead):
    questions: list[QuestionRead]


class EventTypePageRead(Shown):
    """What a stranger sees of an event type before booking. Where it takes place is told to those who booked."""

    id: UUID
    name: str
    description: str | None
    kind: EventTypeKind
    duration: int
    location_type: LocationType
    color: str | None
    timezone: str
    host_name: str | None
    organization_name: str
    questions: list[QuestionRead]


class OpenSlotRead(Shown):
    start_time: datetime
    end_time: datetime


class OpenSlotsRead(Shown):
    """The slots whose start lies in `[from, to)`. `timezone` is the one asked for, else the schedule's: for showing them."""

    timezone: str
    slots: list[OpenSlotRead]


# Bookings


class InviteeIn(Wanted):
    email: Address
    name: Name
    phone: Phone | None = None
    timezone: TimeZone
    notes: Prose | None = None


AnswerText = Annotated[str, StringConstraints(strict=True, max_length=5000)]
AnswerNumber = (
    Annotated[int, Field(strict=True, ge=-(10**15), le=10**15)]
    | Annotated[float, Field(strict=True, ge=-1e15, le=1e15, allow_inf_nan=False)]
)


class AnswerIn(Wanted):
    """`value`: a text, a number for NUMBER, a list of options for MULTI_SELECT."""

    question_id: UUID
    value: AnswerText | AnswerNumber | Annotated[list[AnswerText], Field(max_length=100)]


class BookingCreate(Wanted):
    event_type_id: UUID
    start_time: InstantIn
    invitee: InviteeIn
    answers: list[AnswerIn] = Field(default=[], max_length=50)
    utm_source: Tag | None = None
    utm_medium: Tag | None = None
    utm_campaign: Tag | None = None
    referrer: Annotated[Prose, Field(max_length=2000)] | None = None


class BookingCancel(Wanted):
    reason: Reason | None = None


class BookingConfirmationRead(Shown):
    """What the one who booked gets at once. The link to cancel comes by e-mail, to prove the address."""

    id: UUID
    event_type_id: UUID
    status: BookingStatus
    start_time: datetime
    end_time: datetime
    timezone: str
    location: str | None


class InviteeRead(Shown):
    id: UUID
    email: str
    name: str
    phone: str | None
    timezone: str
    notes: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    referrer: str | None


class BookingRead(BookingConfirmationRead):
    host_id: UUID
    canceled_at: datetime | None
    cancel_reason: str | None
    canceled_by: CanceledBy | None
    created_at: datetime
    invitee: InviteeRead


class AnswerRead(Shown):
    question_id: UUID
    label: str
    value: str | int | float | list[str]


class BookingDetailRead(BookingRead):
    answers: list[AnswerRead]


class ManagedBookingRead(Shown):
    """A booking as its invitee sees it."""

    event_type_name: str
    host_name: str | None
    organization_name: str
    status: BookingStatus
    start_time: datetime
    end_time: datetime
    timezone: str
    location: str | None
    canceled_at: datetime | None
    cancel_reason: str | None
    canceled_by: CanceledBy | None
