"""Words of scheduling's requests: names, addresses, times of day, lengths."""

import re
import unicodedata
from datetime import date
from typing import Annotated, Any

from annotated_types import MaxLen
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from parley.kernel.values import fields
from parley.kernel.values.fields import Email, Line, Prose, is_storable, pattern_hint

DAY_MINUTES = 1440
YEAR_MINUTES = 366 * DAY_MINUTES
USUAL_DAYS, MOST_DAYS, MOST_BUSINESS_DAYS = 60, 730, 520
"""How many days ahead something can be booked: where nobody said, and at most."""


def one_line(text: str) -> str:
    """Refuses what would break a header or a line of a calendar."""
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise ValueError("must be one line without control characters")
    return text


def deliverable(address: str) -> str:
    """Refuses an address whose local part no mail server takes unquoted (RFC 5321, Dot-string)."""
    local = address.partition("@")[0]
    if local.startswith(".") or local.endswith(".") or ".." in local:
        raise ValueError("must be an e-mail address")
    return address


def _checked(text: str) -> str:
    """For query parameters, of which the router takes no `Field`."""
    if not is_storable(text):
        raise ValueError("must not contain NUL or lone surrogates")
    return text


def _calendar_date(value: Any) -> Any:
    # Left to itself pydantic takes midnights, and numbers of seconds since 1970 as well.
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("must be a date, like 2026-12-28")  # not a TypeError, which pydantic lets through
    return value


Name = Annotated[Line, AfterValidator(one_line)]
Address = Annotated[Email, AfterValidator(deliverable)]
Phone = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, pattern=r"^\+?\(?[0-9](?:[ ().\/-]{0,2}[0-9]){4,14}$", max_length=40),
    pattern_hint("must be a telephone number, like +49 30 901820"),
]
Tag = Annotated[Line, AfterValidator(one_line)]
Reason = Annotated[Prose, Field(max_length=500)]
StartTime = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"),
    pattern_hint("must be a time from 00:00 to 23:59, like 09:00"),
]
EndTime = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"),
    pattern_hint("must be a time from 00:00 to 24:00, like 17:30"),
]
Day = Annotated[date, BeforeValidator(_calendar_date), Field(ge=date(1970, 1, 1), le=date(2200, 12, 31))]
HorizonDays = Annotated[int, Field(strict=True, ge=1, le=MOST_DAYS)]
Flag = fields.Flag
Minutes = Annotated[int, Field(strict=True, ge=5, le=DAY_MINUTES)]
Buffer = Annotated[int, Field(strict=True, ge=0, le=DAY_MINUTES)]
Notice = Annotated[int, Field(strict=True, ge=0, le=YEAR_MINUTES)]
DayLimit = Annotated[int, Field(strict=True, ge=1, le=300)]
WeekLimit = Annotated[int, Field(strict=True, ge=1, le=2000)]
Color = Annotated[str, StringConstraints(strict=True, pattern=r"^#[0-9a-fA-F]{6}$"), pattern_hint("must be a color, like #0b57d0")]
Capacity = Annotated[int, Field(strict=True, ge=1, le=1000)]
Username = Annotated[str, MaxLen(100), AfterValidator(_checked)]
Sought = Annotated[str, MaxLen(254), AfterValidator(_checked)]
