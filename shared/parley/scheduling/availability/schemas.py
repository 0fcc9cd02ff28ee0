"""What the routes of schedules and of open slots take and answer."""

from datetime import date, datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from parley.kernel.values import clock
from parley.kernel.values.fields import PatchModel, RequestModel, ResponseModel, TimeZone
from parley.scheduling.common.scheduling_fields import Day, EndTime, Flag, Name, StartTime
from parley.scheduling.tables.enums import DayOfWeek, OverrideType

_NEAR = timedelta(days=5 * 366)


def _near(day: date) -> date:
    if abs(day - clock.now().date()) > _NEAR:
        raise ValueError("must lie within five years from today, before or after")
    return day


class SlotIn(RequestModel):
    """A weekly window; an end that is not after the start lies on the next day."""

    day_of_week: DayOfWeek
    start_time: StartTime
    end_time: EndTime


class OverrideIn(RequestModel):
    """What a date within five years from today has instead of its weekly windows: other hours, or none. Without times: all day."""

    date: Annotated[Day, AfterValidator(_near)]
    type: OverrideType
    start_time: StartTime | None = None
    end_time: EndTime | None = None
    reason: Name | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.start_time is None) != (self.end_time is None):
            raise ValueError("start_time and end_time come together")
        return self


Slots = Annotated[list[SlotIn], Field(max_length=200)]
Overrides = Annotated[list[OverrideIn], Field(max_length=1000)]


class ScheduleCreate(RequestModel):
    name: Name
    timezone: TimeZone
    is_default: Flag = False
    slots: Slots
    overrides: Overrides = []


class ScheduleUpdate(PatchModel):
    """What is named changes; slots and overrides are replaced as a whole. A default stays one until another takes its place."""

    _needed = frozenset({"name", "timezone", "is_default", "slots", "overrides"})

    name: Name | None = None
    timezone: TimeZone | None = None
    is_default: Flag | None = None
    slots: Slots | None = None
    overrides: Overrides | None = None


class SlotRead(ResponseModel):
    day_of_week: DayOfWeek
    start_time: str
    end_time: str


class OverrideRead(ResponseModel):
    date: date
    type: OverrideType
    start_time: str | None
    end_time: str | None
    reason: str | None


class ScheduleRead(ResponseModel):
    id: UUID
    user_id: UUID
    name: str
    timezone: str
    is_default: bool
    created_at: datetime


class ScheduleDetailRead(ScheduleRead):
    slots: list[SlotRead]
    overrides: list[OverrideRead]


class OpenSlotRead(ResponseModel):
    """`hosts` are free then: all of a COLLECTIVE, those of a ROUND_ROBIN of whom one will be chosen. `seats_left` is a GROUP's."""

    start_time: datetime
    end_time: datetime
    hosts: list[UUID]
    seats_left: int | None


class OpenSlotsRead(ResponseModel):
    """The slots whose start lies in `[from, to)`. `timezone` is the one asked for, else the schedule's: for showing them."""

    timezone: str
    slots: list[OpenSlotRead]
