"""Schedules: what is kept, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from parley.kernel.audit.audit import AuditLog
from parley.kernel.values.ids import new_id
from parley.scheduling.tables.schedule_models import AvailabilitySchedule
from tests.harness import Member
from tests.scheduling.booking_scenarios import Office, hours

MONDAY = {"day_of_week": "MONDAY", "start_time": "09:00", "end_time": "17:00"}


def test_a_schedule_is_kept_as_it_was_wanted(office: Office, acme: Member) -> None:
    slots = [MONDAY, MONDAY | {"day_of_week": "SUNDAY", "start_time": "22:00", "end_time": "24:00"}]
    overrides = [
        {"date": "2027-05-01", "type": "UNAVAILABLE", "start_time": None, "end_time": None, "reason": "Labour day"},
        {"date": "2027-05-02", "type": "AVAILABLE", "start_time": "10:00", "end_time": "12:00", "reason": None},
    ]
    made = office.schedule(slots=slots, overrides=overrides, is_default=True)
    assert (made["user_id"], made["timezone"], made["is_default"]) == (str(acme.user_id), "Europe/Berlin", True)
    assert (made["slots"], made["overrides"]) == (slots, overrides)
    assert acme.get(f"/v1/scheduling/schedules/{made['id']}").body == made
    (row,) = acme.rows(select(AuditLog).where(AuditLog.action == "schedule.created"))
    assert (str(row.entity_id), row.entity_type, row.actor_id) == (made["id"], "AvailabilitySchedule", acme.user_id)
    assert row.new_values == {"timezone": "Europe/Berlin", "is_default": True}


def test_a_new_default_takes_the_place_of_the_old_one(office: Office, acme: Member) -> None:
    first, second = office.schedule(is_default=True), office.schedule(is_default=True)
    rows = acme.rows(select(AvailabilitySchedule.id).where(AvailabilitySchedule.is_default))
    assert [str(row) for row in rows] == [second["id"]]
    assert acme.get(f"/v1/scheduling/schedules/{first['id']}").body["is_default"] is False


def test_schedules_are_listed_newest_first_in_pages(office: Office, acme: Member) -> None:
    made = [office.schedule(name=f"Hours {n}")["id"] for n in range(3)]
    page = acme.get("/v1/scheduling/schedules", limit=2).body
    rest = acme.get("/v1/scheduling/schedules", limit=2, cursor=page["next_cursor"]).body
    assert [schedule["id"] for schedule in page["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None
    assert acme.get("/v1/scheduling/schedules", limit=0).status == acme.get("/v1/scheduling/schedules", limit=101).status == 422


def test_the_same_key_makes_one_schedule(acme: Member) -> None:
    answers = [acme.post("/v1/scheduling/schedules", hours(), {"idempotency-key": "once"}) for _ in range(2)]
    assert answers[0].status == answers[1].status == 201
    assert answers[0].raw == answers[1].raw
    assert acme.post("/v1/scheduling/schedules", hours(name="Other"), {"idempotency-key": "once"}).body["code"] == "key_reused"


def test_a_foreign_schedule_is_answered_as_an_unknown_one(office: Office, globex: Member) -> None:
    made = office.schedule()
    foreign, unknown = (globex.get(f"/v1/scheduling/schedules/{id_}") for id_ in (made["id"], new_id()))
    assert foreign.status == unknown.status == 404
    assert foreign.raw == unknown.raw
    assert globex.get("/v1/scheduling/schedules").body["items"] == []


def test_a_viewer_reads_and_writes_nothing(office: Office, acme: Member) -> None:
    made, viewer = office.schedule(), acme.as_role("VIEWER")
    assert viewer.get(f"/v1/scheduling/schedules/{made['id']}").status == 200
    assert viewer.post("/v1/scheduling/schedules", hours()).body["code"] == "missing_scope"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "two\nlines"},
        {"name": "x" * 201},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../etc/passwd"},
        {"timezone": "localtime"},
        {"timezone": "Factory"},
        {"is_default": "yes"},
        {"is_default": 1},
        {"slots": [MONDAY | {"start_time": "9:00"}]},
        {"slots": [MONDAY | {"start_time": "24:00"}]},
        {"slots": [MONDAY | {"end_time": "24:01"}]},
        {"slots": [MONDAY | {"end_time": "17:00:00"}]},
        {"slots": [MONDAY | {"start_time": 9}]},
        {"slots": [MONDAY | {"day_of_week": "monday"}]},
        {"slots": [MONDAY] * 201},
        {"slots": None},
        {"overrides": [{"date": "2027-02-30", "type": "UNAVAILABLE"}]},
        {"overrides": [{"date": 0, "type": "UNAVAILABLE"}]},
        {"overrides": [{"date": "1798416000", "type": "UNAVAILABLE"}]},
        {"overrides": [{"date": "2027-02-03T00:00:00", "type": "UNAVAILABLE"}]},
        {"overrides": [{"date": "9999-12-31", "type": "UNAVAILABLE"}]},
        {"overrides": [{"date": "2027-02-03", "type": "AVAILABLE", "start_time": "10:00"}]},
        {"overrides": [{"date": "2027-02-03", "type": "SOMETIMES"}]},
        {"surprise": 1},
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(acme: Member, wrong: dict[str, Any]) -> None:
    answer = acme.post("/v1/scheduling/schedules", hours() | wrong)
    assert (answer.status, answer.body["code"]) == (422, "invalid_request"), answer.body
    assert answer.body["errors"]
