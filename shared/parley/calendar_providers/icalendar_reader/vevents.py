"""What an event of a calendar says of time (RFC 5545, 3.6.1). A value that can't be read is left out, and the event says that it was."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from parley.calendar_providers.icalendar_reader import calendar_timezones, recurrence_rules
from parley.calendar_providers.icalendar_reader.calendar_timezones import CalendarZones
from parley.calendar_providers.icalendar_reader.content_lines import IcalendarComponent, IcalendarProperty
from parley.calendar_providers.icalendar_reader.recurrence_rules import RecurrenceRule

Addresses = Callable[[], frozenset[str]]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_MOMENT = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ]?(\d\d):?(\d\d)(?::?(\d\d)(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?", re.IGNORECASE
)  # ISO 8601's other form is written by some
_DURATION = re.compile(r"([+-])?P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?", re.IGNORECASE)

_EXACT = re.compile(r"[+-]?PT.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WallTime:
    """A wall-clock time somewhere; or a day there (`wall` is its midnight). `is_floating`: it named no zone of its own."""

    wall: datetime
    zone: tzinfo
    is_day: bool = False
    is_floating: bool = False

    @property
    def instant(self) -> datetime:
        return calendar_timezones.instant(self.wall, self.zone)


@dataclass(slots=True)
class VEvent:
    """One VEVENT. `length` is by the clock (`is_by_clock`), or of elapsed time where it ends in another zone than it begins in.

    `start` is None where it can't be told; `is_clear` says whether all that matters could be read.
    """

    uid: str
    is_busy: bool
    start: WallTime | None = None
    length: timedelta = timedelta()
    is_by_clock: bool = True
    rules: list[RecurrenceRule] = field(default_factory=list)
    more: list[tuple[WallTime, timedelta | None]] = field(default_factory=list)
    less: list[WallTime] = field(default_factory=list)
    recurrence_id: WallTime | None = None
    is_from_then_on: bool = False
    sequence: int | None = 0
    is_clear: bool = True


class VEventReader:
    """Reads the events of one calendar. `default` is where days and times without a zone are.

    `utc_is_local`: series in UTC are by the clock of `default`, as programs mean it that write X-WR-TIMEZONE.
    """

    def __init__(self, zones: CalendarZones, default: tzinfo, owner: Addresses, *, utc_is_local: bool) -> None:
        self.zones, self.default, self._owner, self._utc_is_local = zones, default, owner, utc_is_local

    def event(self, block: IcalendarComponent) -> VEvent:
        event = VEvent(uid_of(block), is_busy=is_busy(block, self._owner))
        if (sequence := block.text("SEQUENCE")) or block.all("SEQUENCE"):
            event.sequence = int(sequence[:9]) if sequence.isascii() and sequence.isdigit() else None
        if (named := block.first("RECURRENCE-ID")) is not None:
            event.recurrence_id = self._noted(event, named)
            event.is_from_then_on = named.parameters.get("RANGE", "").upper() == "THISANDFUTURE"
        self._span(event, block)
        if event.start is None:
            event.is_clear = False
            return event
        for icalendar_property in block.all("RRULE"):
            rule, is_whole = recurrence_rules.read(icalendar_property.value)
            event.is_clear = event.is_clear and is_whole
            if rule is not None:
                event.rules.append(rule)
        for icalendar_property in block.all("RDATE"):
            event.more += [self._added(event, icalendar_property, text) for text in icalendar_property.value.split(",") if text.strip()]
        event.more = [addition for addition in event.more if addition[0].wall != datetime.min]
        for icalendar_property in block.all("EXDATE"):
            for text in icalendar_property.value.split(","):
                if text.strip() and (moment := self._noted(event, IcalendarProperty(icalendar_property.parameters, text))) is not None:
                    event.less.append(moment)
        if self._utc_is_local and event.rules and not event.start.is_day and event.start.zone is UTC:
            event.start = WallTime(calendar_timezones.local(event.start.instant, self.default), self.default)
        return event

    def moment(self, icalendar_property: IcalendarProperty) -> tuple[WallTime | None, bool]:
        """A date or time; None for what is none. And whether its zone was understood."""
        match = _MOMENT.fullmatch(icalendar_property.value.strip())
        if match is None:
            return None, False
        year, month, day, *clock = (int(part or 0) for part in match.groups()[:6])
        try:
            wall = datetime(year, month, day) + timedelta(hours=clock[0], minutes=min(clock[1], 59), seconds=min(clock[2], 59))
        except (ValueError, OverflowError):
            return None, False
        is_midnight = wall.hour == wall.minute == wall.second == 0
        if match[4] is None or (icalendar_property.parameters.get("VALUE", "").upper() == "DATE" and is_midnight):
            return WallTime(wall.replace(hour=0, minute=0, second=0), self.default, is_day=True, is_floating=True), clock[0] <= 24
        if match[7]:
            length = calendar_timezones.offset(match[7])
            return WallTime(wall, UTC if length is None else _fixed(length)), True
        if name := icalendar_property.parameters.get("TZID", ""):
            zone = self.zones.named(name)
            return WallTime(wall, zone or self.default, is_floating=zone is None), zone is not None
        return WallTime(wall, self.default, is_floating=True), True

    def moment_of(self, text: str) -> WallTime | None:
        return self.moment(IcalendarProperty({}, text))[0]

    def period(self, text: str) -> tuple[datetime, datetime] | None:
        """The instants of a period (RFC 5545, 3.3.9). None for what is none."""
        begins, _, ends = text.partition("/")
        first, last, length = self.moment_of(begins), self.moment_of(ends), duration(ends)
        if first is None or (last is None and length is None):
            return None
        try:
            return first.instant, last.instant if last is not None else first.instant + (length or timedelta())
        except OverflowError:
            return None

    def _noted(self, event: VEvent, icalendar_property: IcalendarProperty) -> WallTime | None:
        moment, is_clear = self.moment(icalendar_property)
        event.is_clear = event.is_clear and is_clear
        return moment

    def _span(self, event: VEvent, block: IcalendarComponent) -> None:
        start_property, until, lasts = block.first("DTSTART"), block.first("DTEND"), block.first("DURATION")
        event.is_clear = event.is_clear and len(block.all("DTSTART")) <= 1
        start = self._noted(event, start_property) if start_property is not None else None
        end = self._noted(event, until) if until is not None else None
        length = duration(lasts.value) if lasts is not None else None
        event.is_clear = event.is_clear and not (end is None and lasts is not None and length is None)
        if start is None and end is not None:  # an hour or a day before its end, rather than never
            start = WallTime(end.wall - (DAY if end.is_day else HOUR), end.zone, end.is_day, end.is_floating)
        if start is None:
            return
        if start.is_day and end is not None and not end.is_day:  # from the midnight of a day to a time
            start = WallTime(start.wall, start.zone, is_floating=True)
        event.start = start
        if end is not None:
            event.is_by_clock = end.zone is start.zone or start.is_day
            length = end.wall - start.wall if event.is_by_clock else end.instant - start.instant
        elif length is None:  # none, but for what had an end that can't be read
            length = DAY if start.is_day else HOUR if until is not None or lasts is not None else timedelta()
        elif lasts is not None:  # hours are of elapsed time, days by the clock
            event.is_by_clock = start.is_day or not _EXACT.fullmatch(lasts.value.strip())
        if length < timedelta():
            event.is_clear = False
            if not start.is_day:  # it was written the wrong way round
                event.start, length = _earlier(start, length), -length
        if start.is_day:  # whole days: as calendars show one that ends on the day it begins
            length = max(DAY, -(-length // DAY) * DAY)
        event.length = length

    def _added(self, event: VEvent, icalendar_property: IcalendarProperty, text: str) -> tuple[WallTime, timedelta | None]:
        begins, _, ends = text.partition("/")
        moment = self._noted(event, IcalendarProperty(icalendar_property.parameters, begins))
        if moment is None:
            return WallTime(datetime.min, UTC), None
        if not ends.strip():
            return moment, None
        length = duration(ends)
        if length is None and (until := self._noted(event, IcalendarProperty(icalendar_property.parameters, ends))) is not None:
            length = until.instant - moment.instant
        event.is_clear = event.is_clear and length is not None
        return moment, length if length is not None and length >= timedelta() else None


def _fixed(length: timedelta) -> tzinfo:
    return timezone(length) if length else UTC


def _earlier(start: WallTime, length: timedelta) -> WallTime:
    try:
        return WallTime(start.wall + length, start.zone, start.is_day, start.is_floating)
    except OverflowError:
        return start


def duration(text: str) -> timedelta | None:
    """`P1DT2H` (RFC 5545, 3.3.6); one that is longer than a calendar is as long as it can be."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()[1:]):
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    length = timedelta(weeks=min(weeks, 10**6), days=min(days, 10**7), hours=min(hours, 10**8), minutes=minutes, seconds=seconds)
    return -length if match[1] == "-" else length


def uid_of(block: IcalendarComponent) -> str:
    """Its UID; of one without, a digest of what it says."""
    content = repr(
        [(name, [icalendar_property.value for icalendar_property in listed]) for name, listed in sorted(block.properties.items())]
    )
    return (block.text("UID") or hashlib.sha256(content.encode("utf-8", "replace")).hexdigest())[:1000]


def is_busy(block: IcalendarComponent, owner: Addresses) -> bool:
    """Whether it keeps time. What Outlook alone says counts where the event says nothing by the standard's word."""
    shown = block.text("TRANSP").upper() or {"FREE": "TRANSPARENT"}.get(block.text("X-MICROSOFT-CDO-BUSYSTATUS").upper(), "")
    if shown == "TRANSPARENT" or block.text("STATUS").upper() in ("CANCELLED", "CANCELED"):
        return False
    declined = {
        address_of(attendee.value) for attendee in block.all("ATTENDEE") if attendee.parameters.get("PARTSTAT", "").upper() == "DECLINED"
    }
    return not declined or not declined & owner()


def address_of(calendar_user: str) -> str:
    """A calendar user's address, so that those of one compare."""
    return calendar_user.strip().lower().removeprefix("mailto:")
