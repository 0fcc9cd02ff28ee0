"""What is available, worked out minute by minute on purpose slowly. Shares no code with the engine, and no idea: no interval arithmetic.

Time is a table with one row for each UTC minute and the wall time that a clock in the zone shows then. Hours are minutes painted open
on it, a run is open minutes in a row, a wall time is looked up. Windows are whole minutes and zones whole-minute offsets, so nothing is
lost; busy times are compared as datetimes, to the microsecond.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
DAYS_BACK, DAYS_ON = 20, 8


@dataclass
class Question:
    """Plain values; times aware and in UTC. Weekly: (weekday, start, end); overrides: (date, available, start or None, end or None)."""

    kind: str
    zone: str
    duration: int
    interval: int
    buffers: tuple[int, int]
    notice: int
    per_day: int | None
    per_week: int | None
    capacity: int
    start: datetime
    end: datetime
    now: datetime
    hosts: list[dict[str, Any]]  # each with zone, weekly, overrides, busy
    counted: list[datetime] = field(default_factory=list)
    sessions: list[tuple[datetime, datetime, datetime, int]] = field(default_factory=list)  # start, occupied from, until, seats
    around: date = date(2025, 1, 1)


class Clock:
    """The wall clock of a zone over the weeks around a date."""

    def __init__(self, zone: str, around: date) -> None:
        self.begin = datetime(around.year, around.month, around.day, tzinfo=UTC) - DAYS_BACK * DAY
        self.length = (DAYS_BACK + DAYS_ON) * 1440
        tz = ZoneInfo(zone)
        self.walls = [(self.begin + n * MINUTE).astimezone(tz).replace(tzinfo=None) for n in range(self.length)]
        self.first_shown: dict[datetime, int] = {}
        for n, wall in enumerate(self.walls):
            self.first_shown.setdefault(wall, n)
        self.dates = sorted({wall.date() for wall in self.walls})

    def minute_of(self, wall: datetime) -> int | None:
        """The row of a wall time; a missing one is as long after the jump as it claims to be. None outside the table."""
        if wall <= self.walls[0] or wall >= self.walls[-1]:
            return None
        shown = wall
        while shown not in self.first_shown:
            shown -= MINUTE
        return self.first_shown[shown] + (wall - shown) // MINUTE


@cache
def clock(zone: str, around: date) -> Clock:
    return Clock(zone, around)


def paint(clock: Clock, day: date, spans: list[tuple[int, int]]) -> set[int]:
    minutes: set[int] = set()
    for start, end in spans:
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # a wall clock has none
        first = clock.minute_of(midnight + start * MINUTE)
        last = clock.minute_of(midnight + end * MINUTE + (DAY if end <= start else 0 * DAY))
        minutes.update(range(clock.length if first is None else first, clock.length if last is None else last))
    return minutes


def open_minutes(clock: Clock, host: dict[str, Any]) -> bytearray:
    opened: set[int] = set()
    for day in clock.dates[2:-2]:
        weekly = [(start, end) for weekday, start, end in host["weekly"] if weekday == day.weekday()]
        rows = [row for row in host["overrides"] if row[0] == day]
        windows = [(0, 1440) if row[2] is None else (row[2], row[3]) for row in rows if row[1]]
        away = [row[2:] for row in rows if not row[1]]
        if (None, None) in away:
            continue
        opened |= paint(clock, day, windows or weekly) - paint(clock, day, away)
    table = bytearray(clock.length)
    for minute in opened:
        table[minute] = 1
    return table


def grid(question: Question, clock: Clock, table: bytearray) -> Iterator[int]:
    """The rows of the candidate starts."""
    mondays = {clock.minute_of(datetime(day.year, day.month, day.day)) for day in clock.dates[1:] if day.weekday() == 0}  # noqa: DTZ001  # as above
    first_day = 4 * 1440
    began: int | None = None
    endless = all(table[first_day : first_day + 1440])
    for minute in range(first_day, clock.length):
        if not table[minute]:
            began, endless = None, False
            continue
        if began is None or (endless and minute in mondays):
            began = minute
        if (minute - began) % question.interval == 0:
            room = table[minute : minute + question.duration]
            if len(room) == question.duration and all(room):
                yield minute


def overlaps(start: datetime, end: datetime, busy: tuple[datetime, datetime]) -> bool:
    return busy[0] < busy[1] and start < busy[1] and busy[0] < end


def full(question: Question, clock: Clock, minute: int) -> bool:
    def shown(moment: datetime) -> datetime:
        return clock.walls[(moment - clock.begin) // MINUTE]

    here = clock.walls[minute]
    same_day = sum(shown(moment).date() == here.date() for moment in question.counted)
    same_week = sum(shown(moment).isocalendar()[:2] == here.isocalendar()[:2] for moment in question.counted)
    return (question.per_day is not None and same_day >= question.per_day) or (
        question.per_week is not None and same_week >= question.per_week
    )


def answer(question: Question) -> list[tuple[datetime, tuple[int, ...], int | None]]:
    """(start, indexes of the hosts free, seats left) for each open start."""
    event_clock = clock(question.zone, question.around)
    tables = [open_minutes(clock(host["zone"], question.around), host) for host in question.hosts]
    together = bytearray(all(bits) for bits in zip(*tables, strict=True))
    slots: dict[datetime, tuple[tuple[int, ...], int | None]] = {}

    def consider(minutes: Iterator[int], members: Sequence[int]) -> None:
        for minute in minutes:
            start = event_clock.begin + minute * MINUTE
            if not question.start <= start < question.end or start < question.now + question.notice * MINUTE:
                continue
            padded = start - question.buffers[0] * MINUTE, start + (question.duration + question.buffers[1]) * MINUTE
            busy = [interval for member in members for interval in question.hosts[member]["busy"]]
            others = [session[1:3] for session in question.sessions if session[0] != start]
            if any(overlaps(*padded, interval) for interval in [*busy, *others]) or full(question, event_clock, minute):
                continue
            left = None
            if question.kind == "GROUP":
                left = question.capacity - sum(session[3] for session in question.sessions if session[0] == start)
                if left <= 0:
                    continue
            slots[start] = slots.get(start, ((), None))[0] + tuple(members), left

    if question.kind == "COLLECTIVE":
        consider(grid(question, event_clock, together), range(len(tables)))
    else:
        for member, table in enumerate(tables):
            consider(grid(question, clock(question.hosts[member]["zone"], question.around), table), [member])
    return [(start, *slots[start]) for start in sorted(slots)]
