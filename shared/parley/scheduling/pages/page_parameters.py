"""What a visitor asks of a booking page, as its address says it: a zone, a month, a day, a time; and what is carried from page to page."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Self
from urllib.parse import urlencode, urlsplit

from pydantic import TypeAdapter, ValidationError

from parley.kernel.values.fields import RequestInstant, TimeZone, storable

CARRIED = {
    "utm_source": 200, "utm_medium": 200, "utm_campaign": 200, "referrer": 2000, "name": 200, "email": 254, "host": 100,
    "routing_submission_id": 36,
}  # fmt: skip
"""What goes along from page to page into the booking, and how long each may be."""

_ZONE: TypeAdapter[str] = TypeAdapter(TimeZone)
_INSTANT: TypeAdapter[datetime] = TypeAdapter(RequestInstant)
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class PageParameters:
    """`path` is the page's. What can't be read counts as not said: an address that somebody cut short still shows a calendar."""

    path: str
    timezone: str | None = None
    month: date | None = None  # its first day
    day: date | None = None
    start: datetime | None = None
    is_embedded: bool = False
    is_move: bool = False
    carried: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, path: str, parameters: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Self:
        """From the parameters of an address, or the hidden fields of a form."""
        carried = {name: _line(parameters.get(name, ""), most) for name, most in CARRIED.items()}
        # Who writes a+b@example.com into an address and forgets to encode the plus has written a blank; no address of ours has one.
        carried["email"] = carried["email"].replace(" ", "+")
        if not carried["referrer"]:
            carried["referrer"] = _line(_other_site(headers or {}), CARRIED["referrer"])
        if not ID.fullmatch(carried["routing_submission_id"]):
            del carried["routing_submission_id"]
        month = _MONTH.fullmatch(parameters.get("month", ""))
        return cls(
            path,
            timezone=_zone(parameters.get("timezone", "")),
            month=date(int(month[1]), int(month[2]), 1) if month else None,
            day=_day(parameters.get("date", "")),
            start=parse_instant(parameters.get("time", "")),
            is_embedded=parameters.get("embed", "") not in ("", "0"),
            is_move=bool(parameters.get("move")),
            carried={name: value for name, value in carried.items() if value},
        )

    @property
    def host(self) -> str | None:
        return self.carried.get("host")

    def fields(self, **changed: str | None) -> dict[str, str]:
        """The parameters of a link, or the hidden fields of a form: these, without those that are None."""
        values = {
            "timezone": self.timezone,
            "move": "1" if self.is_move else None,
            "embed": "1" if self.is_embedded else None,
            **self.carried,
            **changed,
        }
        return {name: value for name, value in values.items() if value is not None}

    def link(self, **changed: str | None) -> str:
        query = self.fields(**changed)
        return f"{self.path}?{urlencode(query)}" if query else self.path


def format_instant(moment: datetime) -> str:
    """An instant as it stands in an address."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_instant(text: str) -> datetime | None:
    try:
        return _INSTANT.validate_python(text)
    except ValidationError:
        return None


def _zone(text: str) -> str | None:
    try:
        return _ZONE.validate_python(text) if text else None
    except ValidationError:
        return None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else None
    except ValueError:
        return None
    return day if day and 1970 <= day.year <= 2199 else None


def _line(text: str, most: int) -> str:
    """What somebody else has written into an address: made to fit, for nobody here could correct it."""
    clean = "".join(character for character in storable(text) if unicodedata.category(character) not in ("Cc", "Zl", "Zp"))
    return clean.strip()[:most].strip()


def _other_site(headers: Mapping[str, str]) -> str:
    """The site that the visitor comes from, where that is not this one."""
    referrer = headers.get("referer", "")
    try:
        host = urlsplit(referrer).netloc
    except ValueError:
        return ""
    return "" if host == headers.get("host") else referrer
