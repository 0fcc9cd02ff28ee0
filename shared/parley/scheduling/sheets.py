"""Bookings, and submissions of a routing form, as a sheet: CSV (RFC 4180) that a spreadsheet opens without running anything."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from parley.scheduling.queries import Whole
from parley.scheduling.routing_schemas import RoutingSubmissionRead

_BOOKING = ("status", "start_time", "end_time", "timezone", "location", "created_at", "canceled_at", "canceled_by", "cancel_reason")
_INVITEE = ("name", "email", "phone", "timezone", "notes", "utm_source", "utm_medium", "utm_campaign", "referrer")
_SUBMISSION = ("id", "created_at", "outcome", "rule_position", "booking_id", "matched_event_type_id", "matched_event_type_name")
HEADINGS = ("id", "event_type_id", "event_type", *_BOOKING, "hosts", *(f"invitee_{name}" for name in _INVITEE))
# A cell that begins like this is a formula to a spreadsheet (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def sheet(found: Sequence[Whole], names: Mapping[UUID, str]) -> str:
    """A heading, and a line for each booking."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(HEADINGS)
    for one in found:
        row = one.booking
        cells = [row.id, row.event_type_id, names.get(row.event_type_id), *(getattr(row, name) for name in _BOOKING)]
        invitee = [getattr(one.invitee, name) for name in _INVITEE]
        writer.writerow([cell(value) for value in (*cells, " ".join(str(host) for host in one.hosts), *invitee)])
    return lines.getvalue()


def submissions(found: Sequence[RoutingSubmissionRead], questions: Sequence[tuple[UUID, str]]) -> str:
    """The same of one form's submissions, with a column for each question, headed by its label. Several options are parted by `; `."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow([*_SUBMISSION, *(cell(label) for _, label in questions)])
    for one in found:
        given = {answer.question_id: answer.value for answer in one.answers}
        values = (given.get(question_id) for question_id, _ in questions)
        texts = ("; ".join(value) if isinstance(value, list) else value for value in values)
        writer.writerow([cell(value) for value in (*(getattr(one, column) for column in _SUBMISSION), *texts)])
    return lines.getvalue()


def cell(value: Any) -> str:
    """As text. What a spreadsheet would take for a formula is marked as text by an apostrophe."""
    if value is None:
        return ""
    text = value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
