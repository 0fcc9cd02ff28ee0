"""Whether the answers of a booking, or of a submission, fit the questions."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from parley.kernel.values.errors import Unprocessable
from parley.kernel.values.fields import is_storable
from parley.scheduling.availability.inputs import BookingQuestion
from parley.scheduling.bookings.schemas import AnswerIn
from parley.scheduling.common.scheduling_fields import Address, Phone
from parley.scheduling.tables.enums import QuestionType

SHORT = 500

PHONE: TypeAdapter[str] = TypeAdapter(Phone)
ADDRESS: TypeAdapter[str] = TypeAdapter(Address)


class InvalidAnswers(Unprocessable):
    """Answers that are missing, do not fit their question, or answer what was not asked. `errors` says which."""


def check(questions: Sequence[BookingQuestion], answers: Sequence[AnswerIn]) -> list[tuple[BookingQuestion, Any]]:
    """Each answered question with its value, as it is kept. Raises `InvalidAnswers`."""
    questions_by_id = {question.id: question for question in questions}
    values: dict[Any, Any] = {}
    errors: list[dict[str, str]] = []
    for answer in answers:
        if answer.question_id not in questions_by_id:
            errors.append({"question_id": str(answer.question_id), "msg": "is not one of the questions"})
        elif answer.question_id in values:
            errors.append({"question_id": str(answer.question_id), "msg": "is answered twice"})
        values[answer.question_id] = answer.value

    kept: list[tuple[BookingQuestion, Any]] = []
    for question in questions:
        value = values.get(question.id)
        value = value.strip() if isinstance(value, str) else value
        if value is None or value in ("", []):
            if question.required:
                errors.append({"question_id": str(question.id), "msg": "needs an answer"})
            continue
        try:
            kept.append((question, fitting(question, value)))
        except ValueError as error:
            errors.append({"question_id": str(question.id), "msg": str(error)})
    if errors:
        raise InvalidAnswers("Some answers do not fit their questions; see errors.", errors=errors)
    return kept


def fitting(question: BookingQuestion, value: Any) -> Any:
    """The value in the form that it is kept in. Raises ValueError with what it should be."""
    kind = question.type
    if kind is QuestionType.NUMBER:
        if not isinstance(value, int | float):
            raise ValueError("must be a number")
        return value
    if kind is QuestionType.MULTI_SELECT:
        if not isinstance(value, list) or len(set(value)) < len(value) or not set(value) <= set(question.options):
            raise ValueError("must be a list of different options of the question")
        return value
    if not isinstance(value, str) or not is_storable(value):
        raise ValueError("must be a text")
    if kind is QuestionType.SINGLE_SELECT and value not in question.options:
        raise ValueError("must be one of the question's options")
    if kind is QuestionType.SHORT_TEXT and (len(value) > SHORT or re.search(r"[\r\n]", value)):
        raise ValueError(f"must be one line of at most {SHORT} characters")
    for of_kind, form, name in ((QuestionType.PHONE, PHONE, "a phone number"), (QuestionType.EMAIL, ADDRESS, "an e-mail address")):
        if kind is of_kind:
            try:
                return form.validate_python(value)
            except ValidationError:
                raise ValueError(f"must be {name}") from None
    return value
