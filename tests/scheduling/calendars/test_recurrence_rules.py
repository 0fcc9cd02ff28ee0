"""Recurrence rules against another implementation, and what they cost."""

from __future__ import annotations

import random
from datetime import datetime

import pytest
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # it has no types

from parley.calendar_providers.icalendar_reader import recurrence_rules
from parley.calendar_providers.icalendar_reader.recurrence_rules import StepBudget, StepBudgetSpent

FIRST, LAST = datetime(2027, 1, 10), datetime(2027, 7, 30)
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def occurrences(
    text: str, start: datetime, first: datetime = FIRST, last: datetime = LAST, steps: int = 10**7
) -> tuple[list[datetime], int]:
    rule, is_whole = recurrence_rules.read(text)
    assert rule is not None and is_whole, text
    work = StepBudget(steps)
    return list(recurrence_rules.occurrences(rule, start, first, last, work)), steps - work.left


def _rule(chance: random.Random) -> str:  # noqa: C901  # a part after another
    """One whose meaning both agree on: no BYWEEKNO without days, no numbered days but of months and years."""
    frequency = chance.choice(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"])
    parts = [f"FREQ={frequency}", f"INTERVAL={chance.choice([1, 1, 1, 2, 3, 5])}"]

    def some(low: int, high: int, most: int = 3) -> str:
        return ",".join(str(number) for number in sorted(chance.sample(range(low, high + 1), chance.randint(1, most))))

    if chance.random() < 0.3:
        parts.append(f"BYMONTH={some(1, 12)}")
    days = chance.sample(DAYS, chance.randint(1, 3))
    if frequency == "YEARLY" and chance.random() < 0.2:
        parts += [f"BYWEEKNO={some(1, 53)}", f"BYDAY={','.join(days)}"]
    elif frequency in ("YEARLY", "MONTHLY") and chance.random() < 0.3:
        parts.append("BYDAY=" + ",".join(f"{chance.choice([1, 2, -1, 3, 5])}{day}" for day in days))
    elif chance.random() < 0.4:
        parts.append(f"BYDAY={','.join(days)}")
    if frequency != "WEEKLY" and chance.random() < 0.3:
        parts.append(f"BYMONTHDAY={some(1, 31)},-{chance.randint(1, 5)}")
    if frequency == "YEARLY" and chance.random() < 0.15:
        parts.append(f"BYYEARDAY={some(1, 366, 9)},-1")
    if chance.random() < 0.25:
        parts.append(f"BYHOUR={some(0, 23)}")
    if chance.random() < 0.15:
        parts.append(f"BYMINUTE={some(0, 59, 2)}")
    if frequency != "HOURLY" and chance.random() < 0.15 and any(part.startswith("BY") for part in parts):
        parts.append(f"BYSETPOS={chance.choice(['1', '-1', '1,-1', '2'])}")
    if chance.random() < 0.3:
        parts.append(f"WKST={chance.choice(DAYS)}")
    if chance.random() < 0.3:
        parts.append(f"COUNT={chance.choice([1, 7, 60, 300])}")
    return ";".join(parts)


def test_a_rule_gives_the_times_that_another_implementation_gives() -> None:
    chance = random.Random(8)
    for _ in range(300):
        text = _rule(chance)
        start = datetime(
            chance.choice([2024, 2026, 2027]), chance.randint(1, 6), chance.randint(1, 28), chance.randint(0, 23), chance.randint(0, 59)
        )
        times = occurrences(text, start)[0]
        if not times and text.startswith(("FREQ=DAILY", "FREQ=HOURLY", "FREQ=WEEKLY")):
            continue  # the other one looks for it until the year 9999
        try:
            other = rrulestr(text, dtstart=start).between(FIRST, LAST, inc=True)
        except ValueError:  # it says so of hours that the interval never comes to
            other = []
        assert times == other, (text, start)


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=3;COUNT=100000",
        "FREQ=WEEKLY;BYDAY=MO,WE,FR",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;COUNT=50000",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=YEARLY;BYMONTH=2,5;BYMONTHDAY=29,-1",
        "FREQ=HOURLY;INTERVAL=7",
    ],
)
def test_a_series_of_1970_costs_what_one_of_this_year_does(text: str) -> None:
    old, new = datetime(1970, 1, 1, 9), datetime(2026, 11, 1, 9)
    assert occurrences(text, old)[1] <= occurrences(text, new)[1] * 1.3 + 50
    assert occurrences(text, old)[0] == rrulestr(text, dtstart=old).between(FIRST, LAST, inc=True)


@pytest.mark.parametrize("text", ["FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=SECONDLY;BYMONTH=12"])
def test_a_rule_that_never_comes_true_is_looked_for_in_the_window_alone(text: str) -> None:
    assert occurrences(text, datetime(1601, 1, 1), steps=2000)[0] == []


def test_what_recurs_without_end_ends_with_its_work() -> None:
    with pytest.raises(StepBudgetSpent):
        occurrences("FREQ=SECONDLY", datetime(2027, 1, 1), steps=10_000)
    assert datetime(9999, 12, 30) in occurrences("FREQ=DAILY", datetime(9999, 12, 1), datetime(9999, 12, 29), datetime.max)[0]


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY"),
        ("FREQ=WEEKLY;BYDAY=MO,XX", "FREQ=WEEKLY;BYDAY=MO"),
        ("FREQ=DAILY;INTERVAL=0", "FREQ=DAILY"),
        ("FREQ=DAILY;COUNT=x", "FREQ=DAILY"),
        ("FREQ=DAILY;BYHOUR=99", "FREQ=DAILY"),
        ("FREQ=MONTHLY;BYWEEKNO=3", "FREQ=MONTHLY"),
        ("freq=daily;;SKIP=OMIT", "FREQ=DAILY"),
    ],
)
def test_a_part_that_nobody_understands_is_left_out(text: str, like: str) -> None:
    rule, is_whole = recurrence_rules.read(text)
    assert (rule, is_whole) == (recurrence_rules.read(like)[0], False)


def test_a_rule_without_a_frequency_is_none() -> None:
    assert recurrence_rules.read("INTERVAL=2") == (None, False)
    assert recurrence_rules.read("W1 MO TU #5") == (None, False)
