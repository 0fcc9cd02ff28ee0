"""Opening hours on a wall clock, turned into runs of instants.

Instants are integers here: microseconds since 1970-01-01T00:00Z. A *run* is a maximal half-open interval `(start, end)` of open time.
Nothing reads the process's own time zone. Source of the rules: the availability rules of the product and RFC 5545 section 3.3.5.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

Run: TypeAlias = tuple[int, int]  # the `type` statement needs Python 3.12

MINUTE = 60_000_000
DAY = 1440 * MINUTE
ENDLESS = -(1 << 62)
"""The start of a run that has no beginning: hours that cover every instant, back to the first day."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_MICROSECOND = timedelta(microseconds=1)
_WEEK_MINUTES = 7 * 1440
_FIRST, _LAST = -1969 * 365 * DAY, 8000 * 365 * DAY


@dataclass(frozen=True, slots=True)
class Window:
    """Open every week from `start_minute` to `end_minute`, minutes of the local day; Monday is 0.

    An end of 1440 is 24:00. An end that is not after the start lies on the next local day; the window still belongs to its weekday.
    """

    weekday: int
    start_minute: int
    end_minute: int

    def __post_init__(self) -> None:
        if not 0 <= self.weekday <= 6:
            raise ValueError("weekday is 0 (Monday) to 6")
        _check_minutes(self.start_minute, self.end_minute)


@dataclass(frozen=True, slots=True)
class Override:
    """One row about one local date. Minutes as in `Window`; both or neither are given.

    The rows of a date replace the weekly windows that *start* on it, all rows together:

    - available rows give the hours (without times: 00:00 to 24:00);
    - unavailable rows with times are taken out of the available rows, or, when the date has none, out of its weekly windows: "away 12 to
      14" is not a day off;
    - one unavailable row without times closes the date, whatever else is said about it.

    A window that began the day before runs on; none of these cut it.
    """

    date: date
    is_available: bool
    start_minute: int | None = None
    end_minute: int | None = None

    def __post_init__(self) -> None:
        if self.start_minute is not None and self.end_minute is not None:
            _check_minutes(self.start_minute, self.end_minute)
        elif self.start_minute is not None or self.end_minute is not None:
            raise ValueError("start_minute and end_minute come together")


class Hours(NamedTuple):
    """A schedule: an IANA time zone, weekly windows, and the overrides, past ones too.

    An old override can still be where an unbroken run begins, and so set the grid of today.
    """

    timezone: str
    weekly: tuple[Window, ...]
    overrides: tuple[Override, ...] = ()


def to_instant(moment: datetime) -> int:
    """Microseconds since the epoch of an aware datetime; TypeError for a naive one."""
    since = moment - _EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def to_datetime(instant: int) -> datetime:
    return _EPOCH + timedelta(0, 0, instant)


def within_calendar(instant: int) -> int:
    """Drawn in from the ends of the calendar, where a day more or less would overflow: strangers may ask for the year 9999."""
    return min(max(instant, _FIRST), _LAST)


@lru_cache(maxsize=1 << 14)
def wall_instant(timezone: str, day: int, minute: int) -> int:
    """The instant of a wall time: `minute` minutes after 00:00 of the local date with ordinal `day`.

    A repeated wall time means its first occurrence, a missing one uses the offset before the jump (RFC 5545; PEP 495 with `fold=0`).
    """
    wall = datetime.fromordinal(day).replace(tzinfo=ZoneInfo(timezone)) + timedelta(minutes=minute)
    return (day - _EPOCH_ORDINAL) * DAY + minute * MINUTE - _offset(wall)


def local_day(timezone: str, instant: int) -> int:
    """The ordinal of the local date at an instant."""
    utc_day = instant // DAY
    offset = _steady_offset(timezone, utc_day)
    if offset is None:
        return to_datetime(instant).astimezone(ZoneInfo(timezone)).toordinal()
    return (instant + offset) // DAY + _EPOCH_ORDINAL


@lru_cache(maxsize=1 << 12)
def _steady_offset(timezone: str, utc_day: int) -> int | None:
    """The UTC offset that holds through a UTC day; None on a day with a change."""
    midnight = to_datetime(utc_day * DAY)
    here, next_day = (_offset(moment.astimezone(ZoneInfo(timezone))) for moment in (midnight, midnight + timedelta(days=1)))
    return here if here == next_day else None


def _offset(moment: datetime) -> int:
    return (moment.utcoffset() or timedelta()) // _MICROSECOND


def monday_of(day: int) -> int:
    """The ordinal of the Monday of this day's ISO week."""
    return day - (day - 1) % 7


def open_runs(hours: Hours, since: int, until: int) -> list[Run]:
    """The runs that end after `since`, in order, complete at their start and as far as `until` at their end.

    Windows that overlap or touch join. The start is the true one, however long before `since` it lies, so that it does not depend on what
    was asked. There is none in hours that cover every instant: then it is ENDLESS. The work is that of the range, and of the overrides that
    may have made a pause, where the hours before it have none of their own: how far away a date lies costs nothing.
    """
    zone = hours.timezone
    windows = _windows(hours)
    today = local_day(zone, since)
    last = local_day(zone, until) + 1  # one more: where clocks go back over midnight, the next date begins twice
    first = today - 3
    runs = [run for run in join([window for day in range(first, last + 1) for window in windows(day)]) if run[1] > since]
    if not runs or runs[0][0] > _known_from(zone, first):
        return runs
    if _covers_week(hours.weekly):
        dates = sorted({row.date.toordinal() for row in hours.overrides}, reverse=True)
        start = _after_last_pause(zone, windows, runs[0], [day for day in dates if day < first + 3])
    else:
        start = _looked_back(zone, windows, runs[0], today, first)
    return [(start, runs[0][1]), *runs[1:]]


def _windows(hours: Hours) -> Callable[[int], list[Run]]:
    """The windows that begin on a local date, by its ordinal; each date is worked out once."""
    zone = hours.timezone
    weekly: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for window in hours.weekly:
        weekly[window.weekday].append(_span(window.start_minute, window.end_minute))
    overridden: dict[int, list[Override]] = {}
    for row in hours.overrides:
        overridden.setdefault(row.date.toordinal(), []).append(row)
    runs_by_day: dict[int, list[Run]] = {}

    def windows(day: int) -> list[Run]:
        runs = runs_by_day.get(day)
        if runs is None:
            usual, rows = weekly[(day - 1) % 7], overridden.get(day)
            if wall_instant(zone, day + 1, 0) <= wall_instant(zone, day, 0):
                runs = []  # the date never happened here: Apia's 30 December 2011
            else:
                runs = _instants(zone, day, usual) if rows is None else _overridden(zone, day, usual, rows)
            runs_by_day[day] = runs
        return runs

    return windows


def _known_from(zone: str, first: int) -> int:
    """From when on the windows of `first` and later say all: one lasts to the end of the next local day, which a skipped date puts off."""
    return wall_instant(zone, first + 2, 0)


def _after_last_pause(zone: str, windows: Callable[[int], list[Run]], head: Run, dates: Sequence[int]) -> int:
    """Where hours that cover the week begin. Only an override makes a pause, so it is looked for around their dates alone, latest first."""
    for day in dates:
        runs = join([window for near in range(day - 3, day + 4) for window in windows(near)])
        start = next((run[0] for run in reversed(runs) if run[0] <= head[0]), ENDLESS)
        if start > _known_from(zone, day - 3):
            return start
    return ENDLESS


def _looked_back(zone: str, windows: Callable[[int], list[Run]], head: Run, today: int, first: int) -> int:
    """Where the run begins whose known part is `head`: twice as far back each time. Each week without an override has a pause."""
    while head[0] <= _known_from(zone, first):
        first -= today - first
        runs = join([*(window for day in range(first, today + 1) for window in windows(day)), head])
        head = next(run for run in reversed(runs) if run[0] <= head[0])
    return head[0]


def join(intervals: Iterable[Run]) -> list[Run]:
    """Sorted, with those that overlap or touch made one."""
    joined: list[Run] = []
    end = ENDLESS
    for interval in sorted(intervals):
        if interval[0] > end or not joined:
            joined.append(interval)
            end = interval[1]
        elif interval[1] > end:
            end = interval[1]
            joined[-1] = (joined[-1][0], end)
    return joined


def intersect(runs: Sequence[Run], other_runs: Sequence[Run]) -> list[Run]:
    """What two joined lists have in common, joined again."""
    common: list[Run] = []
    i = j = 0
    while i < len(runs) and j < len(other_runs):
        start, end = max(runs[i][0], other_runs[j][0]), min(runs[i][1], other_runs[j][1])
        if start < end:
            common.append((start, end))
        if runs[i][1] == end:
            i += 1
        else:
            j += 1
    return common


def _overridden(zone: str, day: int, usual: Sequence[tuple[int, int]], rows: Sequence[Override]) -> list[Run]:
    if any(not row.is_available and row.start_minute is None for row in rows):
        return []
    spans = [_row_span(row) for row in rows if row.is_available]
    away = join(_instants(zone, day, [_row_span(row) for row in rows if not row.is_available]))
    # Instants are cut, not wall minutes: a cut inside an hour that clocks skip must not move what is left.
    # What lies between the cuts is kept: their ends, paired the other way round.
    ends = [ENDLESS, *(instant for run in away for instant in run), -ENDLESS]
    return intersect(join(_instants(zone, day, spans or usual)), list(zip(ends[::2], ends[1::2], strict=True)))


def _instants(zone: str, day: int, spans: Sequence[tuple[int, int]]) -> list[Run]:
    runs = [(wall_instant(zone, day, start), wall_instant(zone, day, end)) for start, end in spans]
    return [run for run in runs if run[0] < run[1]]  # a window inside a skipped hour can end before it starts


def _row_span(row: Override) -> tuple[int, int]:
    if row.start_minute is None or row.end_minute is None:
        return 0, 1440
    return _span(row.start_minute, row.end_minute)


def _span(start_minute: int, end_minute: int) -> tuple[int, int]:
    return start_minute, end_minute if end_minute > start_minute else end_minute + 1440


def _covers_week(weekly: Sequence[Window]) -> bool:
    """Whether the windows leave no minute of the week's wall clock open. Clock changes add no pause: ends map as starts do."""
    spans = []
    for window in weekly:
        start, end = _span(window.start_minute, window.end_minute)
        spans.append((window.weekday * 1440 + start, window.weekday * 1440 + end))
    spans += [(start - _WEEK_MINUTES, end - _WEEK_MINUTES) for start, end in spans]  # Sunday's may run into Monday
    reached = 0
    for start, end in sorted(spans):
        if start > reached:
            return False
        reached = max(reached, end)
    return reached >= _WEEK_MINUTES


def _check_minutes(start_minute: int, end_minute: int) -> None:
    if not (0 <= start_minute < 1440 and 0 <= end_minute <= 1440):
        raise ValueError("start_minute is 0 to 1439, end_minute 0 to 1440")
