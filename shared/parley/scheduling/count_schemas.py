"""Counts of bookings."""

from uuid import UUID

from parley.kernel.texts import Shown
from parley.scheduling.kinds import BookingStatus, DayOfWeek


class EventTypeCountRead(Shown):
    event_type_id: UUID
    count: int


class StatusCountRead(Shown):
    status: BookingStatus
    count: int


class HourCountRead(Shown):
    hour: int
    count: int


class WeekdayCountRead(Shown):
    weekday: DayOfWeek
    count: int


class BookingCountsRead(Shown):
    """Bookings by their start, hours and weekdays on the clocks of `timezone`; what has none is not listed."""

    timezone: str
    total: int
    by_event_type: list[EventTypeCountRead]
    by_status: list[StatusCountRead]
    by_hour: list[HourCountRead]
    by_weekday: list[WeekdayCountRead]
