"""Every operator of routing rules on every type of question: what can be kept, and what holds."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from parley.scheduling.routing.routing_conditions import OPERATORS, folded, holds, misfit
from parley.scheduling.tables.enums import QuestionType as Q
from parley.scheduling.tables.enums import RoutingOperator as Op

OPTIONS = ["Mon", "Tue", "Wed"]
# Type, operator, value; answers that fit; answers that do not.
TABLE: list[tuple[Q, Op, Any, list[Any], list[Any]]] = [
    (Q.SHORT_TEXT, Op.EQUALS, "Navy", ["Navy", "nAVY", "Ｎavy"], ["Navy!", "", None]),
    (Q.SHORT_TEXT, Op.EQUALS, "STRASSE", ["straße", "Straße"], ["strase"]),
    (Q.SHORT_TEXT, Op.EQUALS, "cafe\u0301", ["CAF\u00c9"], ["cafe"]),
    (Q.SHORT_TEXT, Op.EQUALS, "3", ["3", "³"], ["3.0"]),
    (Q.SHORT_TEXT, Op.NOT_EQUALS, "Navy", ["Army", "", None], ["NAVY"]),
    (Q.SHORT_TEXT, Op.CONTAINS, "av", ["NAVY", "a Ｖ".replace(" ", "")], ["Army", None]),
    (Q.SHORT_TEXT, Op.CONTAINS, "%", ["100%"], ["100", "_"]),
    (Q.SHORT_TEXT, Op.IN, ["Navy", "Army"], ["army"], ["Air", "Nav", None]),
    (Q.LONG_TEXT, Op.EQUALS, "one", ["ONE"], ["one\ntwo"]),
    (Q.LONG_TEXT, Op.NOT_EQUALS, "one", ["two", None], ["one"]),
    (Q.LONG_TEXT, Op.CONTAINS, "URGENT", ["it is\nvery urgent"], ["it is not"]),
    (Q.LONG_TEXT, Op.IN, ["one", "two"], ["Two"], ["one two"]),
    (Q.EMAIL, Op.EQUALS, "boss@navy.example", ["Boss@Navy.example"], ["boss@army.example", None]),
    (Q.EMAIL, Op.NOT_EQUALS, "boss@navy.example", ["a@b.example", None], ["BOSS@navy.example"]),
    (Q.EMAIL, Op.CONTAINS, "@NAVY.", ["boss@navy.example"], ["navy@boss.example"]),
    (Q.EMAIL, Op.IN, ["a@b.example", "c@d.example"], ["C@D.example"], ["e@f.example", None]),
    (Q.PHONE, Op.EQUALS, "+1 202 5550143", ["+1 (202) 555-0143", "+12025550143"], ["12025550143", "+1 202 5550144", None]),
    (Q.PHONE, Op.NOT_EQUALS, "+12025550143", ["+1 202 5550144", None], ["+1 202 555 0143"]),
    (Q.PHONE, Op.CONTAINS, "+49", ["+49 30 5550199"], ["004930 5550199", "+1 495 5550143", None]),
    (Q.PHONE, Op.CONTAINS, "555", ["+1 (20) 25-55 0143"], ["+49 30 123456"]),
    (Q.PHONE, Op.IN, ["+12025550143", "0305550199"], ["030 5550199"], ["+49305550199", None]),
    (Q.NUMBER, Op.EQUALS, 3, [3, 3.0], [3.0000001, -3, None]),
    (Q.NUMBER, Op.EQUALS, 0, [0, -0.0], [None, 1]),
    (Q.NUMBER, Op.EQUALS, 10**15, [10**15, 1e15], [10**15 - 1]),
    (Q.NUMBER, Op.NOT_EQUALS, 3, [4, None], [3, 3.0]),
    (Q.NUMBER, Op.GREATER_THAN, 10, [11, 10.0001, 10**15], [10, 10.0, -11, None]),
    (Q.NUMBER, Op.GREATER_THAN, -0.1, [0, -0.05], [-0.1, -1]),
    (Q.NUMBER, Op.LESS_THAN, 0.3, [0.29, -(10**15)], [0.3, 1, None]),
    (Q.NUMBER, Op.IN, [1, 2.5], [1.0, 2.5], [2, None]),
    (Q.SINGLE_SELECT, Op.EQUALS, "Mon", ["Mon"], ["mon", "Tue", None]),
    (Q.SINGLE_SELECT, Op.NOT_EQUALS, "Mon", ["Tue", None], ["Mon"]),
    (Q.SINGLE_SELECT, Op.IN, ["Mon", "Tue"], ["Tue"], ["Wed", None]),
    (Q.MULTI_SELECT, Op.EQUALS, ["Mon", "Tue"], [["Tue", "Mon"]], [["Mon"], ["Mon", "Tue", "Wed"], None]),
    (Q.MULTI_SELECT, Op.NOT_EQUALS, ["Mon"], [["Tue"], ["Mon", "Tue"], None], [["Mon"]]),
    (Q.MULTI_SELECT, Op.CONTAINS, "Mon", [["Tue", "Mon"]], [["Tue"], None]),
    (Q.MULTI_SELECT, Op.IN, ["Mon", "Tue"], [["Mon"], ["Wed", "Tue"]], [["Wed"], None]),
]


@pytest.mark.parametrize(("kind", "operator", "value", "fitting", "others"), TABLE)
def test_what_holds(kind: Q, operator: Op, value: Any, fitting: list[Any], others: list[Any]) -> None:
    assert misfit(kind, OPTIONS, operator, value) is None
    assert [answer for answer in fitting if not holds(kind, operator, value, answer)] == []
    assert [answer for answer in others if holds(kind, operator, value, answer)] == []


def test_the_table_has_every_operator_of_every_type_and_the_others_are_refused() -> None:
    covered = {(kind, operator) for kind, operator, *_ in TABLE}
    assert covered == {(kind, operator) for kind, operators in OPERATORS.items() for operator in operators}
    for kind, operator in set(itertools.product(Q, Op)) - covered:
        for value in ("Mon", 1, ["Mon"]):
            assert "does not compare" in (misfit(kind, OPTIONS, operator, value) or ""), (kind, operator)
    assert len(covered) == 28


@pytest.mark.parametrize(
    ("kind", "operator", "value"),
    [
        (Q.NUMBER, Op.EQUALS, "3"),
        (Q.NUMBER, Op.GREATER_THAN, "ten"),
        (Q.NUMBER, Op.IN, [1, "2"]),
        (Q.NUMBER, Op.IN, 1),
        (Q.NUMBER, Op.IN, [1, 1.0]),
        (Q.SHORT_TEXT, Op.EQUALS, 3),
        (Q.SHORT_TEXT, Op.EQUALS, ["a"]),
        (Q.SHORT_TEXT, Op.IN, "a"),
        (Q.SHORT_TEXT, Op.IN, ["a", "a"]),
        (Q.SINGLE_SELECT, Op.EQUALS, "mon"),
        (Q.SINGLE_SELECT, Op.IN, ["Mon", "Sun"]),
        (Q.MULTI_SELECT, Op.EQUALS, "Mon"),
        (Q.MULTI_SELECT, Op.CONTAINS, ["Mon"]),
        (Q.MULTI_SELECT, Op.CONTAINS, "Sun"),
        (Q.EMAIL, Op.EQUALS, "@navy.example"),
        (Q.PHONE, Op.EQUALS, "+49"),
        (Q.PHONE, Op.CONTAINS, "call"),
    ],
)
def test_what_can_not_be_kept(kind: Q, operator: Op, value: Any) -> None:
    assert misfit(kind, OPTIONS, operator, value)


def test_a_question_whose_type_has_changed_fits_nothing_but_not_equals() -> None:
    assert not holds(Q.MULTI_SELECT, Op.CONTAINS, "Mon", "Mon")
    assert not holds(Q.SHORT_TEXT, Op.EQUALS, "Mon", ["Mon"])
    assert holds(Q.MULTI_SELECT, Op.NOT_EQUALS, ["Mon"], "Mon")


def test_texts_are_folded_alike_whatever_way_they_are_written() -> None:
    for text, other in (("ﬁne", "FINE"), ("Å", "a\u030a"), ("ς", "Σ"), ("İ", "i\u0307"), (" x ", "X")):
        assert folded(text) == folded(other), (text, other)
