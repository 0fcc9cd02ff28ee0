"""Dates, times and zones as people of a locale write them (CLDR, by Babel). English without a region stays as the product has always said
it, `Monday, 7 December 2026, 10:00`, and needs no Babel: it is imported by who writes in another one."""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from parley.notifications.localization import languages

if TYPE_CHECKING:
    from babel import Locale

_TO = {"en": "to", "de": "bis", "fr": "à", "es": "a"}


def is_plain(locale: str) -> bool:
    """Whether it is the product's own English."""
    return locale == languages.DEFAULT or languages.language(locale) is None


@lru_cache(maxsize=64)  # tags are strangers'
def _known(tag: str) -> "Locale":
    """The locale, or its language's where nobody knows the region."""
    from babel import Locale, UnknownLocaleError

    for candidate in (tag, languages.language(tag) or languages.DEFAULT):
        try:
            return Locale.parse(candidate, sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    raise LookupError(tag)


def when(start: datetime, end: datetime, timezone: str, locale: str) -> str:
    """`Montag, 7. Dezember 2026, 10:00 bis 10:30 (Mitteleuropäische Normalzeit)`."""
    zone = ZoneInfo(timezone)
    first, last = start.astimezone(zone), end.astimezone(zone)
    until = clock(last, locale) if last.date() == first.date() else f"{day(last.date(), locale)}, {clock(last, locale)}"
    between = _TO[languages.language(locale) or languages.DEFAULT]
    return f"{day(first.date(), locale)}, {clock(first, locale)} {between} {until} ({zone_name(first, locale)})"


def when_briefly(start: datetime, timezone: str, locale: str) -> str:
    """`Mo., 7. Dez. 2026, 10:00 (Europe/Berlin)`: for subjects."""
    from babel.dates import format_skeleton

    local = start.astimezone(ZoneInfo(timezone))
    return f"{format_skeleton('yMMMEd', local, tzinfo=local.tzinfo, locale=_known(locale))}, {clock(local, locale)} ({timezone})"


def day(moment: date, locale: str) -> str:
    """`Montag, 7. Dezember 2026`."""
    from babel.dates import format_date

    return format_date(moment, "full", locale=_known(locale))


def day_of_month(moment: date, locale: str) -> str:
    """`Montag, 7. Dezember`."""
    from babel.dates import format_date

    pattern = str(_known(locale).datetime_skeletons["MMMMEd"].pattern)
    return format_date(moment, re.sub(r"E+|ccc+", "EEEE", pattern), locale=_known(locale))


def month(moment: date, locale: str) -> str:
    """`Dezember 2026`."""
    return _skeleton("yMMMM", moment, locale)


def weekdays(locale: str) -> list[tuple[str, str]]:
    """Short and whole names, from Monday on."""
    from babel.dates import get_day_names

    short, whole = (get_day_names(width, "stand-alone", locale=_known(locale)) for width in ("short", "wide"))
    return [(str(short[day]), str(whole[day])) for day in range(7)]


def minutes(count: int, locale: str) -> str:
    """`30 Minuten`, `1 Stunde 15 Minuten`."""
    from babel.units import format_unit

    hours, rest = divmod(count, 60)
    parts = [(hours, "duration-hour"), (rest, "duration-minute")]
    return " ".join(format_unit(amount, unit, "long", locale=_known(locale)) for amount, unit in parts if amount)


def _skeleton(skeleton: str, moment: date, locale: str) -> str:
    from babel.dates import format_skeleton

    return format_skeleton(skeleton, datetime(moment.year, moment.month, moment.day), locale=_known(locale))  # noqa: DTZ001  # a date


def short_date(moment: date, locale: str) -> str:
    """`07.12.2026`; in the product's own English `2026-12-07`."""
    if is_plain(locale):
        return f"{moment:%Y-%m-%d}"
    return _skeleton("yMMdd", moment, locale)


def clock(local: datetime, locale: str) -> str:
    """`10:00`, `10:00 AM`; with its offset in the hour that comes twice because clocks are put back."""
    from babel.dates import format_time

    shown = format_time(local, "short", tzinfo=local.tzinfo, locale=_known(locale)).replace("\u202f", "\u00a0")
    offset, other = local.utcoffset(), local.replace(fold=1 - local.fold).utcoffset()
    if offset == other or offset is None:
        return shown
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"{shown} UTC{'-' if offset < timedelta(0) else '+'}{hours}{f':{minutes:02}' if minutes else ''}"


def zone_name(local: datetime, locale: str) -> str:
    """`Mitteleuropäische Normalzeit`; the zone's own name where the locale has none."""
    from babel.dates import get_timezone_name

    return get_timezone_name(local, width="long", locale=_known(locale))


def number(value: float, locale: str) -> str:
    """`1.234,5`."""
    if is_plain(locale):
        return f"{value:,}"
    from babel.numbers import format_decimal

    return format_decimal(value, locale=_known(locale))
