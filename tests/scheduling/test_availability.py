"""The availability rules one by one, with the answers worked out by hand."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from parley.scheduling.availability.availability_rules import Hours, Override, Window
from parley.scheduling.availability.slot_calculation import GroupSession, Host, Slot, Terms, busy_span, limit_span, open_slots, slot_at

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ALL_DAYS = range(7)


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def minutes(text: str) -> int:
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest or 0)


def span_of(text: str) -> tuple[int, int]:
    start, _, end = text.partition("-")
    return minutes(start), minutes(end)


def windows(days: Iterable[int], *spans: str) -> tuple[Window, ...]:
    return tuple(Window(day, *span_of(span)) for day in days for span in spans)


def override(day: str, is_available: bool, span: str | None = None) -> Override:
    return Override(date.fromisoformat(day), is_available, *(span_of(span) if span else (None, None)))


def listed(
    weekly: tuple[Window, ...],
    day: str,
    zone: str = "UTC",
    *,
    overrides: Sequence[Override] = (),
    busy: Sequence[tuple[str, str]] = (),
    days: int = 1,
    now: datetime = LONG_AGO,
    counted: Iterable[datetime] = (),
    sessions: Sequence[GroupSession] = (),
    **terms: Any,
) -> list[Slot]:
    host = Host("host", Hours(zone, weekly, tuple(overrides)), [(at(start), at(end)) for start, end in busy])
    start = at(day, zone)
    wanted = Terms(**{"duration": 60, **terms})
    return open_slots(wanted, [host], from_=start, to=start + timedelta(days=days), now=now, counted=counted, sessions=sessions)


def local(slots: Iterable[Slot], zone: str = "UTC") -> list[str]:
    return [f"{slot.start.astimezone(ZoneInfo(zone)):%d %H:%M}" for slot in slots]


def clock(slots: Iterable[Slot]) -> list[str]:
    return [f"{slot.start:%H:%M}" for slot in slots]


# Windows and overrides


def test_a_slot_says_start_end_and_host_in_utc() -> None:
    (slot,) = listed(windows([0], "9-10"), "2025-06-02", "Europe/Berlin")
    assert slot == Slot(at("2025-06-02T07:00"), at("2025-06-02T08:00"), ("host",), None)
    assert slot.start.tzinfo is UTC


def test_monday_is_day_zero() -> None:
    assert local(listed(windows([0], "9-10"), "2025-06-01", days=3)) == ["02 09:00"]


def test_a_window_ending_at_24_00_ends_at_midnight() -> None:
    assert local(listed(windows([0], "22-24"), "2025-06-02", days=2)) == ["02 22:00", "02 23:00"]


def test_an_overnight_window_belongs_to_the_day_it_starts_on() -> None:
    assert local(listed(windows([0], "23-1"), "2025-06-02", days=7)) == ["02 23:00", "03 00:00"]
    assert local(listed(windows([0], "23-0"), "2025-06-02", days=7)) == ["02 23:00"]
    assert len(listed(windows([0], "9-9"), "2025-06-02", days=7)) == 24


def test_an_override_replaces_the_hours_of_its_date_and_rows_add_up() -> None:
    rows = [override("2025-06-03", True, "10-11"), override("2025-06-03", True, "14-15")]
    assert local(listed(windows(ALL_DAYS, "9-10"), "2025-06-02", days=3, overrides=rows)) == [
        "02 09:00",
        "03 10:00",
        "03 14:00",
        "04 09:00",
    ]


def test_unavailable_without_times_closes_the_date_whatever_else_is_said() -> None:
    rows = [override("2025-06-02", False), override("2025-06-02", True, "10-11")]
    assert listed(windows(ALL_DAYS, "9-17"), "2025-06-02", overrides=rows) == []


def test_available_without_times_opens_the_date() -> None:
    assert len(listed((), "2025-06-02", days=3, overrides=[override("2025-06-03", True)])) == 24


def test_unavailable_with_times_is_taken_out_and_the_grid_starts_again_after_it() -> None:
    away = override("2025-06-02", False, "12-14:30")
    assert clock(listed(windows([0], "10-16"), "2025-06-02", overrides=[away])) == ["10:00", "11:00", "14:30"]
    both = [away, override("2025-06-02", True, "11-15:30")]
    assert clock(listed(windows([0], "8-20"), "2025-06-02", overrides=both)) == ["11:00", "14:30"]


def test_an_override_does_not_cut_the_window_of_the_day_before() -> None:
    night = windows(ALL_DAYS, "22-2")
    closed = listed(night, "2025-06-02T12:00", days=2, overrides=[override("2025-06-03", False)])
    assert local(closed) == ["02 22:00", "02 23:00", "03 00:00", "03 01:00"]
    away = listed(night, "2025-06-02T12:00", days=1, overrides=[override("2025-06-03", False, "0-4")])
    assert local(away) == ["02 22:00", "02 23:00", "03 00:00", "03 01:00"]


def test_an_override_may_run_into_the_next_day() -> None:
    assert local(listed((), "2025-06-02", days=2, overrides=[override("2025-06-02", True, "23-1")])) == ["02 23:00", "03 00:00"]


# Clocks that change


def test_new_york_springs_over_2_00() -> None:
    zone = "America/New_York"
    assert local(listed(windows(ALL_DAYS, "0-5"), "2025-03-09", zone), zone) == ["09 00:00", "09 01:00", "09 03:00", "09 04:00"]
    assert listed(windows(ALL_DAYS, "2:30-3"), "2025-03-09", zone) == []  # it would end before it starts
    assert local(listed(windows(ALL_DAYS, "2:30-4:30"), "2025-03-09", zone), zone) == ["09 03:30"]  # RFC 5545: the offset before


def test_new_york_repeats_1_00() -> None:
    zone = "America/New_York"
    slots = listed(windows(ALL_DAYS, "0-3"), "2025-11-02", zone)
    assert local(slots, zone) == ["02 00:00", "02 01:00", "02 01:00", "02 02:00"]
    assert local(listed(windows(ALL_DAYS, "1:30-2"), "2025-11-02", zone, duration=90), zone) == ["02 01:30"]  # first 1:30, 90 minutes on


def test_london_changes_at_1_00() -> None:
    zone = "Europe/London"
    assert local(listed(windows(ALL_DAYS, "0:30-3"), "2025-03-30", zone, duration=30), zone) == ["30 00:30", "30 02:00", "30 02:30"]
    assert len(listed(windows(ALL_DAYS, "0-3"), "2025-10-26", zone)) == 4


def test_lord_howe_changes_by_half_an_hour() -> None:
    zone = "Australia/Lord_Howe"
    assert local(listed(windows(ALL_DAYS, "1-4"), "2025-10-05", zone), zone) == ["05 01:00", "05 02:30"]
    assert local(listed(windows(ALL_DAYS, "1-4"), "2025-04-06", zone), zone) == ["06 01:00", "06 01:30", "06 02:30"]


def test_kolkata_is_off_by_half_an_hour_and_never_changes() -> None:
    assert clock(listed(windows(ALL_DAYS, "9-11"), "2025-03-30", "Asia/Kolkata")) == ["03:30", "04:30"]


def test_apia_had_no_30_december_2011() -> None:
    zone = "Pacific/Apia"
    assert local(listed(windows(ALL_DAYS, "9-10"), "2011-12-29", zone, days=4), zone) == ["29 09:00", "31 09:00", "01 09:00"]
    assert listed((), "2011-12-29", zone, days=3, overrides=[override("2011-12-30", True, "9-10")]) == []
    overnight = listed(windows([3], "23-1"), "2011-12-29", zone, days=3)
    assert local(overnight, zone) == ["29 23:00", "31 00:00"]
    assert len(listed(windows(ALL_DAYS, "0-24"), "2011-12-29", zone, days=3)) == 48


def test_sao_paulo_has_a_date_without_midnight_and_one_with_two_last_hours() -> None:
    zone = "America/Sao_Paulo"
    assert local(listed(windows([6], "0-3"), "2017-10-14T12:00", zone), zone) == ["15 01:00", "15 02:00"]
    assert local(listed(windows([5], "22-24"), "2017-10-14T12:00", zone), zone) == ["14 22:00", "14 23:00"]
    assert local(listed(windows([5], "22-24"), "2018-02-17T12:00", zone), zone) == ["17 22:00", "17 23:00", "17 23:00"]


# Grid


def test_touching_and_overlapping_windows_are_one_run() -> None:
    assert clock(listed(windows([0], "9-10:30", "10:30-12"), "2025-06-02")) == ["09:00", "10:00", "11:00"]
    assert clock(listed(windows([0], "9-10:40", "10-12"), "2025-06-02")) == ["09:00", "10:00", "11:00"]
    assert clock(listed(windows([0], "9-10:30", "10:31-12"), "2025-06-02")) == ["09:00", "10:31"]


def test_slot_interval_and_room_for_the_duration() -> None:
    assert clock(listed(windows([0], "9-10:15"), "2025-06-02", duration=45, slot_interval=15)) == ["09:00", "09:15", "09:30"]
    assert listed(windows([0], "9-10"), "2025-06-02", duration=61) == []


def test_range_notice_and_busy_never_move_the_grid() -> None:
    week = windows([0], "9-13")
    assert clock(listed(week, "2025-06-02T09:20")) == ["10:00", "11:00", "12:00"]
    assert clock(listed(week, "2025-06-02", now=at("2025-06-02T09:20"))) == ["10:00", "11:00", "12:00"]
    assert clock(listed(week, "2025-06-02", busy=[("2025-06-02T09:00", "2025-06-02T09:20")])) == ["10:00", "11:00", "12:00"]


def test_the_range_asks_for_starts_only() -> None:
    host = Host("host", Hours("UTC", windows([0], "9-12")))
    slots = open_slots(Terms(60), [host], from_=at("2025-06-02T10:00"), to=at("2025-06-02T11:00"), now=LONG_AGO)
    assert clock(slots) == ["10:00"]
    assert slots[0].end == at("2025-06-02T11:00")
    assert open_slots(Terms(60), [host], from_=at("2025-06-02T11:00"), to=at("2025-06-02T10:00"), now=LONG_AGO) == []


def test_a_long_run_keeps_the_grid_of_its_true_start() -> None:
    year = [override(str(date(2025, 1, 1) + timedelta(days=day)), True, "0-24") for day in range(365)]
    elapsed = (at("2025-12-20") - at("2025-01-01")) // timedelta(minutes=1)
    (first, *_) = listed((), "2025-12-20", overrides=year, duration=97)
    assert first.start == at("2025-12-20") + timedelta(minutes=-elapsed % 97)


def test_round_the_clock_after_a_closed_day_counts_from_that_day() -> None:
    closed = [override("2023-05-01", False)]
    elapsed = (at("2025-06-04") - at("2023-05-02")) // timedelta(minutes=1)
    (first, *_) = listed(windows(ALL_DAYS, "0-24"), "2025-06-04", overrides=closed, duration=50)
    assert first.start == at("2025-06-04") + timedelta(minutes=-elapsed % 50)


@pytest.mark.parametrize("week", [windows(ALL_DAYS, "0-24"), windows(ALL_DAYS, "17-17"), windows(ALL_DAYS, "22-6", "6-22")])
def test_round_the_clock_without_a_beginning_counts_from_monday_midnight(week: tuple[Window, ...]) -> None:
    zone = "America/New_York"
    month = listed(week, "2025-03-03", zone, days=28, duration=50)
    mondays = [at(f"2025-03-{day:02}", zone) for day in (3, 10, 17, 24)]
    assert {slot.start for slot in month} >= set(mondays)
    assert all(
        (slot.start - max(monday for monday in mondays if monday <= slot.start)) % timedelta(minutes=50) == timedelta() for slot in month
    )
    daily = [listed(week, f"2025-03-{day:02}", zone, duration=50) for day in range(3, 31)]
    assert [slot for day in daily for slot in day] == month


# Busy, notice, limits


def test_half_open_ends_do_not_touch() -> None:
    busy = [("2025-06-02T10:00", "2025-06-02T11:00")]
    assert clock(listed(windows([0], "9-12"), "2025-06-02", busy=busy)) == ["09:00", "11:00"]


def test_a_microsecond_of_overlap_blocks() -> None:
    busy = [("2025-06-02T09:59:59.999999", "2025-06-02T11:00:00.000001")]
    assert clock(listed(windows([0], "9-13"), "2025-06-02", busy=busy)) == ["12:00"]


def test_buffers_widen_the_slot_and_may_leave_the_hours() -> None:
    week = windows([0], "9-13")
    buffers: dict[str, Any] = {"buffer_before": 15, "buffer_after": 30}
    assert clock(listed(week, "2025-06-02", **buffers)) == ["09:00", "10:00", "11:00", "12:00"]
    before, after = ("2025-06-02T08:00", "2025-06-02T08:46"), ("2025-06-02T13:29", "2025-06-02T14:00")
    assert clock(listed(week, "2025-06-02", busy=[after, before], **buffers)) == ["10:00", "11:00"]
    before, after = ("2025-06-02T08:00", "2025-06-02T08:45"), ("2025-06-02T13:30", "2025-06-02T14:00")
    assert clock(listed(week, "2025-06-02", busy=[after, before], **buffers)) == ["09:00", "10:00", "11:00", "12:00"]


def test_an_empty_busy_interval_blocks_nothing() -> None:
    busy = [("2025-06-02T09:30", "2025-06-02T09:30"), ("2025-06-02T09:40", "2025-06-02T09:20")]
    assert clock(listed(windows([0], "9-10"), "2025-06-02", busy=busy)) == ["09:00"]


def test_busy_in_any_order_nested_and_in_any_zone() -> None:
    inner, outer = ("2025-06-02T10:10", "2025-06-02T10:20"), ("2025-06-02T09:30", "2025-06-02T12:00")
    assert clock(listed(windows([0], "9-14"), "2025-06-02", busy=[inner, outer])) == ["12:00", "13:00"]
    host = Host(
        "host", Hours("UTC", windows([0], "9-11")), [(at("2025-06-02T11:00", "Europe/Berlin"), at("2025-06-02T12:00", "Europe/Berlin"))]
    )
    assert clock(open_slots(Terms(60), [host], from_=at("2025-06-02"), to=at("2025-06-03"), now=LONG_AGO)) == ["10:00"]


def test_notice_is_elapsed_time_and_inclusive() -> None:
    week = windows([0], "9-12")
    assert clock(listed(week, "2025-06-02", now=at("2025-06-02T08:00"), min_notice=120)) == ["10:00", "11:00"]
    assert clock(listed(week, "2025-06-02", now=at("2025-06-02T08:00:00.000001"), min_notice=120)) == ["11:00"]
    zone = "America/New_York"  # a day's notice over the lost hour is 24 hours, not the same wall time
    slots = listed(windows([6], "0-14"), "2025-03-09", zone, now=at("2025-03-08T12:00", zone), min_notice=1440)
    assert local(slots, zone) == ["09 13:00"]


def test_a_full_day_is_the_local_day() -> None:
    zone = "Pacific/Auckland"
    counted = [at("2025-06-03T00:30", zone), at("2025-06-03T23:30", zone)]
    slots = listed(windows(ALL_DAYS, "9-10", "23-24"), "2025-06-02", zone, days=3, counted=counted, max_per_day=2)
    assert local(slots, zone) == ["02 09:00", "02 23:00", "04 09:00", "04 23:00"]
    assert len(listed(windows(ALL_DAYS, "9-10"), "2025-06-02", zone, days=3, counted=counted, max_per_day=3)) == 3


def test_a_full_week_runs_from_monday_and_counts_outside_the_range() -> None:
    counted = [at("2024-12-30T09:00"), at("2025-01-05T23:00")]  # ISO week 1 of 2025 begins in 2024
    week = windows(ALL_DAYS, "9-10")
    assert local(listed(week, "2025-01-04", days=3, counted=counted, max_per_week=2)) == ["06 09:00"]
    assert listed(week, "2025-01-04", counted=counted, max_per_week=2) == []


def test_a_local_day_may_come_twice() -> None:
    zone = "America/St_Johns"  # at 00:01 on 7 November 2010 clocks went back to 23:01 of the 6th
    counted = [datetime(2010, 11, 7, 2, 30, 30, tzinfo=UTC)]  # half a minute of the 7th, before the 6th was over
    week = windows([6], "0-0:30")
    assert len(listed(week, "2010-11-06T12:00", zone, duration=10)) == 9
    slots = listed(week, "2010-11-06T12:00", zone, duration=10, counted=counted, max_per_day=1)
    assert local(slots, zone) == ["06 23:10", "06 23:20", "06 23:30", "06 23:40", "06 23:50"]
    first_midnight = datetime(2010, 11, 7, 2, 30, tzinfo=UTC)  # a window of the 7th, checked when clocks show the 6th again
    assert slot_at(Terms(10), [Host("host", Hours(zone, week))], first_midnight, now=LONG_AGO)


def test_spans_to_load() -> None:
    terms = Terms(30, buffer_before=10, buffer_after=5)
    assert busy_span(terms, at("2025-06-02T09:00"), at("2025-06-02T10:00")) == (at("2025-06-02T08:50"), at("2025-06-02T10:35"))
    begin, end = limit_span("Europe/Berlin", at("2025-06-04"), at("2025-06-05"))
    assert begin <= at("2025-06-02", "Europe/Berlin")
    assert end >= at("2025-06-09", "Europe/Berlin")


def test_the_ends_of_the_calendar_are_harmless() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    host = Host("host", Hours("Pacific/Apia", windows(ALL_DAYS, "0-24")))
    assert slot_at(Terms(60), [host], last, now=LONG_AGO) is None
    assert slot_at(Terms(60), [host], datetime.min.replace(tzinfo=UTC), now=LONG_AGO) is None
    assert open_slots(Terms(60), [host], from_=at("9999-12-30"), to=last, now=LONG_AGO) == []
    busy_span(Terms(60, buffer_before=60), datetime.min.replace(tzinfo=UTC), last)
    limit_span("Pacific/Apia", datetime.min.replace(tzinfo=UTC), last)


def test_naive_times_are_refused() -> None:
    with pytest.raises(TypeError):
        slot_at(Terms(60), [Host("host", Hours("UTC", windows([0], "9-10")))], datetime(2025, 6, 2, 9), now=LONG_AGO)  # noqa: DTZ001  # that is what is refused


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Terms(0),
        lambda: Terms(30, slot_interval=0),
        lambda: Terms(30, buffer_after=-1),
        lambda: Terms(30, kind="PAIR"),
        lambda: Terms(30, kind="GROUP"),
        lambda: Window(7, 0, 60),
        lambda: Window(0, 1440, 60),
        lambda: Window(0, 0, 1441),
        lambda: Override(date(2025, 6, 2), True, 60),
    ],
)
def test_nonsense_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError):
        wrong()


# The other kinds


def session(start: str, seats: int, length: int = 60) -> GroupSession:
    return GroupSession(at(start), (at(start), at(start) + timedelta(minutes=length)), seats)


def test_a_group_with_seats_left_does_not_block_itself() -> None:
    taken = [session("2025-06-02T10:00", 1), session("2025-06-02T10:00", 2), session("2025-06-02T12:00", 4)]
    slots = listed(windows([0], "9-13"), "2025-06-02", kind="GROUP", capacity=4, sessions=taken, slot_interval=30)
    assert [(f"{slot.start:%H:%M}", slot.seats_left) for slot in slots] == [("09:00", 4), ("10:00", 1), ("11:00", 4)]


def test_a_group_is_blocked_by_other_business_and_by_its_other_sessions() -> None:
    taken = [session("2025-06-02T10:00", 1, length=90), session("2025-06-02T11:00", 1)]
    assert listed(windows([0], "10-12"), "2025-06-02", kind="GROUP", capacity=4, sessions=taken[:1])[0].seats_left == 3
    assert clock(listed(windows([0], "9-13"), "2025-06-02", kind="GROUP", capacity=4, sessions=taken)) == ["09:00", "10:00", "12:00"]
    busy = [("2025-06-02T10:30", "2025-06-02T10:40")]
    assert clock(
        listed(windows([0], "10-12"), "2025-06-02", kind="GROUP", capacity=4, sessions=[session("2025-06-02T10:00", 1)], busy=busy)
    ) == ["11:00"]


def several(kind: str, *hosts: Host, **terms: Any) -> list[Slot]:
    return open_slots(Terms(60, kind=kind, **terms), hosts, from_=at("2025-06-02"), to=at("2025-06-03"), now=LONG_AGO)


MORNING = Host("morning", Hours("UTC", windows([0], "8-12")), [(at("2025-06-02T09:30"), at("2025-06-02T09:45"))])
LATE = Host("late", Hours("Europe/Berlin", windows([0], "11:30-15")))  # 9:30 to 13:00 UTC


def test_collective_intersects_the_hours_first_and_needs_everyone() -> None:
    slots = several("COLLECTIVE", MORNING, LATE)
    assert [(f"{slot.start:%H:%M}", slot.hosts) for slot in slots] == [("10:30", ("morning", "late"))]
    assert clock(several("COLLECTIVE", MORNING, LATE, slot_interval=15)) == ["09:45", "10:00", "10:15", "10:30", "10:45", "11:00"]


def test_collective_around_the_clock_takes_the_beginning_of_the_one_who_has_one() -> None:
    always = Host("always", Hours("UTC", windows(ALL_DAYS, "0-24")))
    assert clock(several("COLLECTIVE", always, LATE)) == ["09:30", "10:30", "11:30"]
    assert len(several("COLLECTIVE", always, always)) == 24


def test_round_robin_solves_each_alone_and_says_who_is_free() -> None:
    slots = several("ROUND_ROBIN", LATE, MORNING, slot_interval=30)
    assert [(f"{slot.start:%H:%M}", slot.hosts) for slot in slots] == [
        ("08:00", ("morning",)),
        ("08:30", ("morning",)),
        ("09:30", ("late",)),
        ("10:00", ("late", "morning")),
        ("10:30", ("late", "morning")),
        ("11:00", ("late", "morning")),
        ("11:30", ("late",)),
        ("12:00", ("late",)),
    ]


def test_no_hosts_no_slots_and_one_host_where_there_is_one() -> None:
    assert [several(kind) for kind in ("ONE_ON_ONE", "COLLECTIVE", "ROUND_ROBIN")] == [[], [], []]
    with pytest.raises(ValueError):
        several("ONE_ON_ONE", MORNING, LATE)


def test_the_check_is_the_list_asked_for_one_instant() -> None:
    taken = at("2025-06-02T10:00"), at("2025-06-02T11:00")
    host = Host("host", Hours("UTC", windows([0], "9-12")), [taken])
    answers = {
        text: slot_at(Terms(60), [host], at(f"2025-06-02T{text}"), now=LONG_AGO) for text in ("09:00", "09:01", "10:00", "11:00", "12:00")
    }
    assert [text for text, slot in answers.items() if slot] == ["09:00", "11:00"]
