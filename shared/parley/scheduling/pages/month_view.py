"""A month of open times, as a visitor sees it in a zone of their own. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from itertools import groupby
from zoneinfo import ZoneInfo

from parley.scheduling.availability.slot_calculation import Slot

Days = dict[date, list[Slot]]


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day of the calendar, and how many open times begin on it."""

    date: date
    open: int
    is_today: bool
    is_chosen: bool


def first_of(day: date) -> date:
    return day.replace(day=1)


def after(month: date, months: int = 1) -> date:
    """The first day of the month so many months later, or earlier."""
    count = month.year * 12 + month.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def begins(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a local day begins. Where midnight is skipped that day, an hour of the day before is looked at in vain."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def by_day(slots: Sequence[Slot], zone: ZoneInfo) -> Days:
    """The slots by the local day on which they begin, in order."""
    return {day: list(group) for day, group in groupby(slots, key=lambda slot: slot.start.astimezone(zone).date())}


def weeks(month: date, days: Days, today: date, chosen: date | None) -> list[list[MonthDay | None]]:
    """The month in weeks that begin on Monday; None before its first day and after its last one."""
    count = (after(month) - month).days
    cells: list[MonthDay | None] = [None] * month.weekday()
    for number in range(count):
        day = month + timedelta(days=number)
        cells.append(MonthDay(day, len(days.get(day, ())), day == today, day == chosen))
    cells += [None] * (-len(cells) % 7)
    return [cells[at : at + 7] for at in range(0, len(cells), 7)]


@cache
def zones() -> dict[str, list[tuple[str, str]]]:
    """The zones of the world by continent, each with its name and what people call it: of `zone.tab`, which has one for each place."""
    lines = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines()
    names = sorted(line.split("\t")[2] for line in lines if line and not line.startswith("#"))
    zones_by_continent: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        continent, _, city = name.partition("/")
        zones_by_continent.setdefault(continent, []).append((name, city.replace("_", " ").replace("/", ", ")))
    return {**zones_by_continent, "Everywhere": [("UTC", "UTC")]}


@cache
def zone_names() -> frozenset[str]:
    return frozenset(name for group in zones().values() for name, _ in group)
