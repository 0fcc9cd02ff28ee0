"""Time zones by the names that calendars give them: IANA's, the calendar's own definition (VTIMEZONE), those of Windows, offsets.

A definition belongs to the calendar that it stands in: it is read with it and gone with it. Nothing here outlives a `CalendarZones`; what
`zoneinfo` keeps are IANA's zones by IANA's names.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from parley.calendar_providers.icalendar_reader import recurrence_rules
from parley.calendar_providers.icalendar_reader.content_lines import IcalendarComponent
from parley.calendar_providers.icalendar_reader.recurrence_rules import StepBudget, StepBudgetSpent

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
_OFFSET = re.compile(r"(?:UTC|GMT|Z)?\s*([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?", re.IGNORECASE)
_DISPLAYED = re.compile(r"\((?:UTC|GMT)\s*([+-]\d{1,2}:?\d{2})?\)\s*(.*)", re.IGNORECASE)
_WALL = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d))?Z?")
# Windows' display names that name no city.
_REGIONS = {
    "eastern time (us & canada)": "America/New_York", "central time (us & canada)": "America/Chicago",
    "mountain time (us & canada)": "America/Denver", "pacific time (us & canada)": "America/Los_Angeles",
    "atlantic time (canada)": "America/Halifax", "newfoundland": "America/St_Johns", "alaska": "America/Anchorage",
    "hawaii": "Pacific/Honolulu", "arizona": "America/Phoenix", "saskatchewan": "America/Regina", "west central africa": "Africa/Lagos",
    "new delhi": "Asia/Kolkata", "beijing": "Asia/Shanghai", "bern": "Europe/Zurich", "edinburgh": "Europe/London",
    "coordinated universal time": "UTC",
}  # fmt: skip
_WINDOWS = {key.lower(): name for key, name in WINDOWS_TO_OLSON.items()}
_NEAR = timedelta(days=800)
_MOST_STEPS, _MOST_DEFINITIONS = 20_000, 10
_LONGEST_NAME = 100


def iana(name: str) -> ZoneInfo | None:
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name) or name.lower() not in _by_place():  # no look at the disk for each
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def offset(text: str) -> timedelta | None:
    """`+0130`, `-08:00`, `UTC+2`. None for what is none."""
    match = _OFFSET.fullmatch(text.strip())
    if match is None:
        return None
    length = timedelta(hours=int(match[2]), minutes=int(match[3] or 0), seconds=int(match[4] or 0))
    return (length if match[1] == "+" else -length) if length < timedelta(days=1) else None


def zone_by_name(name: str) -> tzinfo | None:
    """Whatever its name alone says: of IANA, of Windows (its key or what it displays), a maker's prefix before IANA's, an offset."""
    name = name.strip().strip('"')
    if (zone := iana(name)) is not None or (zone := iana(WINDOWS_TO_OLSON.get(name, ""))) is not None:
        return zone
    if (length := offset(name)) is not None:
        return timezone(length)
    displayed = _DISPLAYED.fullmatch(name)
    if displayed is not None:
        return _displayed(displayed[1], displayed[2])
    parts = name[:_LONGEST_NAME].split("/")
    for at in range(1, len(parts) if "/" in name else 0):
        if "/" in (rest := "/".join(parts[at:])) and (zone := iana(rest)) is not None:
            return zone
    return UTC if name.upper() in ("Z", "TZONE://MICROSOFT/UTC") else _in_other_letters(name)


def _displayed(offset_text: str | None, places: str) -> tzinfo | None:
    """`(UTC+01:00) Amsterdam, Berlin, Bern`: the zone of a city of that offset; without one the offset, as it is in winter."""
    if (name := _REGIONS.get(places.strip().lower())) is not None:
        return iana(name)
    standard = offset(offset_text or "+00:00")
    cities = [_REGIONS.get(city.strip().lower(), city.strip().replace(" ", "_")) for city in places.split(",")[:8]]
    names = (name for city in cities for name in _by_place().get(city.lower(), ()))
    for zone in (zone for name in sorted(names) if (zone := iana(name)) is not None):
        if standard in (zone.utcoffset(datetime(2026, month, 15)) for month in (1, 7)):
            return zone
    return timezone(standard) if standard is not None else None


@cache
def _by_place() -> dict[str, list[str]]:
    """IANA's names by their last part, and by themselves, in small letters: as they are on disk, the same for everybody."""
    names_by_place: dict[str, list[str]] = {}
    for name in available_timezones():
        for key in {name.lower(), name.lower().rpartition("/")[2]}:
            names_by_place.setdefault(key, []).append(name)
    return names_by_place


def _in_other_letters(name: str) -> tzinfo | None:
    names = _by_place().get(name.lower(), []) if "/" in name else [_WINDOWS[name.lower()]] if name.lower() in _WINDOWS else []
    return next((zone for iana_name in names if (zone := iana(iana_name)) is not None), None)


class CalendarZones:
    """Those of one calendar, for times of about `[start, end)`. `work` is for all that is defined there."""

    def __init__(self, definitions: list[IcalendarComponent], start: datetime, end: datetime, work: StepBudget) -> None:
        self._definitions: dict[str, list[IcalendarComponent]] = {}
        for block in definitions:
            self._definitions.setdefault(block.text("TZID"), []).append(block)
        self._work = work
        self._near = (start.replace(tzinfo=None) - _NEAR, end.replace(tzinfo=None) + _NEAR)
        self._kept: dict[str, tzinfo | None] = {}

    def named(self, name: str) -> tzinfo | None:
        """None for a name that nobody understands."""
        name = name.strip().strip('"')
        if name not in self._kept:
            self._kept[name] = iana(name) or self._own(name) or zone_by_name(name)
        return self._kept[name]

    def _own(self, name: str) -> tzinfo | None:
        """The first definition that tells something."""
        blocks = self._definitions.get(name, ())[:_MOST_DEFINITIONS]
        own: tzinfo | None = next((zone for block in blocks if (zone := _defined(block, *self._near, self._work)) is not None), None)
        return own or next((named for block in blocks if (named := iana(block.text("X-LIC-LOCATION"))) is not None), None)


class VTimezone(tzinfo):
    """A VTIMEZONE (RFC 5545, 3.6.5): from each wall-clock time on, another offset."""

    def __init__(self, first: timedelta, onsets: list[tuple[datetime, timedelta]]) -> None:
        offsets = [first, *(after for _, after in onsets)]
        # What the clocks skip is read by the offset before.
        skipped = [max(after - before, timedelta()) for before, after in pairwise(offsets)]
        self._offsets = offsets
        self._walls = [wall + gap for (wall, _), gap in zip(onsets, skipped, strict=True)]
        self._instants = [wall - before for (wall, _), before in zip(onsets, offsets, strict=False)]

    def utcoffset(self, moment: datetime | None, /) -> timedelta:
        return self._offsets[bisect_right(self._walls, moment.replace(tzinfo=None)) if moment is not None else 0]

    def dst(self, _: datetime | None, /) -> None:
        return None

    def tzname(self, _: datetime | None, /) -> None:
        return None

    def fromutc(self, moment: datetime, /) -> datetime:
        instant = moment.replace(tzinfo=None)
        return moment + self._offsets[bisect_right(self._instants, instant)]


@dataclass(frozen=True, slots=True)
class _Observance:
    begins: datetime
    before: timedelta
    after: timedelta


def _defined(block: IcalendarComponent, first: datetime, last: datetime, all_work: StepBudget) -> VTimezone | None:
    """None for a definition that tells nothing."""
    work, observances = StepBudget(min(_MOST_STEPS, all_work.left)), list[_Observance]()
    begun_with = work.left
    for inner in block.blocks:
        begins, after = wall(inner.text("DTSTART")), offset(inner.text("TZOFFSETTO"))
        before = from_offset if (from_offset := offset(inner.text("TZOFFSETFROM"))) is not None else after
        if inner.name not in ("STANDARD", "DAYLIGHT") or begins is None or before is None or after is None:
            continue
        try:
            observances += [_Observance(at, before, after) for at in _onsets(inner, begins, before, first, last, work)]
        except (StepBudgetSpent, OverflowError):
            observances.append(_Observance(begins, before, after))
    all_work.left -= begun_with - max(work.left, 0)
    observances.sort(key=lambda observance: observance.begins)
    return VTimezone(observances[0].before, [(observance.begins, observance.after) for observance in observances]) if observances else None


def _onsets(
    block: IcalendarComponent, begins: datetime, before: timedelta, first: datetime, last: datetime, work: StepBudget
) -> set[datetime]:
    onsets = {begins}
    for dates in block.all("RDATE"):
        onsets |= {at for text in dates.value.split(",") if (at := wall(text.partition("/")[0])) is not None}
    for text in block.all("RRULE"):
        rule, _ = recurrence_rules.read(text.value)
        if rule is None:
            continue
        until = wall(rule.until or "")
        if until is not None:
            until += before if (rule.until or "").endswith("Z") else timedelta()
        ends = min(last, until) if until is not None else last
        onsets |= set(recurrence_rules.occurrences(rule, begins, min(first, ends - _NEAR), ends, work))
    return onsets


def wall(text: str) -> datetime | None:
    """A date, or a date and time, whatever its zone is. None for what is none."""
    match = _WALL.fullmatch(text.strip().upper())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


def instant(moment: datetime, zone: tzinfo) -> datetime:
    """A wall-clock time there, in UTC; at either end of the calendar as it stands."""
    try:
        return moment.replace(tzinfo=zone).astimezone(UTC)
    except (OverflowError, ValueError):
        return moment.replace(tzinfo=UTC)


def local(moment: datetime, zone: tzinfo) -> datetime:
    """An instant, as the clocks there show it."""
    try:
        return moment.astimezone(zone).replace(tzinfo=None)
    except (OverflowError, ValueError):
        return moment.replace(tzinfo=None)
