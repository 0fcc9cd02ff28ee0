"""What a visitor can choose from on a booking page: the days of a month, the times of a day. One statement beside the offer's."""

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from parley.kernel.values.clock import now
from parley.scheduling.availability import slots
from parley.scheduling.availability.conflicts import Exclusions
from parley.scheduling.availability.inputs import BookableEventType
from parley.scheduling.availability.slot_calculation import Slot
from parley.scheduling.pages import month_view
from parley.scheduling.pages.month_view import MonthDay
from parley.scheduling.pages.page_parameters import PageParameters

OTHERS = 12
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SlotChoices:
    """`slot` is the time that was asked for, where it is open; `others` are open ones near it."""

    zone: ZoneInfo
    month: date
    weeks: list[list[MonthDay | None]]
    day: date | None
    times: list[Slot]
    slot: Slot | None
    others: list[Slot]
    open_days: int
    before: date | None
    after: date | None


def slot_choices_of(session: Session, offer: BookableEventType, visit: PageParameters, aside: Exclusions) -> SlotChoices:
    """The month that is asked for; without one the first that has an open time, of this one and the next. None beyond the horizon.

    Where no day is asked for it is the first with an open time.
    """
    zone, at = ZoneInfo(visit.timezone or offer.timezone), now()
    today, end = at.astimezone(zone).date(), offer.ends(at)
    first = month_view.first_of(today)
    last = max(first, month_view.first_of((end - INSTANT).astimezone(zone).date()))
    chosen_day = visit.start.astimezone(zone).date() if visit.start else visit.day
    month = month_view.first_of(chosen_day) if chosen_day else visit.month
    if month is None:
        open_ = slots.open_slots_of(session, offer, at, month_view.begins(month_view.after(first, 2), zone), aside)
    else:
        month = min(max(month, first), last)
        open_ = slots.open_slots_of(session, offer, month_view.begins(month, zone), month_view.begins(month_view.after(month), zone), aside)

    days = month_view.by_day(open_, zone)
    month = month or month_view.first_of(next(iter(days), today))
    here = {day: day_slots for day, day_slots in days.items() if month_view.first_of(day) == month}
    day = chosen_day if chosen_day and month_view.first_of(chosen_day) == month else next(iter(here), None)
    times = here.get(day, []) if day else []
    return SlotChoices(
        zone,
        month,
        month_view.weeks(month, here, today, day),
        day,
        times,
        next((slot for slot in times if slot.start == visit.start), None),
        _near(open_, times, visit),
        len(here),
        month_view.after(month, -1) if month > first else None,
        month_view.after(month) if month < last else None,
    )


def _near(open_: list[Slot], times: list[Slot], visit: PageParameters) -> list[Slot]:
    """Those of the same day; where it has none, the next ones, or else the last ones before."""
    if visit.start is None or times:
        return times[: 4 * OTHERS]
    later = [slot for slot in open_ if slot.start > visit.start]
    return later[:OTHERS] or open_[-OTHERS:]
