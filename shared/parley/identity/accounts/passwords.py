"""Passwords: what is accepted as one, and how it is kept.

Kept: argon2id (RFC 9106) with the parameters of the OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane.
Accepted: NIST SP 800-63B-4, section 3.1.1.2: long enough, not one that is commonly chosen, and no rules about kinds of characters.
Compared in the form of RFC 8265 (OpaqueString): NFC, every kind of space the same.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from parley.kernel.values.errors import Unprocessable

LEAST_CHARACTERS, MOST_BYTES = 12, 1024
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Of nobody's password, with the hasher's parameters: verified where there is no account, so that it takes the same time.
NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$g9PgcJZrAtiZXl8aHxiBAA$5FQqmCcG+Oi36dtYRlOM4fwOcAsK7mI22zleS6yZQLg"

_PRODUCT = "parley"
_LEAST_WORD, _LONGEST_WORD, _LEAST_RUN = 4, 24, 3
_FEW_PIECES, _FEW_CHARACTERS, _FEW_DISTINCT = 2, 3, 5
_LONG = 40  # longer ones are looked at for repetition alone
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "!@#$%^&*()",
    "a1b2c3d4e5f6g7h8i9",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1q2w3e4r5t6y7u8i9o0p",
)
_RUNS = tuple(row[::step] for row in _ROWS for step in (1, -1))
_YEAR = re.compile(r"(19|20)\d\d")
_LEET = str.maketrans("01345789@$!|+", "oieastbgasilt")


class PasswordNotAccepted(Unprocessable):
    """The password is too short, or one that would be guessed."""


def _prepared(password: str) -> str:
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password)
    return unicodedata.normalize("NFC", spaced)


def hashed(password: str) -> str:
    """What is kept of a password. Takes 30 ms of a processor, by intention."""
    return _HASHER.hash(_prepared(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password that was kept. Without a kept one it is not, and takes as long to say."""
    try:
        return _HASHER.verify(kept or NOBODYS, _prepared(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether it was kept with other parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


def accept(password: str, email: str | None = None) -> None:
    """Raise `PasswordNotAccepted` for what is too short, too long or too easily guessed."""
    text = _prepared(password)
    if len(text) < LEAST_CHARACTERS:
        raise PasswordNotAccepted(f"A password has at least {LEAST_CHARACTERS} characters; a few words of no sentence are good.")
    if len(text.encode()) > MOST_BYTES:
        raise PasswordNotAccepted(f"A password has at most {MOST_BYTES} bytes.")
    if _is_guessable(unicodedata.normalize("NFKC", text).casefold(), email):
        raise PasswordNotAccepted(
            "This password is among the first that would be guessed: a common one, a row of keys, or made of your address; choose another."
        )


def _is_guessable(text: str, email: str | None) -> bool:
    units = range(1, min(LEAST_CHARACTERS, len(text) // 2 + 1))
    if len(set(text)) < _FEW_DISTINCT or any(text == (text[:unit] * len(text))[: len(text)] for unit in units):
        return True
    return len(text) <= _LONG and _is_poor(text, _common() | {_PRODUCT} | _of_address(email))


def _of_address(email: str | None) -> set[str]:
    local, _, domain = (email or "").casefold().partition("@")
    parts = {local, domain, *re.split(r"[^a-z0-9]+", local), domain.rpartition(".")[0]}
    return {part for part in parts if len(part) >= _LEAST_WORD}


def _is_poor(text: str, words: frozenset[str]) -> bool:
    """Whether it can be read as two known pieces at most, however often they come, and hardly anything else."""
    plain = text.translate(_LEET)

    @cache
    def is_rest_poor(at: int, pieces: frozenset[str], others: int) -> bool:
        if len(pieces) > _FEW_PIECES or others > _FEW_CHARACTERS:
            return False
        if at == len(text):
            return True
        candidates = _words_at(text, at, words) | _words_at(plain, at, words) | {_run_at(text, at)} - {""}
        return any(is_rest_poor(at + len(piece), pieces | {piece}, others) for piece in candidates) or is_rest_poor(
            at + 1, pieces, others + 1
        )

    return is_rest_poor(0, frozenset(), 0)


def _words_at(text: str, at: int, words: frozenset[str]) -> set[str]:
    longest = min(len(text) - at, _LONGEST_WORD)
    return {text[at : at + length] for length in range(_LEAST_WORD, longest + 1)} & words


def _run_at(text: str, at: int) -> str:
    """A year, one character again and again, or neighbours in the alphabet or on a keyboard."""
    best = year.group() if (year := _YEAR.match(text, at)) else ""
    for length in range(len(text) - at, max(len(best), _LEAST_RUN - 1), -1):
        piece = text[at : at + length]
        if len(set(piece)) == 1 or any(piece in row for row in _RUNS):
            return piece
    return best


@cache
def _common() -> frozenset[str]:
    lines = (Path(__file__).parent / "common_passwords.txt").read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
