"""Days on which clocks change: how long they are, nights over them, and every kind of event type there. Worked out by hand."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from parley.scheduling.availability.availability_rules import Hours
from parley.scheduling.availability.slot_calculation import GroupSession, Host, Slot, Terms, open_slots
from tests.scheduling.test_availability import ALL_DAYS, LONG_AGO, at, listed, local, override, windows

NEW_YORK, LONDON, LORD_HOWE, KOLKATA, APIA, SAO_PAULO = ZONES = (
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
    "America/Sao_Paulo",
)


@pytest.mark.parametrize(
    ("zone", "day", "weekday", "half_hours"),
    [
        (NEW_YORK, "2025-03-09", 6, 46),
        (NEW_YORK, "2025-11-02", 6, 50),
        (LONDON, "2025-03-30", 6, 46),
        (LONDON, "2025-10-26", 6, 50),
        (LORD_HOWE, "2025-10-05", 6, 47),
        (LORD_HOWE, "2025-04-06", 6, 49),
        (KOLKATA, "2025-03-30", 6, 48),
        (APIA, "2011-12-29", 3, 48),
        (APIA, "2011-12-30", 4, 0),
        (APIA, "2011-12-31", 5, 48),
        (SAO_PAULO, "2017-10-15", 6, 46),
        (SAO_PAULO, "2018-02-17", 5, 50),
    ],
)
def test_a_day_to_24_00_is_as_long_as_it_is(zone: str, day: str, weekday: int, half_hours: int) -> None:
    around = listed(windows([weekday], "0-24"), day, zone, days=1, duration=30)
    assert len(around) == half_hours
    assert all(later.start - earlier.start == timedelta(minutes=30) for earlier, later in itertools.pairwise(around))


def hours_of(day: str, first: int = 0) -> list[str]:
    """Up to five o'clock."""
    return [f"{day} 0{hour}:00" for hour in range(first, 6)]


@pytest.mark.parametrize(
    ("zone", "evening", "weekday", "starts"),
    [
        (NEW_YORK, "2025-03-08", 5, ["08 22:00", "08 23:00", "09 00:00", "09 01:00", "09 03:00", "09 04:00", "09 05:00"]),
        (
            NEW_YORK,
            "2025-11-01",
            5,
            ["01 22:00", "01 23:00", "02 00:00", "02 01:00", "02 01:00", *hours_of("02", 2)],
        ),
        (LONDON, "2025-03-29", 5, ["29 22:00", "29 23:00", "30 00:00", *hours_of("30", 2)]),
        (
            LONDON,
            "2025-10-25",
            5,
            ["25 22:00", "25 23:00", "26 00:00", "26 01:00", "26 01:00", *hours_of("26", 2)],
        ),
        (LORD_HOWE, "2025-10-04", 5, ["04 22:00", "04 23:00", "05 00:00", "05 01:00", "05 02:30", "05 03:30", "05 04:30"]),
        (LORD_HOWE, "2025-04-05", 5, ["05 22:00", "05 23:00", "06 00:00", "06 01:00", *(f"06 0{hour}:30" for hour in range(1, 5))]),
        (KOLKATA, "2025-03-29", 5, ["29 22:00", "29 23:00", *hours_of("30")]),
        (APIA, "2011-12-29", 3, ["29 22:00", "29 23:00", *hours_of("31")]),
        (SAO_PAULO, "2017-10-14", 5, ["14 22:00", "14 23:00", *hours_of("15", 1)]),
        (SAO_PAULO, "2018-02-17", 5, ["17 22:00", "17 23:00", "17 23:00", *hours_of("18")]),
    ],
)
def test_a_night_over_the_change(zone: str, evening: str, weekday: int, starts: list[str]) -> None:
    """From 22 to 6 o'clock: it belongs to the day on which it starts."""
    assert local(listed(windows([weekday], "22-6"), f"{evening}T12:00", zone, days=2), zone) == starts


@pytest.mark.parametrize("zone", ZONES)
def test_an_override_on_the_day_of_the_change_is_that_days_wall_clock(zone: str) -> None:
    day = {NEW_YORK: "2025-03-09", LONDON: "2025-03-30", LORD_HOWE: "2025-10-05", KOLKATA: "2025-03-30"}
    day |= {APIA: "2011-12-31", SAO_PAULO: "2017-10-15"}
    slots = listed(windows(ALL_DAYS, "0-24"), f"{day[zone]}T00:00", zone, overrides=[override(day[zone], True, "9-11")])
    number = day[zone][-2:]
    assert local(slots, zone) == [f"{number} 09:00", f"{number} 10:00"]


def starts(kind: str, day: str, *hosts: Host) -> list[tuple[str, tuple[object, ...]]]:
    slots = open_slots(Terms(60, kind=kind), hosts, from_=at(day), to=at(day) + timedelta(days=1), now=LONG_AGO, timezone=LONDON)
    return [(f"{slot.start:%H:%M}", slot.hosts) for slot in slots]


WEST = Host("west", Hours(NEW_YORK, windows(ALL_DAYS, "9-10")))
EAST = Host("east", Hours(LONDON, windows(ALL_DAYS, "13-14")))


def test_between_the_changes_of_two_countries_hosts_meet_an_hour_earlier() -> None:
    """New York changes on 9 March 2025, London on the 30th."""
    friday, monday, april = "2025-03-07", "2025-03-10", "2025-03-31"
    assert [starts("COLLECTIVE", day, WEST, EAST) for day in (friday, monday, april)] == [[], [("13:00", ("west", "east"))], []]
    assert starts("ROUND_ROBIN", friday, WEST, EAST) == [("13:00", ("east",)), ("14:00", ("west",))]
    assert starts("ROUND_ROBIN", monday, WEST, EAST) == [("13:00", ("west", "east"))]
    assert starts("ROUND_ROBIN", april, WEST, EAST) == [("12:00", ("east",)), ("13:00", ("west",))]


def test_the_sessions_of_an_hour_that_comes_twice_are_two() -> None:
    first, second = at("2025-11-02T05:00"), at("2025-11-02T06:00")  # both are 1:00 in New York
    full = GroupSession(first, (first, first + timedelta(hours=1)), 3)
    slots = listed(windows([6], "1-3"), "2025-11-02", NEW_YORK, kind="GROUP", capacity=3, sessions=[full])
    assert [(slot.start, slot.seats_left) for slot in slots] == [(second, 3), (second + timedelta(hours=1), 3)]


def test_a_limit_counts_the_bookings_of_every_host_of_a_pool() -> None:
    hosts = [Host(name, Hours("UTC", windows([0], "9-12"))) for name in ("a", "b")]
    terms = Terms(60, kind="ROUND_ROBIN", max_per_day=2)

    def slots(*counted: str) -> list[Slot]:
        day = at("2025-06-02")
        return open_slots(terms, hosts, from_=day, to=day + timedelta(days=1), now=LONG_AGO, counted=[at(start) for start in counted])

    assert len(slots("2025-06-02T09:00")) == 3
    assert slots("2025-06-02T09:00", "2025-06-02T09:00") == []


def test_a_full_local_day_of_25_hours_is_one_day() -> None:
    counted = [at("2025-11-02T00:30", NEW_YORK), at("2025-11-02T23:30", NEW_YORK)]
    week = windows(ALL_DAYS, "9-10")
    slots = listed(week, "2025-11-01", NEW_YORK, days=3, counted=counted, max_per_day=2)
    assert local(slots, NEW_YORK) == ["01 09:00", "03 09:00"]
