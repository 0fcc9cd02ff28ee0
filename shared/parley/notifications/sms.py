"""Texts to telephones: numbers, and how much a text may cost."""

import re
from dataclasses import dataclass

from parley.kernel.values.errors import Unprocessable
from parley.kernel.values.settings import setting
from parley.notifications.enums import NotificationChannel

MOST_SEGMENTS = 3
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_BESIDE = re.compile(r"[\s().\-/]")
# GSM 03.38: what a segment of 160 holds; those of the extension take two places.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")


@dataclass(frozen=True, slots=True)
class SmsMessage:
    """`recipient` is in E.164."""

    recipient: str
    text: str

    @property
    def channel(self) -> NotificationChannel:
        return NotificationChannel.SMS


class TextsNotOffered(Unprocessable):
    """This deployment sends no texts: they cost money, and are switched on by who runs it."""

    def __init__(self) -> None:
        super().__init__("Texts (SMS) are not switched on here; use EMAIL or WEBHOOK, or ask whoever runs this deployment.")


def is_offered() -> bool:
    return setting("SMS_CHANNEL", "disabled") == "enabled"


def check_offered() -> None:
    """Raises `TextsNotOffered`."""
    if not is_offered():
        raise TextsNotOffered


def number(written: str | None) -> str | None:
    """A number as somebody wrote it, in E.164; None without a country's code, for then nobody knows whom it would reach."""
    plain = _BESIDE.sub("", (written or "").replace("(0)", ""))
    plain = f"+{plain[2:]}" if plain.startswith("00") else plain
    return plain if _NUMBER.fullmatch(plain) else None


def segments(text: str) -> int:
    """In how many parts a text is sent, each of which is paid for."""
    if all(character in _GSM or character in _EXTENDED for character in text):
        length, single, many = sum(2 if character in _EXTENDED else 1 for character in text), 160, 153
    else:
        length, single, many = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= single else -(-length // many)


def fitted(text: str) -> str:
    """What of a text may be sent. Values make a template longer: the end goes, and says so."""
    if segments(text) <= MOST_SEGMENTS:
        return text
    shortest, longest = 0, len(text)
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        shortest, longest = (middle, longest) if segments(text[:middle] + "...") <= MOST_SEGMENTS else (shortest, middle - 1)
    return text[:shortest] + "..."
