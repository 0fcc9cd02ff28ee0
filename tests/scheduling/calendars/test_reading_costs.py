"""What reading a calendar costs, in functions called instead of time: many series and many exceptions of one UID."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from parley.calendar_providers import icalendar_busy_times


def calls(count: int) -> int:
    """For so many series under one UID, each with an exception and as many changed instances besides."""
    lines = ["BEGIN:VCALENDAR"]
    for at in range(count):
        day = f"2027{at % 12 + 1:02}{at % 28 + 1:02}T{at % 24:02}{at % 60:02}00Z"
        lines += ["BEGIN:VEVENT", "UID:a", "SEQUENCE:2", f"DTSTART:{day}", "DURATION:PT1H", f"EXDATE:{day[:-3]}30Z", "END:VEVENT"]
        lines += ["BEGIN:VEVENT", "UID:a", "SEQUENCE:1", f"RECURRENCE-ID:{day}", f"DTSTART:{day}", "DURATION:PT1H", "END:VEVENT"]
    content = "\n".join([*lines, "END:VCALENDAR"]).encode()
    total = 0

    def note(_frame: object, event: str, _value: object) -> None:
        nonlocal total
        total += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        icalendar_busy_times.busy(
            icalendar_busy_times.parse_calendars(content), datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC), "UTC"
        )
    finally:
        sys.setprofile(None)
    return total


def test_series_and_their_exceptions_are_gone_through_once() -> None:
    calls(10)
    assert calls(400) <= 2.6 * calls(200)
