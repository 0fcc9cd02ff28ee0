"""Which starts are open. One function answers for the list and for the check of a booking: a check is a list of one instant.

Pure: no database, no clock, no time zone of the process. Datetimes at the edge are aware; inside, instants are integers (microseconds since
the epoch) and intervals are half-open, so precision below a minute or a second survives. Cost: sorting the busy intervals, then one pass.
What has nothing to refuse is a NamedTuple: it is made in a fraction of the time, at import and for each slot.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import repeat
from typing import NamedTuple

from parley.scheduling.availability.availability_rules import (
    ENDLESS,
    MINUTE,
    Hours,
    Run,
    intersect,
    local_day,
    monday_of,
    open_runs,
    to_datetime,
    to_instant,
    wall_instant,
    within_calendar,
)
from parley.scheduling.availability.booking_horizon import Horizon

KINDS = ("ONE_ON_ONE", "GROUP", "COLLECTIVE", "ROUND_ROBIN")
Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Terms:
    """What an event type asks for. Lengths are minutes; `slot_interval` None means the duration; a limit or horizon of None is none."""

    duration: int
    slot_interval: int | None = None
    buffer_before: int = 0
    buffer_after: int = 0
    min_notice: int = 0
    max_per_day: int | None = None
    max_per_week: int | None = None
    capacity: int | None = None
    kind: str = "ONE_ON_ONE"
    horizon: Horizon | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        if self.duration < 1 or (self.slot_interval is not None and self.slot_interval < 1):
            raise ValueError("duration and slot_interval are at least one minute")
        if min(self.buffer_before, self.buffer_after, self.min_notice) < 0:
            raise ValueError("buffers and notice are not negative")
        if self.kind == "GROUP" and self.capacity is None:
            raise ValueError("a GROUP has a capacity")


class Host(NamedTuple):
    """Someone to meet. `busy` is in any order: calendar events as they are, bookings already widened by *their own* buffers."""

    id: Hashable
    hours: Hours
    busy: Iterable[Interval] = ()


class GroupSession(NamedTuple):
    """Seats taken at one start of the GROUP asked about; `occupied` is its time widened by its own buffers.

    Several with the same start are one session and add up. Keep them out of `Host.busy`.
    """

    start: datetime
    occupied: Interval
    seats_taken: int = 1


class Slot(NamedTuple):
    """An open start and its end, in UTC; the ids of the hosts free then, in the order given; seats left in a GROUP."""

    start: datetime
    end: datetime
    hosts: tuple[Hashable, ...]
    seats_left: int | None


def open_slots(
    terms: Terms,
    hosts: Sequence[Host],
    *,
    from_: datetime,
    to: datetime,
    now: datetime,
    counted: Iterable[datetime] = (),
    sessions: Sequence[GroupSession] = (),
    timezone: str | None = None,
) -> list[Slot]:
    """The slots that start in `[from_, to)` and not before `now` plus the notice, in order.

    `counted` are the starts of the event type's bookings that count towards limits, all hosts together, over `limit_span`; `busy` and
    `sessions` cover `busy_span`. `timezone` is the event type's schedule's, where days and weeks are counted (None: the first host's).
    ONE_ON_ONE and GROUP have one host. The caller bounds the range: the answer is as long as it.
    """
    return _solve(terms, hosts, to_instant(from_), to_instant(to), now, counted, sessions, timezone)


def slot_at(
    terms: Terms,
    hosts: Sequence[Host],
    start: datetime,
    *,
    now: datetime,
    counted: Iterable[datetime] = (),
    sessions: Sequence[GroupSession] = (),
    timezone: str | None = None,
    is_on_grid: bool = False,
) -> Slot | None:
    """The slot that starts exactly then, or None: `open_slots` asked for the range of one microsecond.

    `is_on_grid` is for who has asked already, without anything in the way: the hours of all these hosts have such a start.
    """
    instant = to_instant(start)
    slots = _solve(terms, hosts, instant, instant + 1, now, counted, sessions, timezone, is_on_grid=is_on_grid)
    return slots[0] if slots else None


def horizon_end(terms: Terms, timezone: str, now: datetime) -> datetime | None:
    """Up to when, itself not, starts are offered; None for no horizon."""
    return to_datetime(terms.horizon.ends(timezone, now, terms.min_notice)) if terms.horizon is not None else None


def busy_span(terms: Terms, from_: datetime, to: datetime) -> Interval:
    """What may block a start in `[from_, to)`: load every busy interval that overlaps this, and no other."""
    first, last = to_instant(from_) - terms.buffer_before * MINUTE, to_instant(to) + (terms.duration + terms.buffer_after) * MINUTE
    return to_datetime(within_calendar(first)), to_datetime(within_calendar(last))


def limit_span(timezone: str, from_: datetime, to: datetime) -> Interval:
    """The local ISO weeks that `[from_, to)` touches, with a day to spare on both sides: load the booking starts in it to count them."""
    first, last = (monday_of(local_day(timezone, within_calendar(to_instant(moment)))) for moment in (from_, to))
    return to_datetime(wall_instant(timezone, first - 1, 0)), to_datetime(wall_instant(timezone, last + 8, 0))


def _solve(
    terms: Terms,
    hosts: Sequence[Host],
    since: int,
    until: int,
    now: datetime,
    counted: Iterable[datetime],
    sessions: Sequence[GroupSession],
    timezone: str | None,
    *,
    is_on_grid: bool = False,
) -> list[Slot]:
    since, until = max(since, to_instant(now) + terms.min_notice * MINUTE), within_calendar(until)
    if since >= until or not hosts:
        return []
    zone = timezone or hosts[0].hours.timezone
    if terms.horizon is not None:
        until = min(until, terms.horizon.ends(zone, now, terms.min_notice))
        if since >= until:
            return []

    def grid(host: Host) -> Iterable[range]:
        return (range(since, until),) if is_on_grid else _grid(terms, host.hours, since, until)

    seats: dict[int, int] = {}
    free_hosts: dict[int, list[Hashable]] = {}
    if terms.kind == "ROUND_ROBIN":
        for host in hosts:
            for start in _free_starts(grid(host), _blocks(terms, host.busy)):
                free_hosts.setdefault(start, []).append(host.id)
        starts = sorted(free_hosts)
    elif terms.kind == "COLLECTIVE":
        common = grid(hosts[0]) if is_on_grid else _collective_grid(terms, hosts, zone, since, until)
        starts = _free_starts(common, _blocks(terms, (interval for host in hosts for interval in host.busy)))
    elif len(hosts) > 1:
        raise ValueError(f"{terms.kind} has one host")
    elif terms.kind == "GROUP":
        seats = _seats(terms, list(grid(hosts[0])), hosts[0].busy, sessions)
        starts = sorted(seats)
    else:
        starts = _free_starts(grid(hosts[0]), _blocks(terms, hosts[0].busy))

    if terms.max_per_day is not None or terms.max_per_week is not None:
        starts = _within_limits(terms, starts, counted, zone)
    begins = _datetimes(starts, terms.slot_interval or terms.duration)
    length, everyone = timedelta(minutes=terms.duration), tuple(host.id for host in hosts)
    ends = [begin + length for begin in begins]
    who = [tuple(free_hosts[start]) for start in starts] if free_hosts else repeat(everyone)
    return list(map(Slot, begins, ends, who, map(seats.get, starts)))


def _grid(terms: Terms, hours: Hours, since: int, until: int) -> Iterator[range]:
    return _candidates(terms, open_runs(hours, since, until + terms.duration * MINUTE), hours.timezone, since, until)


def _collective_grid(terms: Terms, hosts: Sequence[Host], zone: str, since: int, until: int) -> Iterator[range]:
    common, *others = (open_runs(host.hours, since, until + terms.duration * MINUTE) for host in hosts)
    for runs in others:
        common = intersect(common, runs)
    return _candidates(terms, common, zone, since, until)


def _candidates(terms: Terms, runs: Iterable[Run], zone: str, since: int, until: int) -> Iterator[range]:
    """The starts in `[since, until)` on the grid of each run: run start + k x interval, with room for the duration.

    A run without a beginning has none to count from. Its grid begins anew at each local Monday 00:00, where it would begin if there
    were the least pause before the week; the run itself goes on, so a slot may lie across that midnight.
    """
    step = (terms.slot_interval or terms.duration) * MINUTE
    for start, end in runs:
        stop = min(until, end - terms.duration * MINUTE + 1)
        if start != ENDLESS:
            yield _steps(start, since, stop, step)
            continue
        monday = monday_of(local_day(zone, since) - 1)  # a day early: where clocks go back over midnight, the local date does too
        while (anchor := wall_instant(zone, monday, 0)) < stop:
            monday += 7
            yield _steps(anchor, since, min(stop, wall_instant(zone, monday, 0)), step)


def _steps(anchor: int, since: int, stop: int, step: int) -> range:
    return range(anchor - min(0, (anchor - since) // step) * step, stop, step)


def _blocks(terms: Terms, busy: Iterable[Interval]) -> list[Run]:
    """A start is blocked *strictly* between the two: its padded time would overlap the busy interval."""
    before, after = terms.buffer_before * MINUTE, (terms.duration + terms.buffer_after) * MINUTE
    return [(to_instant(start) - after, to_instant(end) + before) for start, end in busy if start < end]


def _free_starts(grid: Iterable[range], blocks: list[Run]) -> list[int]:
    """The candidates in none of the blocks. Both go forward only."""
    blocks.sort()
    free: list[int] = []
    reached, blocked_until, count = 0, ENDLESS, len(blocks)
    for candidates in grid:
        start, stop, step = candidates.start, candidates.stop, candidates.step
        while start < stop:
            while reached < count and blocks[reached][0] < start:
                blocked_until = max(blocked_until, blocks[reached][1])
                reached += 1
            if start < blocked_until:
                start -= (start - blocked_until) // step * step
                continue
            piece = range(start, stop if reached == count else min(stop, blocks[reached][0] + 1), step)
            free.extend(piece)
            start += len(piece) * step
    return free


def _seats(terms: Terms, grid: Sequence[range], busy: Iterable[Interval], sessions: Sequence[GroupSession]) -> dict[int, int]:
    """Seats left at each open start. A session takes its host's time from every start but its own."""
    capacity = terms.capacity or 0
    taken: Counter[int] = Counter()
    own_blocks: dict[int, list[Run]] = {}
    for session in sessions:
        start = to_instant(session.start)
        taken[start] += session.seats_taken
        own_blocks.setdefault(start, []).extend(_blocks(terms, [session.occupied]))
    session_blocks = [block for blocks in own_blocks.values() for block in blocks]
    lows, highs = sorted(low for low, _ in session_blocks), sorted(high for _, high in session_blocks)

    seats: dict[int, int] = {}
    for start in _free_starts(grid, _blocks(terms, busy)):
        blocked = bisect_left(lows, start) - bisect_right(highs, start)
        if blocked and start in own_blocks:
            blocked -= sum(low < start < high for low, high in own_blocks[start])
        if not blocked and taken[start] < capacity:
            seats[start] = capacity - taken[start]
    return seats


def _within_limits(terms: Terms, starts: Iterable[int], counted: Iterable[datetime], zone: str) -> list[int]:
    days = Counter(local_day(zone, to_instant(moment)) for moment in counted)
    weeks: Counter[int] = Counter()
    for day, bookings in days.items():
        weeks[monday_of(day)] += bookings

    def has_room(start: int) -> bool:
        day = local_day(zone, start)
        if terms.max_per_day is not None and days[day] >= terms.max_per_day:
            return False
        return terms.max_per_week is None or weeks[monday_of(day)] < terms.max_per_week

    return [start for start in starts if has_room(start)]


def _datetimes(instants: Iterable[int], interval: int) -> list[datetime]:
    """Most are one interval (minutes) after the last: adding is ten times cheaper than converting."""
    step, gap = timedelta(minutes=interval), interval * MINUTE
    moments: list[datetime] = []
    moment, expected = to_datetime(0), None
    for instant in instants:
        moment = moment + step if instant == expected else to_datetime(instant)
        expected = instant + gap
        moments.append(moment)
    return moments
