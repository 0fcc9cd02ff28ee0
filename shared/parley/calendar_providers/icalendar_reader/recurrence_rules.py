"""Recurrence rules (RFC 5545, 3.3.10), read part by part and expanded day by day in a window: what it costs does not depend on when they
began. A part that can't be read is left out, so that a rule gives too many times rather than too few.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import product

_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# The numbers of each part, and whether they may count from the end.
_NUMBERS = {
    "BYSECOND": (0, 60, False), "BYMINUTE": (0, 59, False), "BYHOUR": (0, 23, False), "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True), "BYWEEKNO": (1, 53, True), "BYMONTH": (1, 12, False), "BYSETPOS": (1, 366, True),
}  # fmt: skip
_BY_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_INTEGER = re.compile(r"[+-]?\d{1,9}")
_ONE_DAY = timedelta(days=1)


class StepBudgetSpent(Exception):
    """More steps were needed than there were."""


@dataclass(slots=True)
class StepBudget:
    """How many steps may still be taken; a step is about a microsecond."""

    left: int

    def spend(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise StepBudgetSpent


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """`until` as it was written: what it means depends on what recurs. `days` are (nth or 0, weekday)."""

    frequency: str
    interval: int = 1
    count: int | None = None
    until: str | None = None
    week_start: int = 0
    days: tuple[tuple[int, int], ...] = ()
    numbers: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def of(self, name: str) -> tuple[int, ...]:
        return self.numbers.get(name, ())


def read(text: str) -> tuple[RecurrenceRule | None, bool]:
    """A rule, None for one without a frequency that we know; and whether all of it was understood."""
    parts = dict[str, str]()
    is_whole = True
    for part in text.strip().upper().replace("\\", "").split(";"):  # some write `\\;`, as in a text
        name, _, value = part.partition("=")
        if part.strip():
            parts.setdefault(name.strip(), value.strip())
    frequency = parts.pop("FREQ", "")
    if frequency not in _FREQUENCIES:
        return None, False
    interval, count, until, week_start = 1, None, parts.pop("UNTIL", "") or None, 0
    days: tuple[tuple[int, int], ...] = ()
    numbers: dict[str, tuple[int, ...]] = {}
    for name, value in parts.items():
        if name in _NUMBERS:
            chosen, is_good = _numbers(name, value)
            if chosen:
                numbers[name] = chosen
        elif name == "BYDAY":
            days, is_good = _days(value)
        elif name == "INTERVAL":
            is_good = bool(_INTEGER.fullmatch(value)) and int(value) > 0
            interval = int(value) if is_good else 1
        elif name == "COUNT":
            is_good = bool(_INTEGER.fullmatch(value)) and int(value) > 0
            count = int(value) if is_good else None
        elif name == "WKST":
            is_good = value in _DAYS
            week_start = _DAYS.index(value) if is_good else 0
        else:
            is_good = (name, value) == ("RSCALE", "GREGORIAN") or name.startswith("X-")
        is_whole = is_whole and is_good
    if frequency != "YEARLY" and numbers.pop("BYWEEKNO", ()):
        is_whole = False
    return RecurrenceRule(frequency, interval, count, until, week_start, days, numbers), is_whole


def _numbers(name: str, value: str) -> tuple[tuple[int, ...], bool]:
    least, most, is_signed = _NUMBERS[name]
    numbers = [int(digits) for digits in (part.strip() for part in value.split(",")) if _INTEGER.fullmatch(digits)]
    good = {
        min(number, 59) if name == "BYSECOND" else number for number in numbers if least <= (abs(number) if is_signed else number) <= most
    }
    return tuple(sorted(good)), len(numbers) == len(value.split(",")) and all(
        least <= (abs(number) if is_signed else number) <= most for number in numbers
    )


def _days(value: str) -> tuple[tuple[tuple[int, int], ...], bool]:
    matches = [_BY_DAY.fullmatch(part.strip()) for part in value.split(",")]
    good = {(int(match[1] or 0), _DAYS.index(match[2])) for match in matches if match is not None}
    return tuple(sorted(good)), all(matches)


def occurrences(rule: RecurrenceRule, start: datetime, first: datetime, last: datetime, work: StepBudget) -> Iterator[datetime]:
    """Its wall-clock times in `[first, last]`, in order, none before `start`. Raises `StepBudgetSpent`."""
    first = max(first, start)
    index, counted = (_skipped(rule, start, first) if rule.count is None or _is_regular(rule) else 0), 0
    if rule.count is not None and index:
        counted = _before(rule, start, index)
    while rule.count is None or counted < rule.count:
        period = _period(rule, start, index)
        if period is None or period[0] > last.date():
            return
        index += 1
        work.spend()
        for moment in _set(rule, start, period, work):
            if moment < start:
                continue
            counted += 1
            if moment > last or (rule.count is not None and counted > rule.count):
                return
            if moment >= first:
                yield moment


def _is_regular(rule: RecurrenceRule) -> bool:
    """Whether each period but the first has the same number of times."""
    return not rule.numbers and (rule.frequency == "WEEKLY" or (rule.frequency == "DAILY" and not rule.days))


def _before(rule: RecurrenceRule, start: datetime, index: int) -> int:
    """How many times the first `index` periods of a regular rule have."""
    if rule.frequency == "DAILY":
        return index
    days = {day for _, day in rule.days} or {start.weekday()}
    in_first = sum((day - rule.week_start) % 7 >= (start.weekday() - rule.week_start) % 7 for day in days)
    return in_first + (index - 1) * len(days)


def _week(start: date, week_start: int) -> date:
    return start - timedelta(days=(start.weekday() - week_start) % 7)


def _skipped(rule: RecurrenceRule, start: datetime, first: datetime) -> int:
    """The period in which `first` lies."""
    if rule.frequency == "YEARLY":
        return (first.year - start.year) // rule.interval
    if rule.frequency == "MONTHLY":
        return ((first.year - start.year) * 12 + first.month - start.month) // rule.interval
    if rule.frequency == "WEEKLY":
        begins = date.fromordinal(max(start.toordinal() - (start.weekday() - rule.week_start) % 7, 1))
        return (first.toordinal() - begins.toordinal()) // (7 * rule.interval)
    days = first.toordinal() - start.toordinal()
    return days // rule.interval if rule.frequency == "DAILY" else days


def _period(rule: RecurrenceRule, start: datetime, index: int) -> tuple[date, date] | None:
    """Its first day and the one after its last; None after the end of the calendar."""
    step = index * rule.interval
    try:
        if rule.frequency == "YEARLY":
            return date(start.year + step, 1, 1), date(start.year + step + 1, 1, 1)
        if rule.frequency == "MONTHLY":
            year, month = divmod(start.year * 12 + start.month - 1 + step, 12)
            return date(year, month + 1, 1), date(year, month + 1, monthrange(year, month + 1)[1]) + _ONE_DAY
        if rule.frequency == "WEEKLY":
            begins = _week(start.date(), rule.week_start) + timedelta(weeks=step)
            return begins, begins + timedelta(weeks=1)
        begins = start.date() + timedelta(days=step if rule.frequency == "DAILY" else index)
        return begins, begins + _ONE_DAY
    except (ValueError, OverflowError):
        return None


def _set(rule: RecurrenceRule, start: datetime, period: tuple[date, date], work: StepBudget) -> Iterable[datetime]:
    if rule.frequency in ("HOURLY", "MINUTELY", "SECONDLY"):  # BYSETPOS of an hour, a minute: left out
        return (moment for day in _of_period(rule, start, period, work) for moment in _of_day(rule, start, day, work))
    clock = [
        time(*parts)
        for parts in product(
            rule.of("BYHOUR") or (start.hour,), rule.of("BYMINUTE") or (start.minute,), rule.of("BYSECOND") or (start.second,)
        )
    ]
    days = _of_period(rule, start, period, work)
    if not (positions := rule.of("BYSETPOS")):
        return (moment for day in days for moment in _at(day, clock, work))
    whole = [moment for day in days for moment in _at(day, clock, work)]
    chosen = {position - 1 if position > 0 else len(whole) + position for position in positions}
    return [whole[at] for at in sorted(chosen) if 0 <= at < len(whole)]


def _at(day: date, clock: Iterable[time], work: StepBudget) -> Iterator[datetime]:
    for moment in clock:
        work.spend(3)
        yield datetime.combine(day, moment)


def _of_day(rule: RecurrenceRule, start: datetime, day: date, work: StepBudget) -> Iterator[datetime]:
    """Of a rule by hours, minutes or seconds."""
    minutes: Iterable[int] = rule.of("BYMINUTE") or (range(60) if rule.frequency != "HOURLY" else (start.minute,))
    seconds: Iterable[int] = rule.of("BYSECOND") or (range(60) if rule.frequency == "SECONDLY" else (start.second,))
    unit = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}[rule.frequency]
    begins = datetime(start.year, start.month, start.day, start.hour, start.minute * (unit < 3600), start.second * (unit < 60))
    for hour, minute, second in product(rule.of("BYHOUR") or range(24), minutes, seconds):
        work.spend()
        moment = datetime(day.year, day.month, day.day, hour, minute, second)
        if ((moment - begins) // timedelta(seconds=unit)) % rule.interval == 0:
            yield moment


def _of_period(rule: RecurrenceRule, start: datetime, period: tuple[date, date], work: StepBudget) -> Iterator[date]:
    months, month_days = rule.of("BYMONTH"), rule.of("BYMONTHDAY")
    weekdays = rule.days
    is_free = not (weekdays or month_days or rule.of("BYYEARDAY"))
    if (is_free and rule.frequency == "WEEKLY") or (is_free and rule.of("BYWEEKNO")):
        weekdays = ((0, start.weekday()),)
    elif is_free and rule.frequency in ("YEARLY", "MONTHLY"):
        month_days = (start.day,)
        months = months or ((start.month,) if rule.frequency == "YEARLY" else ())
    day, end = period
    while day < end:
        work.spend()
        if months and day.month not in months:  # a month at once
            day = min(end, (day.replace(day=28) + timedelta(days=4)).replace(day=1)) if (day.year, day.month) < (9999, 12) else end
            continue
        if _fits(rule, day, month_days, weekdays):
            yield day
        day += _ONE_DAY


def _fits(rule: RecurrenceRule, day: date, month_days: tuple[int, ...], weekdays: tuple[tuple[int, int], ...]) -> bool:
    if month_days and day.day not in month_days and day.day - monthrange(day.year, day.month)[1] - 1 not in month_days:
        return False
    if weekdays and not any(weekday == day.weekday() and (nth == 0 or _is_nth(rule, day, nth)) for nth, weekday in weekdays):
        return False
    if year_days := rule.of("BYYEARDAY"):
        at, length = day.timetuple().tm_yday, date(day.year, 12, 31).timetuple().tm_yday
        if at not in year_days and at - length - 1 not in year_days:
            return False
    if weeks := rule.of("BYWEEKNO"):
        number, most = _week_number(day, rule.week_start)
        return number in weeks or number - most - 1 in weeks
    return True


def _is_nth(rule: RecurrenceRule, day: date, nth: int) -> bool:
    """Of its weekday in the month, or in the year. Other rules know no such number: every one counts."""
    if rule.frequency == "MONTHLY" or (rule.frequency == "YEARLY" and rule.of("BYMONTH")):
        at, length = day.day, monthrange(day.year, day.month)[1]
    elif rule.frequency == "YEARLY":
        at, length = day.timetuple().tm_yday, date(day.year, 12, 31).timetuple().tm_yday
    else:
        return True
    return (at - 1) // 7 + 1 == nth if nth > 0 else (length - at) // 7 + 1 == -nth


def _week_number(day: date, week_start: int) -> tuple[int, int]:
    """The number of its week, and of the last one of that year: the first has at least four days of it (RFC 5545, BYWEEKNO)."""
    year = (_week(day, week_start) + timedelta(days=3)).year
    first, following = (_week(date(at, 1, 4), week_start) for at in (year, year + 1))
    return (day - first).days // 7 + 1, (following - first).days // 7
