"""A sheet: CSV (RFC 4180) that a spreadsheet opens without running anything."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from parley.kernel.persistence import pagination

# A cell that begins like this is a formula to a spreadsheet (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


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
