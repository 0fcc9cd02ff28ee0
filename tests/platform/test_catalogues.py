"""Catalogues of words: every sentence in every language, with its values; and no template has words of its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from parley.notifications.localization import catalogues, formats, languages
from parley.notifications.localization.catalogues import Words
from tests.platform.sentences import PACKAGE, domains

SENTENCES = domains()
OTHERS = [language for language in languages.OFFERED if language != languages.DEFAULT]
VALUE = re.compile(r"%\(\w+\)s")
NAMES = {"UTC", "Google", "Calendar", "Outlook"}
NO_WORDS = re.compile(
    r"\{% set \w+ %\}.*?\{% endset %\}|<(style|script)\b.*?</\1>|<!--.*?-->|\{#.*?#\}|\{%.*?%\}"
    r"|\{\{.*?\}\}|<[^>]*>|&\w+;",
    re.DOTALL,
)


def templates() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("templates/*.*")) if path.suffix in (".html", ".txt")]


def test_there_is_something_to_say() -> None:
    assert {name: len(sentences) >= 9 for name, sentences in SENTENCES.items()} == dict.fromkeys(
        ["identity", "scheduling", "webhooks"], True
    )


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("domain", SENTENCES)
def test_each_sentence_is_said_in_each_language(domain: str, language: str) -> None:
    assert SENTENCES[domain] == set(catalogues.catalogue(domain, language))


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("domain", SENTENCES)
def test_a_translation_has_the_sentences_values_and_ends_as_it_does(domain: str, language: str) -> None:
    for english, other in catalogues.catalogue(domain, language).items():
        assert sorted(VALUE.findall(english)) == sorted(VALUE.findall(other)), english
        assert english[-1:] in ".?:" or other[-1:] != ".", english
        assert "  " not in other
        assert other == other.strip()


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("domain", SENTENCES)
def test_a_catalogue_is_read_as_gettexts_own_programs_read_it(domain: str, language: str) -> None:
    path = PACKAGE / domain / "locales" / f"{language}.po"
    with path.open("rb") as file:
        by_babel = {str(message.id): str(message.string) for message in read_po(file, locale=language) if message.id}
    assert by_babel == catalogues.catalogue(domain, language)


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.name)
def test_a_template_has_no_words_of_its_own(path: Path) -> None:
    rest = NO_WORDS.sub(" ", path.read_text())
    assert set(re.findall(r"[^\W\d_]{2,}", rest)) <= NAMES
    assert re.findall(r'(?:aria-label|title|placeholder|alt)="[^"{]*\w', path.read_text()) == []


def test_what_is_missing_is_english() -> None:
    assert Words("identity", "de")("No such sentence, %(name)s", name="Ada") == "No such sentence, Ada"
    assert Words("identity", "pt-BR")("Log me in") == "Log me in"
    assert Words("no_such_domain", "de")("Log me in") == "Log me in"


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr-CH"),
        ("pt-BR,de;q=0.3,en;q=0.2", "de"),
        ("en;q=0.5,de;q=0", "en"),
        ("de;q=2, es;q=x, it", None),
        ("*", None),
        ("", None),
        (None, None),
        ("de" + ",xx" * 10_000, "de"),
        ("a-" * 300, None),
    ],
)
def test_what_a_browser_asks_for(header: str | None, locale: str | None) -> None:
    assert languages.accepted(header) == locale


def test_times_as_people_write_them() -> None:
    start = datetime(2026, 12, 7, 14, tzinfo=UTC)
    texts = {
        locale: formats.when(start, start + timedelta(minutes=30), "Europe/Berlin", locale) for locale in ("de", "fr-CA", "es", "en-US")
    }
    assert texts == {
        "de": "Montag, 7. Dezember 2026, 15:00 bis 15:30 (Mitteleuropäische Normalzeit)",
        "fr-CA": "lundi 7 décembre 2026, 15 h 00 à 15 h 30 (heure normale de l’Europe centrale)",
        "es": "lunes, 7 de diciembre de 2026, 15:00 a 15:30 (hora estándar de Europa central)",
        "en-US": "Monday, December 7, 2026, 3:00\xa0PM to 3:30\xa0PM (Central European Standard Time)",
    }
    assert {locale: formats.day_of_month(start.date(), locale) for locale in ("de", "fr", "es", "en-US")} == {
        "de": "Montag, 7. Dezember",
        "fr": "lundi 7 décembre",
        "es": "lunes, 7 de diciembre",
        "en-US": "Monday, December 7",
    }
    lengths = [formats.minutes(75, locale).replace("\xa0", " ") for locale in ("de", "fr", "es")]
    assert lengths == ["1 Stunde 15 Minuten", "1 heure 15 minutes", "1 hora 15 minutos"]
    twice = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert formats.when(twice, twice + timedelta(hours=1), "Europe/Berlin", "de").startswith(
        "Sonntag, 25. Oktober 2026, 02:30 UTC+2 bis 02:30 UTC+1"
    )
    assert formats.when_briefly(start, "Asia/Kolkata", "de") == "Mo., 7. Dez. 2026, 19:30 (Asia/Kolkata)"
    assert [formats.number(1234.5, locale) for locale in ("en", "de", "es-MX")] == ["1,234.5", "1.234,5", "1,234.5"]


@pytest.mark.parametrize("tag", ["de-XX", "de-Latn-x-private", "fr-" + "a" * 8, "en-000"])
def test_a_region_that_nobody_knows_is_its_language(tag: str) -> None:
    start = datetime(2026, 12, 7, 9, tzinfo=UTC)
    assert formats.when(start, start, "UTC", tag) == formats.when(
        start, start, "UTC", tag.partition("-")[0] if tag[:2] != "en" else "en-US"
    )


def test_the_layer_keeps_the_locales_of_the_languages_that_are_offered() -> None:
    source = (PACKAGE.parents[1] / "layers" / "dependencies" / "prune.py").read_text()
    listed = re.search(r"^LANGUAGES = \((.*?)\)", source, re.MULTILINE)
    assert listed is not None
    assert tuple(re.findall(r'"(\w+)"', listed[1])) == languages.OFFERED
