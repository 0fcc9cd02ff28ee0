from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.cloudformation import TemplateProblem
from local.timetable import next_time

AFTER = datetime(2026, 11, 20, 10, 17, 30, tzinfo=UTC)  # a Friday


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("rate(1 minute)", "2026-11-20T10:18:30"),
        ("rate(2 days)", "2026-11-22T10:17:30"),
        ("cron(* * * * ? *)", "2026-11-20T10:18:00"),
        ("cron(0/15 * * * ? *)", "2026-11-20T10:30:00"),
        ("cron(0 3 * * ? *)", "2026-11-21T03:00:00"),
        ("cron(15 10 ? * MON-FRI *)", "2026-11-23T10:15:00"),
        ("cron(0 8 1 * ? *)", "2026-12-01T08:00:00"),
        ("cron(0 8 L * ? *)", "2026-11-30T08:00:00"),
        ("cron(0 0 29 FEB ? *)", "2028-02-29T00:00:00"),
        ("cron(0,30 9-11 ? * * *)", "2026-11-20T10:30:00"),
        ("cron(0 0 1 1 ? 2030)", "2030-01-01T00:00:00"),
    ],
)
def test_when_a_schedule_is_due(expression: str, due: str) -> None:
    assert next_time(expression, AFTER) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "expression", ["rate(0 minutes)", "rate(1 week)", "cron(* * *)", "cron(99 * * * ? *)", "cron(0 0 ? * 6#3 *)", "daily", ""]
)
def test_what_it_can_not_read_is_said(expression: str) -> None:
    with pytest.raises(TemplateProblem):
        next_time(expression, AFTER)
