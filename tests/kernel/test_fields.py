"""Field types, value by value: what a column, a mail or a calendar can't hold is refused in a sentence, and the rest comes in one form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from parley.kernel.values import fields
from parley.kernel.values.fields import PatchModel, is_storable, storable
from tests.harness import Member

TAKEN: dict[str, list[tuple[Any, Any]]] = {
    "Text": [("", ""), ("  x \n", "x"), ("ü🙂\u202e", "ü🙂\u202e"), ("\x01", "\x01")],
    "Line": [("x", "x"), (" " + "x" * 200 + " ", "x" * 200), ("🙂" * 200, "🙂" * 200)],
    "Prose": [("", ""), ("x" * 5000, "x" * 5000)],
    "Slug": [("a", "a"), ("sales-call", "sales-call"), ("0-1-2", "0-1-2"), ("a" * 50, "a" * 50)],
    "Email": [
        (" Ada@Example.com ", "Ada@Example.com"),
        ("a+b@xn--bcher-kva.example", "a+b@xn--bcher-kva.example"),
        ("a" * 64 + "@b.example", "a" * 64 + "@b.example"),
        (".@b.example", ".@b.example"),
    ],
    "Host": [("Example.COM", "example.com"), ("a.b-c.d0", "a.b-c.d0")],
    "Color": [("#0B57D0", "#0b57d0")],
    "SecureUrl": [
        ("https://example.com", "https://example.com"),
        ("https://example.com:8443/a?b=c#d", "https://example.com:8443/a?b=c#d"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]/"),
    ],
    "TimeZone": [("Europe/Berlin", "Europe/Berlin"), ("UTC", "UTC"), ("Etc/GMT+12", "Etc/GMT+12")],
    "Locale": [("en", "en"), ("pt-BR", "pt-BR"), ("zh-Hant-TW", "zh-Hant-TW"), (" de ", "de")],
    "Flag": [(True, True), (False, False)],
    "RequestInstant": [
        ("2026-12-01T09:00:00Z", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("2026-12-01t10:00:00.5+01:00", datetime(2026, 12, 1, 9, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-12-01 09:00Z", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("1970-01-01T00:00:00+14:00", datetime(1969, 12, 31, 10, tzinfo=UTC)),
        ("2200-12-31T23:59:59-12:00", datetime(2201, 1, 1, 11, 59, 59, tzinfo=UTC)),
        ("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
}
REFUSED: dict[str, list[Any]] = {
    "Text": ["\0", "a\0b", "\ud800", "\udfff", None, 1, True, b"x", ["x"], {"x": 1}],
    "Line": ["", " \t\n", "x" * 201, "\0"],
    "Prose": ["x" * 5001],
    "Slug": ["", "-a", "a-", "a--b", "A", "ä", "a b", "a_b", "a" * 51, "a\n", "١", 1],
    "Email": [
        "", "a", "a@b", "@b.example", "a@", "a@@b.example", "a@-b.example", "a@b-.example", "a@b..example", "a@b.example.", "a b@c.example",
        "a@b.example\r\nbcc: x@y.example", "a@b.example,c@d.example", "<a@b.example>", "ä@b.example", "a@bücher.example", "\0@b.example",
        "a" * 65 + "@b.example", "a@" + "b." * 130 + "example", "a@" + "b" * 64 + ".example", "a@[127.0.0.1]", '"a"@b.example', None, 1,
    ],
    "Host": ["", "a", ".a.b", "a.b.", "a..b", "-a.b", "a.-b", "a_b.c", "bücher.example", "a b.c", "https://a.b", "a.b:443", "a.b\n", 1],
    "Color": ["", "red", "#fff", "#0b57d", "#0b57d0f", "0b57d0", "#gggggg", "#0b57d0\n", "#٠٠٠٠٠٠", 0],
    "SecureUrl": [
        "", "http://a.example", "ftp://a.example", "//a.example", "https:a.example", "https://", "https:///a", "https://u@a.example",
        "https://u:p@a.example", "https://@a.example", "https://a.example:0", "https://a.example:99999", "https://a.example:x",
        "https://a.example/ b", "https://a.example/\n", "https://a.example/ü", "https://bücher.example",
        'https://a.example/"', "https://a.example/<",
        "https://a.example\\@b.example", "https://a.example/`", "https://[::1", "https://a.example/{x}", "javascript:alert(1)",
        "https://a.example/" + "x" * 2048, "https://a%00.example", None, 1,
    ],
    "TimeZone": [
        "", "Berlin", "europe/berlin ",
        "Europe", "Europe/", "/etc/localtime", "../UTC", "Europe/../UTC", "localtime", "Factory", "posix/UTC",
        "right/UTC", "posixrules", "zone.tab", "tzdata.zi", "UTC\0", "\ud800", "UTC+1", "+01:00", "x" * 65, ".", "..", None, 1,
    ],
    "Locale": ["", "e", "EN", "en_US", "en-", "-en", "en--US", "en-US;q=1", "e" * 36, "en\0", "ен", "en-ÜS", None, 1],
    "Flag": [0, 1, "true", "false", "yes", "", None, [], 1.0],
    "RequestInstant": [
        "", "2026-12-01", "2026-12-01T09:00:00", "2026-12-01T09:00:00z ",
        "2026-12-01T9:00:00Z", "2026-12-01T09:00:00+0100", "20261201T090000Z",
        "2026-12-01T09:00:00.1234567890Z", "2026-02-30T09:00:00Z",
        "2026-12-01T25:00:00Z", "2026-12-01T09:61:00Z", "2026-12-01T09:00:00+25:00",
        "1969-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "-2026-12-01T09:00:00Z",
        "٢٠٢٦-12-01T09:00:00Z", 0, 1_800_000_000, 1.5, -1, True, None, [], "now", "1800000000",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value", "kept"), [(name, *pair) for name, pairs in TAKEN.items() for pair in pairs])
def test_what_a_field_takes_has_one_form(name: str, value: Any, kept: Any) -> None:
    assert TypeAdapter(getattr(fields, name)).validate_python(value) == kept


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_what_a_field_refuses_is_refused_in_words(name: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(getattr(fields, name)).validate_python(value)
    for error in refused.value.errors():
        assert "match pattern" not in error["msg"] and "\\" not in error["msg"], "a regular expression is no sentence"


def test_every_type_of_ours_has_its_values() -> None:
    names = {name for name in vars(fields) if name[0].isupper() and "Annotated" in str(getattr(fields, name))}
    assert names - {"Annotated", "OneTimeSecret", "AwareDatetime"} <= TAKEN.keys() & REFUSED.keys()


@pytest.mark.parametrize(
    ("text", "kept"),
    [("", ""), ("x", "x"), ("a\0b", "ab"), ("\0\0", ""), ("\ud83d\ude42", ""), ("ü\ud800🙂\udfff", "ü🙂"), ("\ue000", "\ue000")],
)
def test_what_a_column_can_not_hold_is_taken_out_and_the_rest_stays(text: str, kept: str) -> None:
    assert storable(text) == kept
    assert is_storable(kept) and is_storable(text) == (text == kept)
    kept.encode()


class Change(PatchModel):
    _needed = frozenset({"name", "color"})

    name: fields.Line | None = None
    color: fields.Color | None = None
    note: fields.Prose | None = None


def test_a_change_says_what_was_named_and_empties_only_what_may_be_empty() -> None:
    assert Change.model_validate({}).changed_fields() == {}
    assert Change.model_validate({"note": None, "name": " x "}).changed_fields() == {"name": "x", "note": None}
    with pytest.raises(ValidationError, match="color, name must not be null; leave it out to keep it"):
        Change.model_validate({"name": None, "color": None})
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Change.model_validate({"names": "x"})


@pytest.mark.parametrize("instant", ["2026-12-01T09:00:60Z", "2026-12-01T24:00:00Z"])
def test_a_second_or_an_hour_that_no_day_has_is_refused_by_http(acme: Member, instant: str) -> None:
    wanted = {"platform": "YOUTUBE", "url": "https://youtube.com/live/abc", "scheduled_start": instant}
    answer = acme.post("/v1/recordings/meetings", wanted)
    assert answer.status == 422 and answer.body["errors"][0]["loc"][-1] == "scheduled_start", answer.raw
