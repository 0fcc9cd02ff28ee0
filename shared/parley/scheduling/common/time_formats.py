"""How a time is said, in words of our own, so that no locale of the process changes it."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from parley.notifications.localization import formats, languages

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def when(start: datetime, end: datetime, timezone: str, locale: str = languages.DEFAULT) -> str:
    """`Monday, 7 December 2026, 10:00 to 10:30 (Europe/Berlin)`; in another locale as its people write it."""
    if not formats.is_plain(locale):
        return formats.when(start, end, timezone, locale)
    zone = ZoneInfo(timezone)
    from_, to = start.astimezone(zone), end.astimezone(zone)
    until = clock(to) if to.date() == from_.date() else f"{_day(to)}, {clock(to)}"
    return f"{_day(from_)}, {clock(from_)} to {until} ({timezone})"


def when_briefly(start: datetime, timezone: str, locale: str = languages.DEFAULT) -> str:
    """`Mon 7 Dec 2026, 10:00 (Europe/Berlin)`; in another locale as its people write it."""
    if not formats.is_plain(locale):
        return formats.when_briefly(start, timezone, locale)
    local = start.astimezone(ZoneInfo(timezone))
    return f"{_DAYS[local.weekday()][:3]} {local.day} {_MONTHS[local.month - 1][:3]} {local.year}, {clock(local)} ({timezone})"


def clock(local: datetime, locale: str = languages.DEFAULT) -> str:
    """`10:00`; with its offset, `02:30 UTC+2`, in the hour that comes twice because clocks are put back."""
    if not formats.is_plain(locale):
        return formats.clock(local, locale)
    offset, other = local.utcoffset(), local.replace(fold=1 - local.fold).utcoffset()
    if offset == other or offset is None:
        return f"{local:%H:%M}"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"{local:%H:%M} UTC{'-' if offset < timedelta(0) else '+'}{hours}{f':{minutes:02}' if minutes else ''}"


def _day(moment: datetime) -> str:
    return f"{day_in_words(moment.date())} {moment.year}"


def day_in_words(day: date, locale: str = languages.DEFAULT) -> str:
    """`Monday, 7 December`."""
    if not formats.is_plain(locale):
        return formats.day_of_month(day, locale)
    return f"{_DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]}"


def month_in_words(day: date, locale: str = languages.DEFAULT) -> str:
    """`December 2026`."""
    if not formats.is_plain(locale):
        return formats.month(day, locale)
    return f"{_MONTHS[day.month - 1]} {day.year}"


def minutes_in_words(minutes: int, locale: str = languages.DEFAULT) -> str:
    """`30 minutes`, `1 hour 15 minutes`."""
    if not formats.is_plain(locale):
        return formats.minutes(minutes, locale)
    hours, rest = divmod(minutes, 60)
    parts = [f"{count} {word}{'s' * (count != 1)}" for count, word in ((hours, "hour"), (rest, "minute")) if count]
    return " ".join(parts)


def weekdays(locale: str = languages.DEFAULT) -> list[tuple[str, str]]:
    """Short and whole names, from Monday on."""
    return formats.weekdays(locale) if not formats.is_plain(locale) else [(day[:2], day) for day in _DAYS]
