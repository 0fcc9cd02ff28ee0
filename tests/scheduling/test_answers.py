"""Questions of all types, and the answers that fit them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from parley.kernel.values.ids import new_id
from parley.scheduling.tables.booking_models import Answer as AnswerRow
from tests.harness import Member
from tests.scheduling.booking_scenarios import Office, at

QUESTIONS: list[dict[str, Any]] = [
    {"label": "Company", "type": "SHORT_TEXT", "required": True},
    {"label": "Story", "type": "LONG_TEXT"},
    {"label": "Topic", "type": "SINGLE_SELECT", "options": ["Sales", "Support"]},
    {"label": "Days", "type": "MULTI_SELECT", "options": ["Mon", "Tue", "Wed"]},
    {"label": "Phone", "type": "PHONE"},
    {"label": "Boss", "type": "EMAIL"},
    {"label": "Seats", "type": "NUMBER"},
]
FITTING: dict[str, Any] = {
    "Company": "Navy",
    "Story": "One\nTwo",
    "Topic": "Sales",
    "Days": ["Wed", "Mon"],
    "Phone": "+1 (202) 555-0143",
    "Boss": "boss@navy.example",
    "Seats": 3,
}


@pytest.fixture
def asking(office: Office) -> dict[str, Any]:
    return office.event_type(questions=QUESTIONS)


def answers(event_type: dict[str, Any], values: dict[str, Any]) -> list[dict[str, Any]]:
    ids = {question["label"]: question["id"] for question in event_type["questions"]}
    return [{"question_id": ids[label], "value": value} for label, value in values.items()]


def test_answers_of_every_type_are_kept_in_the_order_of_the_questions(office: Office, asking: dict[str, Any], acme: Member) -> None:
    booking = office.booked(asking, at("10:00"), answers=answers(asking, FITTING)[::-1])
    seen = acme.get(f"/v1/scheduling/bookings/{booking['id']}").body["answers"]
    assert [(answer["label"], answer["value"]) for answer in seen] == list(FITTING.items())


def test_only_required_questions_need_an_answer(office: Office, asking: dict[str, Any], acme: Member) -> None:
    office.booked(asking, at("10:00"), answers=answers(asking, {"Company": "Navy", "Story": "  ", "Days": []}))
    assert acme.rows(select(AnswerRow.value)) == ["Navy"]


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("Company", "   "),
        ("Company", "two\nlines"),
        ("Company", "x" * 501),
        ("Company", 7),
        ("Company", ["Navy"]),
        ("Story", 1.5),
        ("Topic", "sales"),
        ("Topic", ["Sales"]),
        ("Days", "Mon"),
        ("Days", ["Mon", "Mon"]),
        ("Days", ["Mon", "Sun"]),
        ("Phone", "by pigeon"),
        ("Phone", "12"),
        ("Boss", "boss"),
        ("Boss", "boss@navy"),
        ("Seats", "three"),
        ("Seats", "3"),
        ("Seats", ["3"]),
    ],
)
def test_an_answer_that_does_not_fit_is_named(office: Office, asking: dict[str, Any], acme: Member, label: str, value: Any) -> None:
    entries = answers(asking, FITTING | {label: value})
    refused = office.book(asking, at("10:00"), answers=entries)
    assert (refused.status, refused.body["code"]) == (422, "invalid_answers"), refused.body
    (error,) = refused.body["errors"]
    assert error["question_id"] == next(entry["question_id"] for entry in entries if entry["value"] == value)
    assert acme.rows(select(AnswerRow.id)) == []


def test_what_nobody_asked_and_what_is_said_twice_is_refused(office: Office, asking: dict[str, Any]) -> None:
    other = office.event_type(questions=[QUESTIONS[0]])
    entries = answers(asking, FITTING)
    for extra in ([entries[0]], [{"question_id": str(new_id()), "value": "x"}], answers(other, {"Company": "x"})):
        refused = office.book(asking, at("10:00"), answers=entries + extra)
        assert (refused.status, refused.body["code"]) == (422, "invalid_answers")
    missing = office.book(asking, at("10:00"))
    assert missing.body["errors"] == [{"question_id": asking["questions"][0]["id"], "msg": "needs an answer"}]
