"""Submissions of a routing form as a sheet: CSV (RFC 4180)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from parley.scheduling.common.csv_export import csv_text
from parley.scheduling.routing.schemas import RoutingSubmissionRead

_COLUMNS = ("id", "created_at", "outcome", "rule_position", "booking_id", "matched_event_type_id", "matched_event_type_name")


def submissions_csv(found: Sequence[RoutingSubmissionRead], questions: Sequence[tuple[UUID, str]]) -> tuple[str, int]:
    """A heading and a line for each submission of one form, and of how many there was room for the lines. There is a column for
    each question, headed by its label; several options are parted by `; `."""
    return csv_text([*_COLUMNS, *(label for _, label in questions)], (_submission(one, questions) for one in found))


def _submission(one: RoutingSubmissionRead, questions: Sequence[tuple[UUID, str]]) -> list[Any]:
    given = {answer.question_id: answer.value for answer in one.answers}
    values = (given.get(question_id) for question_id, _ in questions)
    return [*(getattr(one, column) for column in _COLUMNS), *("; ".join(one) if isinstance(one, list) else one for one in values)]
