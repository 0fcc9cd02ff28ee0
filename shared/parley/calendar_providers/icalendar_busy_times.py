"""iCalendar (RFC 5545) that strangers wrote: when it keeps somebody busy. And the one event that we write.

When in doubt, busy: what can be read counts, what can't is counted. Nothing is raised for an event, whatever it says, and reading ends
after so many steps: what recurs beyond them is busy from its first time to its last. Nothing of a calendar is kept after it was read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from parley.calendar_providers.icalendar_reader import calendar_timezones, recurrence_rules
from parley.calendar_providers.icalendar_reader.calendar_timezones import CalendarZones
from parley.calendar_providers.icalendar_reader.content_lines import IcalendarComponent, read_components
from parley.calendar_providers.icalendar_reader.recurrence_rules import RecurrenceRule, StepBudget, StepBudgetSpent
from parley.calendar_providers.icalendar_reader.vevents import DAY, Addresses, VEventReader, WallTime, address_of
from parley.calendar_providers.icalendar_reader.vevents import VEvent as Said
from parley.calendar_providers.provider_protocol import MOST_EVENTS, BookingEvent, ProviderError, ProviderErrorCode

__all__ = ["address_of", "busy", "event_text", "free_busy", "parse_calendars", "timezone_of"]

Times = list[tuple[datetime, datetime]]
# Steps of a microsecond or so.
_OF_A_CALENDAR, _OF_A_SERIES, _OF_ZONES = 600_000, 60_000, 200_000
_MOST_TIMES = 4 * MOST_EVENTS
_ANY = datetime(2000, 1, 1)  # of zones that nobody defines
_LONGEST_LOOK_BACK = timedelta(days=800)
OTHERS, FREE_BUSY = "others", "free-busy"
"""The names of what is more than can be told one by one, and of what is told without events."""


@dataclass(slots=True)
class BusyEvent:
    """When what has one UID keeps somebody busy. `is_clear`: all of it was understood; `is_known`: something was."""

    times: Times = field(default_factory=list)
    is_clear: bool = True
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class TimeWindow:
    start: datetime
    end: datetime

    def touches(self, begins: datetime, ends: datetime) -> bool:
        return begins < ends and ends > self.start and begins < self.end


def parse_calendars(content: bytes) -> list[IcalendarComponent]:
    """The calendars of a stream (RFC 5545, 3.4). Raises `ProviderError` for what is none."""
    calendars = read_components(content)
    if not calendars:
        raise ProviderError(ProviderErrorCode.REFUSED, "What came is not an iCalendar.")
    return calendars


def busy(
    calendars: Sequence[IcalendarComponent], start: datetime, end: datetime, timezone: str, owner: Addresses = frozenset
) -> dict[str, BusyEvent]:
    """The times in `[start, end)` that events keep, by UID; one that keeps none has none. `owner`: the addresses whose refusals count.

    Recurring events are expanded by their own zones, with exceptions and moved instances. All-day events and those without a zone are in
    the zone that their calendar names, or else `timezone`.
    """
    window, work, busy_events = TimeWindow(start, end), StepBudget(_OF_A_CALENDAR), dict[str, BusyEvent]()
    zone_work = StepBudget(_OF_ZONES)
    for calendar in calendars:
        zones = CalendarZones(calendar.inner("VTIMEZONE"), start, end, zone_work)
        own = _own_zone(calendar, zones)
        reader = VEventReader(zones, own or calendar_timezones.zone_by_name(timezone) or UTC, owner, utc_is_local=own is not None)
        series: dict[str, list[Said]] = {}
        for block in calendar.inner("VEVENT"):
            event = reader.event(block)
            series.setdefault(event.uid, []).append(event)
        for uid, events in series.items():
            _add(busy_events.setdefault(uid, BusyEvent(is_known=False)), _kept(events, reader, window, work))
        if calendar.inner("VFREEBUSY"):  # what an address of free and busy times publishes
            shown = free_busy([calendar])
            shown.times = [time for time in shown.times if window.touches(*time)]
            _add(busy_events.setdefault(FREE_BUSY, BusyEvent(is_known=False)), shown)
    return _bounded(busy_events, window)


def _add(kept: BusyEvent, more: BusyEvent) -> None:
    kept.times += more.times
    kept.is_clear, kept.is_known = kept.is_clear and more.is_clear, kept.is_known or more.is_known


def _bounded(busy_events: dict[str, BusyEvent], window: TimeWindow) -> dict[str, BusyEvent]:
    """What is more than an answer holds, as one: by half hours, so that it has an end."""
    room, spare = _MOST_TIMES, Times()
    for kept in sorted(busy_events.values(), key=lambda busy_event: len(busy_event.times)):
        if len(kept.times) > room:
            spare += kept.times
            kept.times = []
        room -= len(kept.times)
    if spare:
        busy_events[OTHERS] = BusyEvent(_merged(spare, window), is_clear=False)
    return busy_events


def _merged(times: Times, window: TimeWindow) -> Times:
    half, whole = timedelta(minutes=30), Times()
    rounded = {
        (max((begins - window.start) // half, 0), min(-(-(ends - window.start) // half), -(-(window.end - window.start) // half)))
        for begins, ends in times
    }
    for first, last in sorted(rounded):
        begins, ends = window.start + first * half, window.start + last * half
        if whole and begins <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(ends, whole[-1][1]))
        else:
            whole.append((begins, ends))
    return whole


def _own_zone(calendar: IcalendarComponent, zones: CalendarZones) -> tzinfo | None:
    return next((zone for name in _zone_names(calendar) if (zone := zones.named(name)) is not None), None)


def _zone_names(calendar: IcalendarComponent) -> Iterator[str]:
    """X-WR-TIMEZONE is what most write, TIMEZONE-ID what Thunderbird's and Apple's kin did."""
    yield from (name for key in ("X-WR-TIMEZONE", "TIMEZONE-ID") if (name := calendar.text(key)))


def timezone_of(calendars: Sequence[IcalendarComponent]) -> str | None:
    """What the calendar says of itself, by a name that is known everywhere."""
    names = [name for calendar in calendars for name in _zone_names(calendar)]
    names += [block.text("TZID") for calendar in calendars for block in calendar.inner("VTIMEZONE")]
    return next((name for name in names if name and calendar_timezones.zone_by_name(name) is not None), None)


def _kept(events: list[Said], reader: VEventReader, window: TimeWindow, work: StepBudget) -> BusyEvent:
    """Of what has one UID: a series and its exceptions, revisions of one event, or several that their maker gave one name."""
    kept = BusyEvent(is_clear=all(event.is_clear for event in events), is_known=any(event.start is not None for event in events))
    masters = _latest([event for event in events if event.recurrence_id is None and event.start is not None])
    changed = _changed([event for event in events if event.recurrence_id is not None and (event.start is not None or not event.is_busy)])
    out = _taken_out(masters)
    changed = [event for event in changed if not _is_taken_out(event, out)]
    for event in changed:
        if event.is_busy and event.start is not None:
            _keep(kept, event, event.start, event.length, window)
    exceptions = _Exceptions(changed)
    for event in masters:
        allowance = StepBudget(min(_OF_A_SERIES, work.left))
        before, mark = allowance.left, len(kept.times)
        try:
            _expand(kept, event, exceptions, reader, window, allowance)
        except StepBudgetSpent:
            kept.is_clear, whole = False, _extent(event, reader, window)
            outside = [time for time in kept.times[mark:] if not any(a <= time[0] and time[1] <= b for a, b in whole)]
            kept.times[mark:] = whole + outside
        work.left -= before - max(allowance.left, 0)
    return kept


def _latest(events: list[Said]) -> list[Said]:
    """Of revisions the one of the highest SEQUENCE. Several of the same are several; so is one whose SEQUENCE can't be read."""
    highest = max((event.sequence for event in events if event.sequence is not None), default=0)
    return [event for event in events if event.sequence in (highest, None)]


def _changed(events: list[Said]) -> list[Said]:
    """Instances that differ from their series: of each the latest revision."""
    by_instance: dict[object, list[Said]] = {}
    for event in events:
        if event.recurrence_id is not None:
            by_instance.setdefault(event.recurrence_id.instant, []).append(event)
    return [event for revisions in by_instance.values() for event in _latest(revisions)]


def _taken_out(masters: list[Said]) -> dict[datetime, int]:
    """Which instances a series takes out (EXDATE), with the latest revision of it that does."""
    latest: dict[datetime, int] = {}
    for event in masters:
        for moment in event.less if event.sequence is not None else ():
            latest[moment.instant] = max(event.sequence or 0, latest.get(moment.instant, 0))
    return latest


def _is_taken_out(event: Said, out: dict[datetime, int]) -> bool:
    """Whether a newer revision of its series takes the instance out: then it was told of before it was deleted."""
    at = event.recurrence_id
    return at is not None and event.sequence is not None and out.get(at.instant, 0) > event.sequence


class _TakenOut:
    """Times of a series, by day or by instant."""

    def __init__(self, zone: tzinfo, moments: Iterable[WallTime], *, is_day: bool) -> None:
        self._days, self._instants = set[datetime](), set[datetime]()
        self._zone, self._is_day = zone, is_day
        for moment in moments:
            if is_day or moment.is_day:
                self._days.add(moment.wall.replace(hour=0, minute=0, second=0))
            else:
                self._instants.add(self.key(moment))

    def key(self, moment: WallTime) -> datetime:
        return calendar_timezones.instant(moment.wall, self._zone if moment.is_floating or self._is_day else moment.zone)

    def has(self, wall: datetime) -> bool:
        day = wall.replace(hour=0, minute=0, second=0)
        return day in self._days or (bool(self._instants) and calendar_timezones.instant(wall, self._zone) in self._instants)


class _Told:
    """Which times of a series are told of by themselves."""

    def __init__(self, changed: list[Said], zone: tzinfo, *, is_day: bool) -> None:
        self.out = _TakenOut(zone, [event.recurrence_id for event in changed if event.recurrence_id is not None], is_day=is_day)
        later = [event for event in changed if event.is_from_then_on and event.recurrence_id is not None]
        pairs = [(self.out.key(event.recurrence_id), event) for event in later if event.recurrence_id]
        self.later = sorted(pairs, key=lambda pair: pair[0])


class _Exceptions:
    """What stands beside the series of one UID, gone through once for each zone that they are in, however many there are."""

    def __init__(self, changed: list[Said]) -> None:
        self._changed = changed
        self._by_zone: dict[tuple[tzinfo, bool], _Told] = {}

    def of(self, zone: tzinfo, *, is_day: bool, work: StepBudget) -> _Told:
        """As a series of that zone sees them. Raises `StepBudgetSpent`."""
        if (zone, is_day) not in self._by_zone:
            work.spend(len(self._changed) // 4)
            self._by_zone[zone, is_day] = _Told(self._changed, zone, is_day=is_day)
        return self._by_zone[zone, is_day]


class _Instances:
    """Which times of a series are not as it says: taken out, or told of by themselves."""

    def __init__(self, event: Said, exceptions: _Exceptions, work: StepBudget) -> None:
        self.zone = event.start.zone if event.start is not None else UTC
        is_day = event.start is not None and event.start.is_day
        self._told = exceptions.of(self.zone, is_day=is_day, work=work)
        self._out = _TakenOut(self.zone, event.less, is_day=is_day)
        self.later = self._told.later

    def has(self, wall: datetime) -> bool:
        return self._out.has(wall) or self._told.out.has(wall)

    def change(self, wall: datetime) -> Said | None:
        """The one that holds from then on (RANGE=THISANDFUTURE)."""
        at = calendar_timezones.instant(wall, self.zone) if self.later else None
        return next((event for begins, event in reversed(self.later) if at is not None and at >= begins), None)


def _expand(kept: BusyEvent, event: Said, exceptions: _Exceptions, reader: VEventReader, window: TimeWindow, work: StepBudget) -> None:
    work.spend(len(event.less) // 4)
    instances, start = _Instances(event, exceptions, work), event.start
    if start is None or not (event.is_busy or instances.later):
        return
    for moment, length in _moments(event, instances, start, reader, window, work):
        if instances.has(moment.wall):
            continue
        other = instances.change(moment.wall)
        if other is None:
            if event.is_busy:
                _keep(kept, event, moment, event.length if length is None else length, window)
        elif other.is_busy and other.start is not None and other.recurrence_id is not None:
            moved = calendar_timezones.local(other.start.instant, moment.zone) - calendar_timezones.local(
                other.recurrence_id.instant, moment.zone
            )
            _keep(kept, other, WallTime(moment.wall + moved, moment.zone, moment.is_day), other.length, window)


def _moments(
    event: Said, instances: _Instances, start: WallTime, reader: VEventReader, window: TimeWindow, work: StepBudget
) -> Iterator[tuple[WallTime, timedelta | None]]:
    """Those that may touch the window, each once."""
    yield start, None
    walls = {start.wall}
    longest = max([event.length, *(change.length for _, change in instances.later), timedelta()])
    if longest > _LONGEST_LOOK_BACK and event.rules:  # nobody knows which of them still last
        raise StepBudgetSpent
    shift = max((abs(change.start.instant - key) for key, change in instances.later if change.start is not None), default=timedelta())
    for moment, length in event.more:
        work.spend(3)
        wall = moment.wall if moment.is_floating or start.is_day else calendar_timezones.local(moment.instant, start.zone)
        if wall not in walls or length is not None:
            walls.add(wall)
            yield WallTime(wall, start.zone, start.is_day), length
    if not longest and not instances.later:
        return
    first = calendar_timezones.local(window.start, start.zone) - min(longest, _LONGEST_LOOK_BACK) - DAY - min(shift, _LONGEST_LOOK_BACK)
    last = calendar_timezones.local(window.end, start.zone) + DAY + min(shift, _LONGEST_LOOK_BACK)
    for rule in event.rules:
        for wall in recurrence_rules.occurrences(rule, start.wall, first, min(last, _until(rule, start, reader)), work):
            work.spend(3)
            if wall not in walls:
                walls.add(wall)
                yield WallTime(wall, start.zone, start.is_day), None


def _until(rule: RecurrenceRule, start: WallTime, reader: VEventReader) -> datetime:
    """The end of a rule, by the clock of what recurs. A date is that whole day: so it is meant, and so most calendars show it."""
    moment = reader.moment_of(rule.until) if rule.until else None
    if moment is None:
        return datetime.max
    if moment.is_day:
        return moment.wall + DAY - timedelta(seconds=1)
    zone = reader.default if start.is_day else start.zone
    return moment.wall if moment.is_floating else calendar_timezones.local(moment.instant, zone)


def _keep(kept: BusyEvent, event: Said, moment: WallTime, length: timedelta, window: TimeWindow) -> None:
    begins = moment.instant
    try:
        ends = calendar_timezones.instant(moment.wall + length, moment.zone) if event.is_by_clock else begins + length
        if ends <= begins and not moment.is_day:  # the clocks skipped it: it is held all the same
            ends = begins + length
    except OverflowError:
        ends = window.end
    if window.touches(begins, ends):
        kept.times.append((begins, ends))


def _extent(event: Said, reader: VEventReader, window: TimeWindow) -> Times:
    """All the time between the first and the last that a series may have there."""
    if event.start is None or not event.is_busy or not event.length:
        return []
    last = max([_until(rule, event.start, reader) for rule in event.rules] or [datetime.max])
    try:
        ends = min(calendar_timezones.instant(last, event.start.zone) + event.length, window.end)
    except OverflowError:
        ends = window.end
    begins = max(event.start.instant, window.start)
    return [(begins, ends)] if begins < ends else []


def free_busy(calendars: Sequence[IcalendarComponent]) -> BusyEvent:
    """The times of a VFREEBUSY that are not free."""
    kept, reader = BusyEvent(), VEventReader(CalendarZones([], _ANY, _ANY, StepBudget(0)), UTC, frozenset, utc_is_local=False)
    for block in (component for calendar in calendars for component in calendar.inner("VFREEBUSY")):
        for icalendar_property in block.all("FREEBUSY"):
            if icalendar_property.parameters.get("FBTYPE", "BUSY").upper() == "FREE":
                continue
            for text in icalendar_property.value.split(","):
                period = reader.period(text)
                kept.is_clear = kept.is_clear and period is not None
                if period is not None and period[0] < period[1]:
                    kept.times.append(period)
    return kept


def event_text(event: BookingEvent) -> bytes:
    """A booking's event. Without attendees: a server that schedules by itself would write to them, and they have had our mail."""
    from icalendar import Calendar
    from icalendar import Event as VEvent

    vevent = VEvent()
    vevent.add("uid", event.uid)
    vevent.add("sequence", event.sequence)
    vevent.add("dtstamp", event.stamp.astimezone(UTC))
    vevent.add("dtstart", event.start.astimezone(UTC))
    vevent.add("dtend", event.end.astimezone(UTC))
    vevent.add("summary", event.title)
    if event.description:
        vevent.add("description", event.description)
    if event.location:
        vevent.add("location", event.location)
    vevent.add("status", "CONFIRMED")
    vevent.add("transp", "OPAQUE")
    whole = Calendar()
    whole.add("prodid", "-//Parley//Scheduling//EN")
    whole.add("version", "2.0")
    whole.add_component(vevent)
    return bytes(whole.to_ical())
