"""What the operators of routing rules mean, by the type of the question. Pure.

| | EQUALS, NOT_EQUALS | CONTAINS | GREATER_THAN, LESS_THAN | IN |
|---|---|---|---|---|
| SHORT_TEXT, LONG_TEXT | the text | a part of it | | one of the texts |
| EMAIL | the address | a part of it | | one of the addresses |
| PHONE | the number | digits in a row, `+` before them | | one of the numbers |
| NUMBER | the number | | the bound | one of the numbers |
| SINGLE_SELECT | the option | | | one of the options |
| MULTI_SELECT | exactly these options, in any order | this option among others | | at least one of these |

Texts are compared without regard to case and to the ways of writing one character (NFKC, case folding), telephone numbers by their digits
and a leading `+`, options as they stand. NOT_EQUALS is the opposite of EQUALS, always: a question without an answer fits NOT_EQUALS alone.
"""

import re
import unicodedata
from typing import Any

from pydantic import TypeAdapter, ValidationError

from parley.scheduling.bookings.answer_validation import ADDRESS, PHONE
from parley.scheduling.tables.enums import QuestionType, RoutingOperator

EQUAL = (RoutingOperator.EQUALS, RoutingOperator.NOT_EQUALS)
ORDERED = (RoutingOperator.GREATER_THAN, RoutingOperator.LESS_THAN)
_ANY = frozenset({*EQUAL, RoutingOperator.IN})
_OF_TEXT = _ANY | {RoutingOperator.CONTAINS}

OPERATORS: dict[QuestionType, frozenset[RoutingOperator]] = {
    QuestionType.SHORT_TEXT: _OF_TEXT,
    QuestionType.LONG_TEXT: _OF_TEXT,
    QuestionType.EMAIL: _OF_TEXT,
    QuestionType.PHONE: _OF_TEXT,
    QuestionType.NUMBER: _ANY | set(ORDERED),
    QuestionType.SINGLE_SELECT: _ANY,
    QuestionType.MULTI_SELECT: _OF_TEXT,
}
"""Those that a question of a type can be compared by."""


def folded(text: str) -> str:
    """The form in which texts are compared."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


def _digits(text: str) -> str:
    return ("+" if text.lstrip().startswith("+") else "") + re.sub(r"[^0-9]", "", text)


def misfit(kind: QuestionType, options: list[str], operator: RoutingOperator, value: Any) -> str | None:
    """What is wrong with comparing answers to such a question by this operator with this value, if anything."""
    if operator not in OPERATORS[kind]:
        fitting = ", ".join(routing_operator.value for routing_operator in RoutingOperator if routing_operator in OPERATORS[kind])
        return f"{operator.value} does not compare answers of type {kind.value}; these do: {fitting}"
    is_list = operator is RoutingOperator.IN or (kind is QuestionType.MULTI_SELECT and operator in EQUAL)
    if is_list != isinstance(value, list):
        return f"{operator.value} takes {'a list of values' if is_list else 'one value'} for a question of type {kind.value}"
    values = value if is_list else [value]
    if len(values) > len(set(values)):
        return "the values of a list differ"
    return next((wrong for item in values if (wrong := _misfit(kind, options, operator, item))), None)


def _misfit(kind: QuestionType, options: list[str], operator: RoutingOperator, value: Any) -> str | None:
    if kind is QuestionType.NUMBER:
        return None if isinstance(value, int | float) else "the value must be a number"
    if not isinstance(value, str):
        return "the value must be a text"
    is_part, wrong = operator is RoutingOperator.CONTAINS, None
    if kind in (QuestionType.SINGLE_SELECT, QuestionType.MULTI_SELECT) and value not in options:
        wrong = "the value must be one of the question's options"
    elif kind is QuestionType.PHONE and is_part and not re.fullmatch(r"\+?[0-9]+", value):
        wrong = "the value must be digits, with a + before them or none"
    elif kind is QuestionType.PHONE and not is_part and not _is(PHONE, value):
        wrong = "the value must be a phone number"
    elif kind is QuestionType.EMAIL and not is_part and not _is(ADDRESS, value):
        wrong = "the value must be an e-mail address; a part of one goes with CONTAINS"
    return wrong


def _is(form: TypeAdapter[str], value: str) -> bool:
    try:
        form.validate_python(value)
    except ValidationError:
        return False
    return True


def holds(kind: QuestionType, operator: RoutingOperator, value: Any, answer: Any) -> bool:
    """Whether an answer (None: there is none) fits. Value and answer were checked when they were saved; a type that was changed since
    fits nothing but NOT_EQUALS."""
    if operator is RoutingOperator.NOT_EQUALS:
        return not holds(kind, RoutingOperator.EQUALS, value, answer)
    if answer is None or (kind is QuestionType.MULTI_SELECT) != isinstance(answer, list):
        return False
    if kind is QuestionType.MULTI_SELECT:
        return _chosen(operator, value, set(answer))
    if kind is QuestionType.NUMBER:
        return _counted(operator, value, answer)
    compared = _digits if kind is QuestionType.PHONE else str if kind is QuestionType.SINGLE_SELECT else folded
    text = compared(str(answer))
    if operator is RoutingOperator.IN:
        return text in {compared(item) for item in value}
    return compared(value) in text if operator is RoutingOperator.CONTAINS else text == compared(value)


def _chosen(operator: RoutingOperator, value: Any, options: set[str]) -> bool:
    if operator is RoutingOperator.CONTAINS:
        return value in options
    return bool(options & set(value)) if operator is RoutingOperator.IN else options == set(value)


def _counted(operator: RoutingOperator, value: Any, answer: Any) -> bool:
    if operator is RoutingOperator.IN:
        return answer in value
    if operator is RoutingOperator.EQUALS:
        return bool(answer == value)
    return bool(answer > value if operator is RoutingOperator.GREATER_THAN else answer < value)
