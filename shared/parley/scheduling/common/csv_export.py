"""Bookings, and submissions of a routing form, as a sheet: CSV (RFC 4180) that a spreadsheet opens without running anything."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from parley.kernel.persistence import pagination
from parley.scheduling.common.queries import BookingDetails
from parley.scheduling.routing.schemas import RoutingSubmissionRead

_BOOKING = ("status", "start_time", "end_time", "timezone", "location", "created_at", "canceled_at", "canceled_by", "cancel_reason")
_INVITEE = ("name", "email", "phone", "timezone", "notes", "utm_source", "utm_medium", "utm_campaign", "referrer")
_SUBMISSION = ("id", "created_at", "outcome", "rule_position", "booking_id", "matched_event_type_id", "matched_event_type_name")
HEADINGS = ("id", "event_type_id", "event_type", *_BOOKING, "hosts", *(f"invitee_{name}" for name in _INVITEE))
# A cell that begins like this is a formula to a spreadsheet (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def bookings_csv(found: Sequence[BookingDetails], names: Mapping[UUID, str]) -> tuple[str, int]:
    """A heading, and a line for each booking; of how many there was room for the lines."""
    return _sheet(HEADINGS, (_booking(one, names.get(one.booking.event_type_id)) for one in found))


def _booking(one: BookingDetails, event_type: str | None) -> list[Any]:
    row = one.booking
    cells = [row.id, row.event_type_id, event_type, *(getattr(row, name) for name in _BOOKING)]
    return [*cells, " ".join(str(host) for host in one.hosts), *(getattr(one.invitee, name) for name in _INVITEE)]


def submissions_csv(found: Sequence[RoutingSubmissionRead], questions: Sequence[tuple[UUID, str]]) -> tuple[str, int]:
    """The same of one form's submissions, with a column for each question, headed by its label. Several options are parted by `; `."""
    return _sheet([*_SUBMISSION, *(label for _, label in questions)], (_submission(one, questions) for one in found))


def _submission(one: RoutingSubmissionRead, questions: Sequence[tuple[UUID, str]]) -> list[Any]:
    given = {answer.question_id: answer.value for answer in one.answers}
    values = (given.get(question_id) for question_id, _ in questions)
    return [*(getattr(one, column) for column in _SUBMISSION), *("; ".join(one) if isinstance(one, list) else one for one in values)]


def _sheet(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> tuple[str, int]:
    """The rows that a function may answer with, one at least, and how many they are."""
    lines = [_line(row) for row in rows]
    shown = pagination.count_that_fits(lines)
    return "".join([_line(headings), *lines[:shown]]), shown


def _line(cells: Sequence[Any]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow([cell(value) for value in cells])
    return line.getvalue()


def cell(value: Any) -> str:
    """As text. What a spreadsheet would take for a formula is marked as text by an apostrophe."""
    if value is None:
        return ""
    text = value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
