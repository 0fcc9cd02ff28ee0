"""Text, numbers and times as requests bring them: what a column can't hold is refused with a sentence."""

import re
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

# Names that a machine's files have and IANA does not: without leap seconds or with them, this machine's own zone, none yet.
_NO_ZONES = ("posix", "right", "localtime", "Factory")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def is_storable(text: str) -> bool:
    """PostgreSQL holds no NUL, and UTF-8 no lone surrogate."""
    return ("\0" not in text and text.isascii()) or not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)


def storable(text: str) -> str:
    """The text without NUL and lone surrogates, for what platforms send and nobody can correct."""
    if is_storable(text):
        return text
    return "".join(character for character in text if character != "\0" and not "\ud800" <= character <= "\udfff")


def _checked(text: str) -> str:
    if not is_storable(text):
        raise ValueError("must not contain NUL or lone surrogates")
    return text


def _zone(name: str) -> str:
    try:
        if not name.startswith(_NO_ZONES):
            ZoneInfo(name)
            return name
    except (KeyError, ValueError, OSError):
        pass
    raise ValueError("must be the IANA name of a time zone, like Europe/Berlin")


def _rfc3339(value: object) -> object:
    # Left to itself pydantic takes a number for seconds since 1970.
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.fullmatch(value)):
        return value
    raise ValueError("must be an RFC 3339 instant, like 2026-12-01T09:00:00Z or 2026-12-01T10:00:00+01:00")


def _utc(instant: datetime) -> datetime:
    if not 1970 <= instant.year <= 2200:
        raise ValueError("must lie between 1970 and 2200")
    return instant.astimezone(UTC)


Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True), AfterValidator(_checked)]
Line = Annotated[Text, Field(min_length=1, max_length=200)]
Prose = Annotated[Text, Field(max_length=5000)]
Slug = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=50)]
_ATOM = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# The form that browsers take for an address (WHATWG HTML, 4.10.5.1.5), with at least one dot in the domain.
Email = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, max_length=254, pattern=rf"^{_ATOM}@{_LABEL}(?:\.{_LABEL})+$")]
TimeZone = Annotated[str, StringConstraints(strict=True, max_length=64), AfterValidator(_zone)]
InstantIn = Annotated[AwareDatetime, BeforeValidator(_rfc3339), AfterValidator(_utc)]


class Wanted(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Shown(BaseModel):
    """An answer, made from a row. No defaults: what it promises is there."""

    model_config = ConfigDict(from_attributes=True)
