"""How far ahead something is offered, and that what lies beyond is refused without a lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from parley.kernel.values.ids import new_id
from parley.scheduling.availability.booking_horizon import Horizon, business_day
from parley.scheduling.bookings.booking_service import management_token
from parley.scheduling.tables.booking_models import Booking
from tests.harness import Client, Member, World
from tests.scheduling.booking_scenarios import BERLIN, Office, at, hours, invitee, weekday

ALWAYS: dict[str, Any] = {
    "slots": [{"day_of_week": day, "start_time": "00:00", "end_time": "24:00"} for day in
              ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")]
}  # fmt: skip


def ahead(days: int) -> date:
    return datetime.now(UTC).date() + timedelta(days=days)


def last_offered(office: Office, event_type: dict[str, Any], near: int) -> list[bool]:
    """Whether something begins on the days around the one so many ahead, in UTC."""
    return [bool(office.starts(event_type, ahead(near + beside), zone="UTC")) for beside in (-1, 0, 1)]


def test_days_from_monday_to_friday_are_counted_as_a_calendar_shows_them() -> None:
    for first in range(date(2026, 11, 30).toordinal(), date(2026, 12, 14).toordinal()):
        day, count = first, 0
        assert business_day(first, 0) == max(ordinal for ordinal in range(first - 2, first + 1) if date.fromordinal(ordinal).weekday() < 5)
        while count < 30:
            day += 1
            if date.fromordinal(day).weekday() < 5:
                count += 1
                assert business_day(first, count) == day


def test_a_horizon_is_at_most_two_years_and_counts_from_the_end_of_the_notice_where_none_is_set() -> None:
    assert Horizon().last_day(1000, 1000) == 1060
    assert Horizon().last_day(1000, 1090) == 1150
    assert Horizon("ROLLING_DAYS", 9).last_day(1000, 1090) == 1009
    assert Horizon("DATE", until=date.max).last_day(1000, 1000) == 1730


@pytest.mark.parametrize(
    ("terms", "days"),
    [
        ({}, 60),
        ({"horizon_days": 7}, 7),
        ({"horizon_kind": "ROLLING_DAYS", "horizon_days": 730}, 730),
        ({"horizon_kind": "DATE", "horizon_until": str(ahead(90))}, 90),
    ],
)
def test_starts_are_offered_up_to_the_horizon(office: Office, terms: dict[str, Any], days: int) -> None:
    event_type = office.event_type(ALWAYS | {"timezone": "UTC"}, **terms)
    assert last_offered(office, event_type, days) == [True, True, False]
    too_far = office.book(event_type, f"{ahead(days + 1)}T00:00:00Z")
    assert (too_far.status, too_far.body["code"]) == (422, "beyond_horizon")
    assert too_far.body["offered_until"] == f"{ahead(days + 1)}T00:00:00+00:00"
    assert office.book(event_type, f"{ahead(days)}T23:30:00Z").status == 201


def test_the_horizon_is_read_and_changed_as_a_whole(office: Office, acme: Member) -> None:
    event_type = office.event_type(horizon_days=30)
    path = f"/v1/scheduling/event-types/{event_type['id']}"

    def horizon(**wanted: Any) -> Any:
        body = acme.patch(path, wanted).body
        return body.get("code") or tuple(body[f"horizon_{name}"] for name in ("kind", "days", "until"))

    assert horizon() == ("ROLLING_DAYS", 30, None)
    assert horizon(horizon_kind="BUSINESS_DAYS", horizon_days=10) == ("BUSINESS_DAYS", 10, None)
    assert horizon(horizon_until=str(ahead(20))) == ("DATE", None, str(ahead(20)))
    assert horizon(name="Another") == ("DATE", None, str(ahead(20)))
    for wrong in (
        {"horizon_kind": "DATE"},
        {"horizon_kind": "DATE", "horizon_days": 3},
        {"horizon_days": 3, "horizon_until": str(ahead(3))},
        {"horizon_kind": "BUSINESS_DAYS", "horizon_days": 521},
        {"horizon_until": str(ahead(732))},
    ):
        assert horizon(**wrong) == "misfit_terms", wrong
    assert acme.patch(path, {"horizon_days": 0}).status == acme.patch(path, {"horizon_days": 731}).status == 422
    assert horizon(horizon_kind=None) == (None, None, None)


def test_a_long_notice_leaves_something_to_book(office: Office) -> None:
    event_type = office.event_type(ALWAYS | {"timezone": "UTC"}, min_notice=90 * 1440)
    assert last_offered(office, event_type, 150) == [True, True, False]


def test_the_page_shows_no_month_beyond(office: Office, acme: Member) -> None:
    event_type = office.event_type(horizon_until=str(weekday(0)))
    organization = acme.get("/v1/identity/organization").body["slug"]

    def page(**query: str) -> str:
        answer = Client(office.world).request("GET", f"/{organization}/{event_type['slug']}", query=query)
        assert answer.status == 200
        return str(answer.raw if isinstance(answer.raw, str) else answer.raw.decode())

    month = f"{weekday(0):%Y-%m}"
    far = page(month="2099-01", timezone=BERLIN)
    assert f"date={weekday(0)}" in far
    assert f"date={weekday(0)}" in page(month=month)
    assert f"month={weekday(0) + timedelta(days=31):%Y-%m}" not in far
    assert "not open any more" in page(time=at("10:00", weekday(1)))


def test_a_form_leads_to_nothing_that_is_beyond(office: Office, acme: Member) -> None:
    ended = office.event_type(horizon_until=str(ahead(-1)))
    form = acme.post(
        "/v1/scheduling/routing-forms",
        {"name": "Where to", "slug": "where-to", "questions": [], "rules": [], "fallback": {"event_type_id": ended["id"]}},
    )
    assert form.status == 201, form.body
    led = office.stranger.post(f"/v1/scheduling/routing-forms/{form.body['id']}/submissions", {"answers": []})
    assert (led.status, led.body["outcome"]) == (201, "NONE")


# --- before a lock -----------------------------------------------------------------------------------------------------------------------


@contextmanager
def locked(world: World, event_type: dict[str, Any], member: Member) -> Iterator[None]:
    """Somebody is booking the event type and its host, and takes their time."""
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run("BEGIN")
        superuser.run("SELECT 1 FROM scheduling_event_types WHERE id = :id FOR UPDATE", id=event_type["id"])
        superuser.run("SELECT 1 FROM organization_members WHERE organization_id = :id FOR UPDATE", id=str(member.organization_id))
        yield
        superuser.run("ROLLBACK")


REFUSED = {
    "beyond the horizon": (f"{ahead(800)}T10:00:00Z", "beyond_horizon"),
    "in 2199": ("2199-12-31T10:00:00Z", "beyond_horizon"),
    "in 1970": ("1970-01-01T10:00:00Z", "slot_not_offered"),
    "off the grid": (at("10:07"), "slot_not_offered"),
    "at night": (at("03:00"), "slot_not_offered"),
}


@pytest.mark.parametrize("which", REFUSED)
def test_what_is_not_offered_is_refused_while_somebody_else_has_the_locks(
    office: Office, acme: Member, world: World, event_type: dict[str, Any], which: str
) -> None:
    start, code = REFUSED[which]
    booking = office.booked(event_type, at("09:00"))
    secret = management_token(Booking(id=UUID(booking["id"]), organization_id=acme.organization_id))
    asks: dict[str, Callable[[], Any]] = {
        "booking": lambda: office.book(event_type, start),
        "hold": lambda: office.stranger.post(f"/v1/scheduling/event-types/{event_type['id']}/holds", {"start_time": start}),
        "for somebody": lambda: acme.post(
            f"/v1/scheduling/event-types/{event_type['id']}/bookings", {"start_time": start, "invitee": invitee()}
        ),
        "move": lambda: acme.post(f"/v1/scheduling/bookings/{booking['id']}/reschedule", {"start_time": start}),
        "the invitee's move": lambda: office.stranger.post(f"/v1/scheduling/managed-bookings/{secret}/reschedule", {"start_time": start}),
    }
    with locked(world, event_type, acme):
        answers = {name: ask() for name, ask in asks.items()}
    assert {name: (answer.status, answer.body.get("code")) for name, answer in answers.items()} == dict.fromkeys(asks, (422, code))


def test_answers_that_do_not_fit_are_refused_while_somebody_else_has_the_locks(office: Office, acme: Member, world: World) -> None:
    event_type = office.event_type(questions=[{"label": "Why?", "type": "SHORT_TEXT", "required": True}])
    with locked(world, event_type, acme):
        assert office.book(event_type, at("10:00")).body["code"] == "invalid_answers"


def changed_while_locked(world: World, event_type: dict[str, Any], values: str) -> Callable[[], None]:
    """Change the event type in a transaction that ends when somebody waits for it. What is returned waits for that end."""
    begun = threading.Event()

    def change() -> None:
        with world.stack.postgres.superuser("parley") as superuser:
            superuser.run("BEGIN")
            superuser.run(f"UPDATE scheduling_event_types SET {values}, updated_at = now() WHERE id = :id", id=event_type["id"])
            begun.set()
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            for _ in range(400):
                if superuser.run(waiting)[0][0]:
                    break
                time.sleep(0.01)
            superuser.run("COMMIT")

    thread = threading.Thread(target=change)
    thread.start()
    assert begun.wait(5)
    return thread.join


@pytest.mark.parametrize(("values", "outcome"), [("duration = 90", at("10:30")), ("is_active = false", "no_such_event_type")])
def test_what_changes_between_reading_and_locking_counts(
    office: Office, world: World, event_type: dict[str, Any], values: str, outcome: str
) -> None:
    done = changed_while_locked(world, event_type, values)
    booked = office.book(event_type, at("09:00"), {"idempotency-key": str(new_id())})
    done()
    assert booked.body.get("end_time", booked.body.get("code")) == outcome


def test_what_is_deleted_between_reading_and_locking_is_not_held(office: Office, world: World, event_type: dict[str, Any]) -> None:
    done = changed_while_locked(world, event_type, "deleted_at = now()")
    assert office.stranger.post(f"/v1/scheduling/event-types/{event_type['id']}/holds", {"start_time": at("09:00")}).status == 404
    done()


def test_overrides_lie_within_five_years(office: Office, acme: Member) -> None:
    for day, status in (("1970-01-01", 422), ("2199-01-01", 422), (str(ahead(-300)), 201), (str(ahead(1800)), 201)):
        made = acme.post("/v1/scheduling/schedules", hours(overrides=[{"date": day, "type": "UNAVAILABLE"}]))
        assert made.status == status, day
