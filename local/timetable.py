"""When a schedule is due: `rate(5 minutes)` and `cron(0 3 * * ? *)` as EventBridge understands them, in UTC."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta

from local.cloudformation import TemplateProblem

_UNITS = {"minute": 60, "minutes": 60, "hour": 3600, "hours": 3600, "day": 86400, "days": 86400}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)}
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
_HORIZON = timedelta(days=366 * 5)


def next_time(expression: str, after: datetime) -> datetime:
    """The first moment after `after` at which the schedule is due. Raises TemplateProblem for what it can't read."""
    if rate := re.fullmatch(r"rate\((\d+) (\w+)\)", expression.strip()):
        number, unit = int(rate.group(1)), rate.group(2)
        if number < 1 or unit not in _UNITS:
            raise TemplateProblem(f"{expression}: not a rate")
        return after + timedelta(seconds=number * _UNITS[unit])
    if cron := re.fullmatch(r"cron\((.+)\)", expression.strip()):
        return _next_of(cron.group(1).split(), after, expression)
    raise TemplateProblem(f"{expression}: neither rate(...) nor cron(...)")


def _next_of(fields: list[str], after: datetime, expression: str) -> datetime:
    if len(fields) != 6:
        raise TemplateProblem(f"{expression}: cron takes six fields")
    names: tuple[dict[str, int], ...] = ({}, {}, {}, _MONTHS, _DAYS, {})
    try:
        minutes, hours, days, months, weekdays, years = (_values(*field) for field in zip(fields, _BOUNDS, names, strict=True))
    except ValueError as problem:
        raise TemplateProblem(f"{expression}: the local stack does not understand this field: {problem}") from problem
    moment = after.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    while moment < after + _HORIZON:
        last = calendar.monthrange(moment.year, moment.month)[1]
        is_day = (moment.day in days or (fields[2] == "L" and moment.day == last)) and moment.isoweekday() % 7 + 1 in weekdays
        if moment.month not in months or moment.year not in years or not is_day:
            moment = moment.replace(hour=0, minute=0) + timedelta(days=1)
        elif moment.hour not in hours:
            moment = moment.replace(minute=0) + timedelta(hours=1)
        elif moment.minute not in minutes:
            moment += timedelta(minutes=1)
        else:
            return moment
    raise TemplateProblem(f"{expression}: never due within five years")


def _values(field: str, bounds: tuple[int, int], names: dict[str, int]) -> set[int]:
    """The numbers that a field stands for: * ? a a-b a,b */n a/n."""
    values: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "L" and bounds == (1, 31):
            continue
        first, _, last = span.partition("-")
        if first in {"*", "?"}:
            low, high = bounds
        else:
            low = names.get(first.upper()) or int(first)
            high = (names.get(last.upper()) or int(last)) if last else (bounds[1] if step else low)
        if not bounds[0] <= low <= high <= bounds[1]:
            raise ValueError(part)
        values |= set(range(low, high + 1, int(step) if step else 1))
    return values
