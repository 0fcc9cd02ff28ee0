"""Text, numbers and times as requests bring them: what a column can't hold is refused with a sentence."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

# Names that a machine's files have and IANA does not: without leap seconds or with them, this machine's own zone, none yet.
_NO_ZONES = ("posix", "right", "localtime", "Factory")
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f.]*:[0-9a-f:.]+", re.ASCII)  # as `urlsplit` gives it: in lower case, without brackets
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


def _secure_url(address: str) -> str:
    try:
        parts = urlsplit(address)
        is_host = _HOST.fullmatch(parts.hostname or "")
        is_whole = parts.scheme == "https" and is_host and "@" not in parts.netloc and (parts.port is None or parts.port > 0)
        if is_whole and re.fullmatch(r"[!-~]+", address) and not re.search(r'[<>"\\^`{|}]', address):
            return address
    except ValueError:
        pass
    raise ValueError("must be an https:// address without a user's name in it")


_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)


def _locale(text: str) -> str:
    if not _LOCALE.fullmatch(text):
        raise ValueError("must be a language tag, like en or pt-BR")
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


def pattern_hint(sentence: str) -> WrapValidator:
    """Says what a text has to look like where its pattern is not met: nobody wants to read a regular expression."""

    def explain(value: Any, check: Any) -> Any:
        try:
            return check(value)
        except ValidationError as error:
            if all(detail["type"] != "string_pattern_mismatch" for detail in error.errors(include_url=False, include_input=False)):
                raise
        raise PydanticCustomError("string_pattern_mismatch", sentence)

    return WrapValidator(explain)


Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True), AfterValidator(_checked)]
Line = Annotated[Text, Field(min_length=1, max_length=200)]
Prose = Annotated[Text, Field(max_length=5000)]
Slug = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=50),
    pattern_hint("must have small letters, digits and single hyphens between them, like sales-call"),
]
_ATOM = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# The form that browsers take for an address (WHATWG HTML, 4.10.5.1.5), with at least one dot in the domain.
Email = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, max_length=254, pattern=rf"^{_ATOM}@{_LABEL}(?:\.{_LABEL})+$"),
    pattern_hint("must be an e-mail address, like ada@example.com"),
]
Host = Annotated[
    str,
    StringConstraints(strict=True, to_lower=True, max_length=253, pattern=rf"^{_LABEL}(?:\.{_LABEL})+$"),
    pattern_hint("must be the name of a domain, like example.com"),
]
Color = Annotated[
    str, StringConstraints(strict=True, to_lower=True, pattern=r"^#[0-9A-Fa-f]{6}$"), pattern_hint("must be a color, like #0b57d0")
]
SecureUrl = Annotated[str, StringConstraints(strict=True, max_length=2048), AfterValidator(_secure_url)]
TimeZone = Annotated[str, StringConstraints(strict=True, max_length=64), AfterValidator(_zone)]
Locale = Annotated[Text, Field(min_length=2, max_length=35), AfterValidator(_locale)]
OneTimeSecret = Annotated[str, Field(repr=False)]
"""A secret in an answer: for who asked, and in nothing that is printed."""
Flag = Annotated[bool, Field(strict=True)]
"""A boolean of a body: true or false, not what Python takes for one."""
RequestInstant = Annotated[AwareDatetime, BeforeValidator(_rfc3339), AfterValidator(_utc)]


class RequestModel(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class PatchModel(RequestModel):
    """What a PATCH changes: a field that is left out stays, null empties it where it may be empty (`_needed` names the others)."""

    _needed: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _keep_what_is_needed(self) -> Self:
        emptied = sorted(name for name in self._needed & self.model_fields_set if getattr(self, name) is None)
        if emptied:
            raise ValueError(f"{', '.join(emptied)} must not be null; leave it out to keep it")
        return self

    def changed_fields(self) -> dict[str, Any]:
        """The fields that the request named."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class ResponseModel(BaseModel):
    """An answer, made from a row. No defaults: what it promises is there."""

    model_config = ConfigDict(from_attributes=True)
