"""What the slots offer can be taken, and nothing else can: around changes of the clock, and around both ends of what is offered."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.scheduling.booking_scenarios import Office

QUARTER = timedelta(minutes=15)
EVERY_DAY = [
    {"day_of_week": day, "start_time": start, "end_time": end}
    for day in ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
    for start, end in (("00:00", "04:20"), ("22:10", "24:00"))
]


def today() -> date:
    return datetime.now(UTC).date()


def last_sunday(year: int, month: int) -> date:
    end = date(year, month, 31)
    return end - timedelta(days=(end.weekday() + 1) % 7)


def around(zone: str) -> date:
    """The day before the clock of the zone changes next year, spring in the north."""
    year = today().year + 1
    return {
        "Europe/Berlin": last_sunday(year, 3),
        "America/New_York": date(year, 3, 8) + timedelta(days=(6 - date(year, 3, 8).weekday()) % 7),
        "Australia/Lord_Howe": date(year, 4, 1) + timedelta(days=(6 - date(year, 4, 1).weekday()) % 7),
    }.get(zone, today() + timedelta(days=4)) - timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "terms"),
    [
        ("Europe/Berlin", {"horizon_days": 730}),
        ("America/New_York", {"horizon_days": 730, "duration": 45, "buffer_before": 10}),
        ("Australia/Lord_Howe", {"horizon_days": 730, "duration": 60}),
        ("Asia/Kathmandu", {"horizon_days": 5}),
        ("Pacific/Kiritimati", {"horizon_days": 5, "duration": 20}),
        ("America/St_Johns", {"horizon_days": 6, "min_notice": 4 * 24 * 60 + 37}),
    ],
)
def test_what_is_offered_can_be_taken_and_nothing_else(office: Office, zone: str, terms: dict[str, object]) -> None:
    event_type = office.event_type({"timezone": zone, "slots": EVERY_DAY}, **terms)
    begin = datetime.combine(around(zone), datetime.min.time(), UTC) - timedelta(hours=12)
    end = begin + timedelta(days=4)
    answer = office.slots(event_type, **{"from": begin.isoformat(), "to": end.isoformat()})
    assert answer.status == 200, answer.body
    offered = {datetime.fromisoformat(slot["start_time"]).astimezone(UTC) for slot in answer.body["slots"]}
    assert offered

    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    others = {begin + QUARTER * step for step in range((end - begin) // QUARTER)} | {start + timedelta(minutes=5) for start in offered}
    edges = [min(offered), max(offered)]
    for start in [*edges, *chance.sample(sorted(offered), min(6, len(offered))), *chance.sample(sorted(others - offered), 12)]:
        hold = office.stranger.post(f"/v1/scheduling/event-types/{event_type['id']}/holds", {"start_time": start.isoformat()})
        is_bookable = hold.status == 201 or hold.body["code"] in {"day_mostly_held", "slot_taken"}
        assert is_bookable == (start in offered), (seed, start, hold.status, hold.body)
