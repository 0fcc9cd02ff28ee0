"""Bookings as a sheet: CSV (RFC 4180)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from parley.scheduling.common.csv_export import csv_text
from parley.scheduling.common.queries import BookingDetails

_BOOKING = ("status", "start_time", "end_time", "timezone", "location", "created_at", "canceled_at", "canceled_by", "cancel_reason")
_INVITEE = ("name", "email", "phone", "timezone", "notes", "utm_source", "utm_medium", "utm_campaign", "referrer")
_COLUMNS = ("id", "event_type_id", "event_type", *_BOOKING, "hosts", *(f"invitee_{name}" for name in _INVITEE))


def bookings_csv(bookings: Sequence[BookingDetails], names: Mapping[UUID, str]) -> tuple[str, int]:
    """A heading, and a line for each booking; of how many there was room for the lines."""
    return csv_text(_COLUMNS, (_booking(details, names.get(details.booking.event_type_id)) for details in bookings))


def _booking(details: BookingDetails, event_type: str | None) -> list[Any]:
    row = details.booking
    cells = [row.id, row.event_type_id, event_type, *(getattr(row, name) for name in _BOOKING)]
    return [*cells, " ".join(str(host) for host in details.hosts), *(getattr(details.invitee, name) for name in _INVITEE)]
