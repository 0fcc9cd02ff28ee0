"""The list of open slots, over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from parley.kernel.persistence import transactions
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.enums import BookingStatus
from tests.harness import Member
from tests.scheduling.booking_scenarios import Office, at, weekday

ALL_DAY = [f"{hour:02}:{minute}" for hour in range(9, 17) for minute in ("00", "30")]


def last_sunday_of_march() -> date:
    today = datetime.now(UTC).date()
    for year in (today.year, today.year + 1):
        day = date(year, 3, 31)
        day -= timedelta(days=(day.weekday() + 1) % 7)
        if day > today + timedelta(days=7):
            return day
    raise AssertionError


def test_a_free_day_is_the_grid_of_its_hours(office: Office, event_type: dict[str, Any]) -> None:
    assert office.starts(event_type, weekday(0)) == ALL_DAY
    assert office.starts(event_type, weekday(5)) == []


def test_slots_are_instants_in_utc_and_name_the_zone_to_show_them_in(office: Office, event_type: dict[str, Any]) -> None:
    answer = office.slots(event_type, **{"from": at("09:00"), "to": at("09:30")})
    slot = {"start_time": at("09:00"), "end_time": at("09:30"), "hosts": [event_type["user_id"]], "seats_left": None}
    assert answer.body == {"timezone": "Europe/Berlin", "slots": [slot]}
    response = office.slots(event_type, timezone="America/New_York", **{"from": at("09:00"), "to": at("09:30")})
    assert response.body == answer.body | {"timezone": "America/New_York"}


def test_what_is_booked_is_not_listed_and_what_is_canceled_is_again(office: Office, event_type: dict[str, Any]) -> None:
    booking = office.booked(event_type, at("10:00"))
    assert office.starts(event_type, weekday(0)) == [start for start in ALL_DAY if start != "10:00"]
    assert office.cancel(booking).status == 200
    assert office.starts(event_type, weekday(0)) == ALL_DAY


def test_buffers_of_both_sides_keep_their_distance(office: Office) -> None:
    padded = office.event_type(buffer_before=10, buffer_after=25)
    plain = office.event_type()
    office.booked(padded, at("12:00"))
    # Held: 11:50 to 12:55. A plain slot needs its own half hour only, a padded one also ten minutes before and 25 after.
    assert [start for start in ALL_DAY if start not in office.starts(plain, weekday(0))] == ["11:30", "12:00", "12:30"]
    assert [start for start in ALL_DAY if start not in office.starts(padded, weekday(0))] == [
        "11:00",
        "11:30",
        "12:00",
        "12:30",
        "13:00",
    ]


def test_bookings_of_another_event_type_of_the_host_block_too(office: Office) -> None:
    event_type, other = office.event_type(), office.event_type(duration=60, slot_interval=30)
    office.booked(other, at("10:30"))
    assert [start for start in ALL_DAY if start not in office.starts(event_type, weekday(0))] == ["10:30", "11:00"]


@pytest.mark.parametrize(("status", "is_free"), [("PENDING", False), ("NO_SHOW", False), ("COMPLETED", False), ("RESCHEDULED", True)])
def test_which_statuses_hold_their_time(office: Office, acme: Member, event_type: dict[str, Any], status: str, is_free: bool) -> None:
    booking = office.booked(event_type, at("10:00"))
    with transactions.transaction(acme.caller) as session:
        session.execute(update(Booking).where(Booking.id == booking["id"]).values(status=BookingStatus(status)))
    assert ("10:00" in office.starts(event_type, weekday(0))) is is_free
    assert office.book(event_type, at("10:00")).status == (201 if is_free else 409)


def test_a_full_day_and_a_full_week_offer_nothing(office: Office) -> None:
    limited = office.event_type(max_bookings_per_day=1, max_bookings_per_week=2)
    office.booked(limited, at("09:00"))
    assert office.starts(limited, weekday(0)) == []
    assert office.starts(limited, weekday(1)) == ALL_DAY
    office.booked(limited, at("16:30", weekday(4)))
    assert office.starts(limited, weekday(0), days=7) == []
    assert office.starts(limited, weekday(0, weeks=3)) == ALL_DAY


def test_notice_is_kept(office: Office) -> None:
    every_day = {"slots": [{"day_of_week": day, "start_time": "00:00", "end_time": "24:00"} for day in DAYS], "timezone": "UTC"}
    soon = office.event_type(every_day, min_notice=2 * 24 * 60, duration=60)
    now = datetime.now(UTC)
    listed = office.starts(soon, now.date(), days=4, zone="UTC")
    first = (now + timedelta(days=2, hours=1)).replace(minute=0)
    assert listed[0] in (f"{first:%d %H:%M}", f"{first - timedelta(hours=1):%d %H:%M}")


DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


def test_a_day_that_loses_an_hour_has_one_hour_less(office: Office) -> None:
    sunday = last_sunday_of_march()
    night = {"slots": [{"day_of_week": "SUNDAY", "start_time": "00:00", "end_time": "06:00"}]}
    hourly = office.event_type(night, duration=60, horizon_days=400)
    # 02:00 to 03:00 does not exist on that day in Berlin.
    assert office.starts(hourly, sunday) == ["00:00", "01:00", "03:00", "04:00", "05:00"]
    assert office.starts(hourly, sunday + timedelta(days=7)) == ["00:00", "01:00", "02:00", "03:00", "04:00", "05:00"]
    booked = office.booked(hourly, at("01:00", sunday))
    assert (booked["start_time"], booked["end_time"]) == (f"{sunday}T00:00:00Z", f"{sunday}T01:00:00Z")
    assert office.starts(hourly, sunday) == ["00:00", "03:00", "04:00", "05:00"]


def test_hours_past_midnight_belong_to_the_evening_they_began_on(office: Office) -> None:
    friday, saturday = weekday(4), weekday(5)
    late = office.event_type({"slots": [{"day_of_week": "FRIDAY", "start_time": "22:00", "end_time": "02:00"}]}, duration=60)
    assert office.starts(late, friday, days=2) == [
        f"{friday:%d} 22:00",
        f"{friday:%d} 23:00",
        f"{saturday:%d} 00:00",
        f"{saturday:%d} 01:00",
    ]


def test_overrides_replace_the_hours_of_their_date(office: Office) -> None:
    closed, moved = weekday(1), weekday(2)
    overrides = [
        {"date": str(closed), "type": "UNAVAILABLE"},
        {"date": str(moved), "type": "AVAILABLE", "start_time": "20:00", "end_time": "21:00"},
    ]
    event_type = office.event_type({"overrides": overrides})
    assert (office.starts(event_type, closed), office.starts(event_type, moved)) == ([], ["20:00", "20:30"])
    assert office.book(event_type, at("10:00", closed)).body["code"] == "slot_not_offered"
    assert office.book(event_type, at("20:30", moved)).status == 201


def test_what_is_listed_can_be_booked_and_what_is_not_can_not(office: Office) -> None:
    terms: dict[str, Any] = {"duration": 45, "slot_interval": 20, "buffer_before": 15, "buffer_after": 5, "max_bookings_per_week": 9}
    event_type, other = office.event_type(**terms), office.event_type(duration=25, buffer_after=30)
    for start in ("09:00", "12:20"):
        office.booked(event_type, at(start))
    office.booked(other, at("14:25"))
    for minute in range(9 * 60, 17 * 60, 20):
        clock = f"{minute // 60:02}:{minute % 60:02}"
        listed = clock in office.starts(event_type, weekday(0))
        answer = office.book(event_type, at(clock))
        assert (answer.status == 201) is listed, (clock, listed, answer.body)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from": at("09:00")},
        {"from": at("09:00"), "to": at("09:00")},
        {"from": at("10:00"), "to": at("09:00")},
        {"from": "2027-01-01T00:00:00Z", "to": "2027-03-05T00:00:00Z"},
        {"from": "2027-01-01", "to": "2027-01-02"},
        {"from": "2027-01-01T00:00:00", "to": "2027-01-02T00:00:00"},
        {"from": "0", "to": "86400"},
        {"from": "9999-12-31T00:00:00Z", "to": "9999-12-31T10:00:00Z"},
        {"from": at("09:00"), "to": at("10:00"), "timezone": "Nowhere/Land"},
    ],
)
def test_a_range_that_makes_no_sense_is_refused(office: Office, event_type: dict[str, Any], query: dict[str, str]) -> None:
    answer = office.slots(event_type, **query)
    assert answer.status == 422, answer.body
    assert answer.body["code"] in ("invalid_request", "bad_range")


def test_the_longest_range(office: Office) -> None:
    event_type = office.event_type(horizon_days=100)
    start = datetime.fromisoformat(at("00:00"))
    whole = office.slots(event_type, **{"from": start.isoformat(), "to": (start + timedelta(days=62)).isoformat()})
    assert whole.status == 200
    assert len(whole.body["slots"]) > 40 * len(ALL_DAY)
    longer = office.slots(event_type, **{"from": start.isoformat(), "to": (start + timedelta(days=62, seconds=1)).isoformat()})
    assert (longer.status, longer.body["code"]) == (422, "bad_range")
