"""Words in the reader's language: a catalogue for each domain and language, `<domain>/locales/<language>.po`, by the English sentence.

The files are gettext's, so that translators' programs open them; a word that is missing stays English. They are read here and not compiled:
a few hundred entries cost a millisecond, and Babel's own reader is left to tests, which compare the two.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from parley.notifications.localization import languages

_PACKAGE = Path(__file__).parents[2]
_ENTRY = re.compile(r'^msgid ((?:".*"\n?)+)msgstr ((?:".*"\n?)+)', re.MULTILINE)
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def marked(message: str) -> str:
    """Marks a sentence that is translated later: where it stands in a table, by itself."""
    return message


@cache
def catalogue(domain: str, language: str) -> Mapping[str, str]:
    """Translations by the English sentence; none of English."""
    path = _PACKAGE / domain / "locales" / f"{language}.po"
    if language == languages.DEFAULT or not path.is_file():
        return {}
    entries = ((_joined(key), _joined(value)) for key, value in _ENTRY.findall(path.read_text()))
    return {key: value for key, value in entries if key and value}


def _joined(text: str) -> str:
    return "".join(ast.literal_eval(part) for part in _TEXT.findall(text))


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a domain for one reader: `words("Log in to %(product)s", product="Parley")`."""

    domain: str
    locale: str = languages.DEFAULT

    @property
    def language(self) -> str:
        return languages.language(self.locale) or languages.DEFAULT

    def __call__(self, message: str, /, **values: object) -> str:
        """A sentence in the reader's language, with its values."""
        sentence = catalogue(self.domain, self.language).get(message, message)
        return sentence % values if values else sentence
