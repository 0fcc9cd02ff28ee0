"""Bookings as a sheet: CSV (RFC 4180) that a spreadsheet opens without running anything."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from parley.scheduling.queries import Whole

_BOOKING = ("status", "start_time", "end_time", "timezone", "location", "created_at", "canceled_at", "canceled_by", "cancel_reason")
_INVITEE = ("name", "email", "phone", "timezone", "notes", "utm_source", "utm_medium", "utm_campaign", "referrer")
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


def cell(value: Any) -> str:
    """As text. What a spreadsheet would take for a formula is marked as text by an apostrophe."""
    if value is None:
        return ""
    text = value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
