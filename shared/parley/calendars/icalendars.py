"""iCalendar (RFC 5545) that strangers wrote: when it keeps somebody busy. And the one event that we write."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import recurring_ical_events  # type: ignore[import-untyped]  # it has no types
from icalendar import Calendar, Component
from icalendar import Event as VEvent
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from parley.calendars.protocol import MOST_EVENTS, Event, InTrouble, TroubleCode

Times = list[tuple[datetime, datetime]]
Me = Callable[[], frozenset[str]]
_DAY = timedelta(days=1)
# A rule that says more than this for a day is no meeting; expanding it would take for ever.
_MOST_A_DAY = 48
# What the parser and the expansion stumble over in an event.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, ArithmeticError)
_TOO_OFTEN = ("SECONDLY", "MINUTELY")


def parsed(text: bytes) -> Calendar:
    """One calendar, of a stream that may hold several (RFC 5545, 3.4). Raises `InTrouble`."""
    try:
        made, *others = Calendar.from_ical(text.decode("utf-8-sig", "replace"), multiple=True)
    except Exception as error:  # the parser raises whatever it stumbles over
        raise InTrouble(TroubleCode.REFUSED, "What came is not an iCalendar.") from error
    if not all(isinstance(one, Calendar) and one.name == "VCALENDAR" for one in (made, *others)):
        raise InTrouble(TroubleCode.REFUSED, "What came is not an iCalendar.")
    made.subcomponents += [inner for one in others for inner in one.subcomponents]
    return made


def busy(calendar: Calendar, start: datetime, end: datetime, timezone: str, me: Me = frozenset) -> dict[str, Times]:
    """The times in `[start, end)` that events keep, by UID; one that keeps none has none. `me` tells the addresses whose refusals count.

    Recurring events are expanded by their own zones, with exceptions and moved instances. All-day events and those without a zone are in
    `timezone`. Raises `InTrouble` for more than can be told.
    """
    found: dict[str, Times] = {uid_of(one): [] for one in calendar.walk("VEVENT")}
    zone, number = zone_of(timezone), 0
    for one in _expanded(calendar, start, end):
        if not _is_busy(one, me):
            continue
        times = _times(one, zone)
        if times is None or times[0] >= times[1] or times[1] <= start or times[0] >= end:
            continue
        number += 1
        if number > MOST_EVENTS * 4:
            raise InTrouble(TroubleCode.REFUSED, "The calendar has more events than we read.")
        found.setdefault(uid_of(one), []).append(times)
    return found


def uid_of(component: Component) -> str:
    """Its UID; of one without, a digest of what it says."""
    return str(component.get("UID") or hashlib.sha256(component.to_ical()).hexdigest())[:1000]


def zone_of(name: str | None) -> ZoneInfo:
    """By a name of IANA's or of Windows; UTC for one that is neither."""
    try:
        return ZoneInfo(WINDOWS_TO_OLSON.get(name or "", name or "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def timezone_of(calendar: Calendar) -> str | None:
    """What the calendar says of itself."""
    said = [str(calendar.get("X-WR-TIMEZONE") or ""), *(str(one.get("TZID") or "") for one in calendar.walk("VTIMEZONE"))]
    return next((name for name in said if name and (name == "UTC" or zone_of(name).key != "UTC")), None)


def _expanded(calendar: Calendar, start: datetime, end: datetime) -> list[Component]:
    """All at once; where that fails, each series by itself, without those that can't be understood."""
    every = calendar.walk("VEVENT")
    try:
        return _between(calendar, every, start, end)
    except _UNREADABLE:
        pass
    series: dict[str, list[Component]] = {}
    for one in every:
        series.setdefault(uid_of(one), []).append(one)
    found: list[Component] = []
    for ones in series.values():
        with suppress(*_UNREADABLE):
            found += _between(calendar, ones, start, end)
    return found


def _between(whole: Calendar, events: list[Component], start: datetime, end: datetime) -> list[Component]:
    part = Calendar()
    if (zone := whole.get("X-WR-TIMEZONE")) is not None:  # of events that name none
        part.add("X-WR-TIMEZONE", zone)
    for one in events:
        if _is_endless(one.get("RRULE")):
            del one["RRULE"]
        part.add_component(one)
    # A day more at both ends: the zones of all-day events are applied afterwards.
    expanded = recurring_ical_events.of(part, components=["VEVENT"], skip_bad_series=True)
    return list(expanded.between(start - _DAY, end + _DAY))


def _is_endless(rules: Any) -> bool:
    for rule in rules if isinstance(rules, list) else [rules] if rules else []:
        frequency = str((rule.get("FREQ") or [""])[0]).upper()
        a_day = len(rule.get("BYHOUR") or "1") * len(rule.get("BYMINUTE") or "1") * len(rule.get("BYSECOND") or "1")
        if frequency in _TOO_OFTEN or (rule.get("INTERVAL") or [1])[0] < 1 or a_day * (24 if frequency == "HOURLY" else 1) > _MOST_A_DAY:
            return True
    return False


def _is_busy(event: Component, me: Me) -> bool:
    if str(event.get("TRANSP", "OPAQUE")).upper() == "TRANSPARENT" or str(event.get("STATUS", "")).upper() == "CANCELLED":
        return False
    attendees = event.get("ATTENDEE") or []
    listed = attendees if isinstance(attendees, list) else [attendees]
    declined = {address_of(str(one)) for one in listed if str(getattr(one, "params", {}).get("PARTSTAT", "")).upper() == "DECLINED"}
    return not declined or not declined & me()


def address_of(calendar_user: str) -> str:
    """A calendar user's address, so that those of one compare."""
    return calendar_user.strip().lower().removeprefix("mailto:")


def _times(event: Component, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    begins, ends, lasts = (getattr(event.get(name), "dt", None) for name in ("DTSTART", "DTEND", "DURATION"))
    if not isinstance(begins, date):
        return None
    if not isinstance(ends, date):
        usual = timedelta() if isinstance(begins, datetime) else _DAY
        ends = begins + (lasts if isinstance(lasts, timedelta) else usual)
    try:
        return _instant(begins, zone), _instant(ends, zone)
    except (OverflowError, ValueError):
        return None


def _instant(moment: date, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=zone)
    elif moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


def free_busy(calendar: Calendar) -> Times:
    """The times of a VFREEBUSY that are not free."""
    found: Times = []
    for one in calendar.walk("VFREEBUSY"):
        stated = one.get("FREEBUSY") or []
        for period in stated if isinstance(stated, list) else [stated]:
            if str(getattr(period, "params", {}).get("FBTYPE", "BUSY")).upper() == "FREE":
                continue
            begins, ends = period.dt if isinstance(period.dt, tuple) else (period.start, period.end)
            ends = begins + ends if isinstance(ends, timedelta) else ends
            found.append((_instant(begins, ZoneInfo("UTC")), _instant(ends, ZoneInfo("UTC"))))
    return found


def written(event: Event) -> bytes:
    """A booking's event. Without attendees: a server that schedules by itself would write to them, and they have had our mail."""
    one = VEvent()
    one.add("uid", event.uid)
    one.add("sequence", event.sequence)
    one.add("dtstamp", event.stamp.astimezone(UTC))
    one.add("dtstart", event.start.astimezone(UTC))
    one.add("dtend", event.end.astimezone(UTC))
    one.add("summary", event.title)
    if event.description:
        one.add("description", event.description)
    if event.location:
        one.add("location", event.location)
    one.add("status", "CONFIRMED")
    one.add("transp", "OPAQUE")
    whole = Calendar()
    whole.add("prodid", "-//Parley//Scheduling//EN")
    whole.add("version", "2.0")
    whole.add_component(one)
    return bytes(whole.to_ical())
