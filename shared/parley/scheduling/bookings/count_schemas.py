"""Counts of bookings."""

from uuid import UUID

from parley.kernel.values.fields import ResponseModel
from parley.scheduling.common.enums import BookingStatus, DayOfWeek


class EventTypeCountRead(ResponseModel):
    event_type_id: UUID
    count: int


class StatusCountRead(ResponseModel):
    status: BookingStatus
    count: int


class HourCountRead(ResponseModel):
    hour: int
    count: int


class WeekdayCountRead(ResponseModel):
    weekday: DayOfWeek
    count: int


class BookingCountsRead(ResponseModel):
    """Bookings by their start, hours and weekdays on the clocks of `timezone`; what has none is not listed."""

    timezone: str
    total: int
    by_event_type: list[EventTypeCountRead]
    by_status: list[StatusCountRead]
    by_hour: list[HourCountRead]
    by_weekday: list[WeekdayCountRead]
