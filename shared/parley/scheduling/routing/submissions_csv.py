"""Submissions of a routing form as a sheet: CSV (RFC 4180)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from parley.scheduling.common.csv_export import csv_text
from parley.scheduling.routing.schemas import RoutingSubmissionRead

_COLUMNS = ("id", "created_at", "outcome", "rule_position", "booking_id", "matched_event_type_id", "matched_event_type_name")


def submissions_csv(submissions: Sequence[RoutingSubmissionRead], questions: Sequence[tuple[UUID, str]]) -> tuple[str, int]:
    """A heading and a line for each submission of one form, and of how many there was room for the lines. There is a column for
    each question, headed by its label; several options are parted by `; `."""
    return csv_text([*_COLUMNS, *(label for _, label in questions)], (_submission(submission, questions) for submission in submissions))


def _submission(submission: RoutingSubmissionRead, questions: Sequence[tuple[UUID, str]]) -> list[Any]:
    answers = {answer.question_id: answer.value for answer in submission.answers}
    values = (answers.get(question_id) for question_id, _ in questions)
    return [
        *(getattr(submission, column) for column in _COLUMNS),
        *("; ".join(answer) if isinstance(answer, list) else answer for answer in values),
    ]
