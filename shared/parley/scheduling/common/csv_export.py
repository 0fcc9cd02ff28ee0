"""Bookings as a sheet: CSV (RFC 4180) that a spreadsheet opens without running anything."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from parley.kernel.persistence import pagination
from parley.scheduling.common.queries import BookingDetails

_BOOKING = ("status", "start_time", "end_time", "timezone", "location", "created_at", "canceled_at", "canceled_by", "cancel_reason")
_INVITEE = ("name", "email", "phone", "timezone", "notes", "utm_source", "utm_medium", "utm_campaign", "referrer")
HEADINGS = ("id", "event_type_id", "event_type", *_BOOKING, "hosts", *(f"invitee_{name}" for name in _INVITEE))
# A cell that begins like this is a formula to a spreadsheet (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def bookings_csv(found: Sequence[BookingDetails], names: Mapping[UUID, str]) -> tuple[str, int]:
    """A heading, and a line for each booking; of how many there was room for the lines."""
    return csv_text(HEADINGS, (_booking(one, names.get(one.booking.event_type_id)) for one in found))


def _booking(one: BookingDetails, event_type: str | None) -> list[Any]:
    row = one.booking
    cells = [row.id, row.event_type_id, event_type, *(getattr(row, name) for name in _BOOKING)]
    return [*cells, " ".join(str(host) for host in one.hosts), *(getattr(one.invitee, name) for name in _INVITEE)]


def csv_text(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> tuple[str, int]:
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
