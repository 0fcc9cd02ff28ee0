"""How a time is said, in words of our own, so that no locale of the process changes it."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def when(start: datetime, end: datetime, timezone: str) -> str:
    """`Monday, 7 December 2026, 10:00 to 10:30 (Europe/Berlin)`."""
    zone = ZoneInfo(timezone)
    from_, to = start.astimezone(zone), end.astimezone(zone)
    until = f"{to:%H:%M}" if to.date() == from_.date() else f"{_day(to)}, {to:%H:%M}"
    return f"{_day(from_)}, {from_:%H:%M} to {until} ({timezone})"


def when_briefly(start: datetime, timezone: str) -> str:
    """`Mon 7 Dec 2026, 10:00 (Europe/Berlin)`."""
    local = start.astimezone(ZoneInfo(timezone))
    return f"{_DAYS[local.weekday()][:3]} {local.day} {_MONTHS[local.month - 1][:3]} {local.year}, {local:%H:%M} ({timezone})"


def _day(moment: datetime) -> str:
    return f"{day_in_words(moment.date())} {moment.year}"


def day_in_words(day: date) -> str:
    """`Monday, 7 December`."""
    return f"{_DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]}"


def month_in_words(day: date) -> str:
    """`December 2026`."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def minutes_in_words(minutes: int) -> str:
    """`30 minutes`, `1 hour 15 minutes`."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{count} {word}{'s' * (count != 1)}" for count, word in ((hours, "hour"), (rest, "minute")) if count]
    return " ".join(parts)
