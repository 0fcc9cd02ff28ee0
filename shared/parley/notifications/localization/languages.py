"""In which language somebody is written to: the person's own, what their browser asks for, the organization's, else English.

A locale is a language tag (BCP 47: `de`, `de-AT`, `en-US`). Its first part chooses the catalogue of words, the whole of it how dates and
times are written (`formats`).
"""

import re
from collections.abc import Mapping

OFFERED = ("en", "de", "fr", "es")
DEFAULT = "en"
_LONGEST = 500
_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,4}", re.ASCII)


def language(locale: str | None) -> str | None:
    """The language of a locale, if it is offered."""
    first = (locale or "").replace("_", "-").partition("-")[0].lower()
    return first if first in OFFERED else None


def chosen(*locales: str | None) -> str:
    """The first locale whose language is offered; English where there is none."""
    return next((locale for locale in locales if locale and language(locale)), DEFAULT)


def accepted(header: str | None) -> str | None:
    """What a browser asks for (RFC 9110, 12.5.4), of what is offered: the tag with the highest weight, of equals the first."""
    best, weight = None, 0.0
    for part in (header or "")[:_LONGEST].split(","):
        tag, _, parameters = part.strip().partition(";")
        quality = _quality(parameters)
        if _TAG.fullmatch(tag.strip()) and language(tag.strip()) and quality > weight:
            best, weight = tag.strip(), quality
    return best


def of_headers(headers: Mapping[str, str], *others: str | None) -> str:
    """For a page: what the visitor's browser asks for, else the others."""
    return chosen(accepted(headers.get("accept-language")), *others)


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if not name:
        return 1.0
    return float(value) if name.strip().lower() == "q" and re.fullmatch(r"[01](?:\.[0-9]{0,3})?", value.strip()) else 0.0
