"""The form of an API key: what can be said of one without asking anybody.

`parley_live_` or `parley_test_`, 65 base62 digits, 6 more of checksum. The digits are 32 random bytes and the 16 of the organization's id,
so a key is looked up where it belongs; the CRC-32 of everything before it tells a typo, and a finding of a secret scanner, from a key
without a look-up. A change of one character, or of any four in a row, always shows.
"""

import re
import secrets
import zlib
from uuid import UUID

from parley.kernel.values.settings import setting

PREFIX = "parley_"
PATTERN = r"parley_(?:live|test)_[0-9A-Za-z]{71}"
"""For secret scanners."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_RANDOM_BYTES, _ID_BYTES = 32, 16
_BODY_DIGITS, _CHECKSUM_DIGITS = 65, 6
_SHOWN = 8


class MalformedApiKey(Exception):
    """It is none of ours, or not of this environment."""


def _environment() -> str:
    return "live" if setting("PARLEY_ENVIRONMENT", "") == "production" else "test"


def _base62(number: int, digits: int) -> str:
    written = ""
    for _ in range(digits):
        number, value = divmod(number, len(_DIGITS))
        written = _DIGITS[value] + written
    return written


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_DIGITS)


def make(organization_id: UUID) -> str:
    """A new key of an organization."""
    body = secrets.token_bytes(_RANDOM_BYTES) + organization_id.bytes
    text = f"{PREFIX}{_environment()}_{_base62(int.from_bytes(body), _BODY_DIGITS)}"
    return text + _checksum(text)


def organization_of(key: str) -> UUID:
    """The organization that a key names. Raises `MalformedApiKey` for what was not made by `make`, or in another environment."""
    if not re.fullmatch(PATTERN, key):
        raise MalformedApiKey("This does not have the form of an API key.")
    text, checksum = key[:-_CHECKSUM_DIGITS], key[-_CHECKSUM_DIGITS:]
    if checksum != _checksum(text):
        raise MalformedApiKey("The checksum of this API key is wrong: a character is missing or another one.")
    if not text.startswith(f"{PREFIX}{_environment()}_"):
        raise MalformedApiKey("This API key is of another environment.")
    number = 0
    for digit in text[-_BODY_DIGITS:]:
        number = number * len(_DIGITS) + _VALUES[digit]
    if number.bit_length() > 8 * (_RANDOM_BYTES + _ID_BYTES):
        raise MalformedApiKey("This does not have the form of an API key.")
    return UUID(bytes=number.to_bytes(_RANDOM_BYTES + _ID_BYTES)[_RANDOM_BYTES:])


def masked(key: str) -> str:
    """What may be shown of a key, to tell it from others: it names neither the organization nor what is secret."""
    return key[: len(PREFIX) + len("live_") + _SHOWN]
