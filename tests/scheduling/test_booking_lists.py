"""Bookings in numbers: filters, the sheet, counts; links by name; schedules and event types that change."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from sqlalchemy import select

from local.client import Answer
from parley.identity.models import Organization
from parley.kernel.audit.audit import AuditLog
from parley.scheduling.common.csv_export import cell
from tests.harness import Client, Member
from tests.scheduling.booking_scenarios import Office, at, hours, invitee, weekday

BOOKINGS = "/v1/scheduling/bookings"


def test_bookings_are_found_by_their_invitee_in_either_order(office: Office, event_type: dict[str, Any], acme: Member) -> None:
    first = office.booked(event_type, at("10:00"), invitee=invitee(email="Ada@Visitor.example"))
    office.booked(event_type, at("11:00"))
    last = office.booked(event_type, at("12:00"), invitee=invitee(email="ada@visitor.example"))
    for order, ids in (("desc", [last["id"], first["id"]]), ("asc", [first["id"], last["id"]])):
        items = acme.get(BOOKINGS, invitee_email="ADA@visitor.example", order=order, host_id="me").body["items"]
        assert [item["id"] for item in items] == ids
    page = acme.get(BOOKINGS, host_id="me", limit=2, order="asc").body
    rest = acme.get(BOOKINGS, host_id="me", limit=2, order="asc", cursor=page["next_cursor"]).body["items"]
    assert [item["id"] for item in rest] == [last["id"]]


def test_the_sheet_runs_nothing(office: Office, event_type: dict[str, Any], acme: Member) -> None:
    office.booked(event_type, at("10:00"), invitee=invitee(name='=HYPERLINK("https://evil.example","x")', notes="@sum, \n two"))
    office.booked(event_type, at("11:00"), invitee=invitee(name='Grace "Amazing", Hopper', phone="+49 30 901820"))
    sheet = acme.get(f"{BOOKINGS}.csv")
    assert (sheet.status, sheet.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    rows = list(csv.DictReader(io.StringIO(sheet.raw.decode(), newline="")))
    assert [row["invitee_name"] for row in rows] == ['Grace "Amazing", Hopper', '\'=HYPERLINK("https://evil.example","x")']
    assert (rows[1]["invitee_notes"], rows[0]["invitee_phone"], rows[0]["start_time"]) == ("'@sum, \n two", "'+49 30 901820", at("11:00"))
    part = acme.get(f"{BOOKINGS}.csv", limit=1)
    rest = acme.get(f"{BOOKINGS}.csv", limit=1, cursor=part.headers["x-next-cursor"])
    assert rest.raw.decode().count("\r\n") >= 2
    assert "x-next-cursor" not in rest.headers


def test_a_sheet_ends_where_a_function_may_answer_no_more(office: Office, acme: Member) -> None:
    """A function answers with 6 MB at most; what strangers write may be longer, line by line."""
    group = office.event_type(kind="GROUP", capacity=400)
    long = invitee(notes='\U0001f600"' * 2500)
    made = [office.booked(group, at("10:00"), invitee=long)["id"] for _ in range(320)]
    ids: list[str] = []
    cursor: str | None = None
    while len(ids) < len(made):
        sheet = acme.get(f"{BOOKINGS}.csv", cursor=cursor)
        assert sheet.status == 200, sheet.body
        rows = list(csv.DictReader(io.StringIO(sheet.raw.decode(), newline="")))
        assert {row["invitee_notes"] for row in rows} == {long["notes"]}
        ids += [row["id"] for row in rows]
        cursor = sheet.headers.get("x-next-cursor")
        assert (cursor is None) == (len(ids) == len(made))
        assert cursor is None or len(rows) > 150
    assert sorted(ids) == sorted(made)
    taken = acme.rows(select(AuditLog.new_values).where(AuditLog.action == "booking.exported"))
    assert sum(row["bookings"] for row in taken) == len(made)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", " =1", "＝1"])
def test_what_would_be_a_formula_is_text(text: str) -> None:
    assert cell(text) == f"'{text}"


def counted(member: Member, **query: str) -> Answer:
    return member.request("GET", "/v1/scheduling/booking-counts", query=query)


def test_counts_for_a_dashboard(office: Office, acme: Member) -> None:
    event_type, two = office.event_type(), office.event_type()
    office.booked(event_type, at("10:00"))
    office.cancel(office.booked(event_type, at("11:00")))
    office.booked(two, at("10:00", weekday(1)))
    query = {"from": at("00:00"), "to": at("23:00", weekday(3)), "timezone": "Europe/Berlin"}
    counts = counted(acme, **query).body
    assert counts == {
        "timezone": "Europe/Berlin",
        "total": 3,
        "by_event_type": [{"event_type_id": event_type["id"], "count": 2}, {"event_type_id": two["id"], "count": 1}],
        "by_status": [{"status": "CONFIRMED", "count": 2}, {"status": "CANCELED", "count": 1}],
        "by_hour": [{"hour": 10, "count": 2}, {"hour": 11, "count": 1}],
        "by_weekday": [{"weekday": "MONDAY", "count": 2}, {"weekday": "TUESDAY", "count": 1}],
    }
    assert counted(acme, **query, host_id="me", event_type_id=two["id"]).body["total"] == 1
    assert acme.get("/v1/scheduling/booking-counts").body["total"] == 0
    assert counted(acme, **{"from": at("00:00"), "to": at("00:00", weekday(0, 60))}).body["code"] == "count_range"


def test_a_link_by_name(office: Office, acme: Member, stranger: Client) -> None:
    made = office.event_type(slug="intro")
    (slug,) = acme.rows(select(Organization.slug))
    page = stranger.get(f"/v1/scheduling/links/{slug}/intro")
    assert (page.status, page.body["id"], page.body["hosts"][0]["id"]) == (200, made["id"], str(acme.user_id))
    for wrong in (f"{slug}/other", "nobody/intro", f"{slug}/Intro", f"{slug}/%C3%BC"):
        assert stranger.get(f"/v1/scheduling/links/{wrong}").status == 404
    acme.patch(f"/v1/scheduling/event-types/{made['id']}", {"is_active": False})
    assert stranger.get(f"/v1/scheduling/links/{slug}/intro").status == 404


def test_a_schedule_changes_and_goes_when_nothing_needs_it(office: Office, acme: Member) -> None:
    event_type = office.event_type()
    path = f"/v1/scheduling/schedules/{event_type['schedule_id']}"
    short = [{"day_of_week": "MONDAY", "start_time": "10:00", "end_time": "11:00"}]
    changed = acme.patch(path, {"slots": short, "overrides": [{"date": "2027-05-01", "type": "UNAVAILABLE"}]})
    assert (changed.status, changed.body["slots"], changed.body["is_default"]) == (200, short, True)
    assert office.starts(event_type, weekday(0)) == ["10:00", "10:30"]
    assert acme.patch(path, {"timezone": None}).status == 422
    assert acme.patch(path, {"is_default": False}).body["code"] == "default_needed"
    assert acme.delete(path).body["code"] == "schedule_in_use"
    other = acme.post("/v1/scheduling/schedules", hours(name="Other")).body
    assert other["is_default"] is False
    acme.patch(f"/v1/scheduling/event-types/{event_type['id']}", {"schedule_id": other["id"]})
    assert acme.delete(path).body["code"] == "default_needed"
    assert acme.patch(f"/v1/scheduling/schedules/{other['id']}", {"is_default": True}).body["is_default"] is True
    assert acme.delete(path).status == 204
    assert acme.get(path).status == 404
    assert acme.as_role("MEMBER").patch(f"/v1/scheduling/schedules/{other['id']}", {"name": "Mine"}).body["code"] == "not_yours"


def test_an_event_type_changes_and_its_answers_stay(office: Office, acme: Member) -> None:
    made = office.event_type(questions=[{"label": "Why?", "type": "SHORT_TEXT"}, {"label": "Who?", "type": "SHORT_TEXT"}])
    why, who = made["questions"]
    booking = office.booked(made, at("10:00"), answers=[{"question_id": why["id"], "value": "Because"}])
    path = f"/v1/scheduling/event-types/{made['id']}"
    questions = [{"id": who["id"], "label": "Who else?", "type": "LONG_TEXT"}, {"label": "How many?", "type": "NUMBER"}]
    changed = acme.patch(path, {"duration": 60, "description": None, "questions": questions})
    assert (changed.status, changed.body["duration"]) == (200, 60)
    assert [question["label"] for question in changed.body["questions"]] == ["Who else?", "How many?"]
    assert changed.body["questions"][0]["id"] == who["id"]
    assert acme.get(f"{BOOKINGS}/{booking['id']}").body["answers"] == [{"question_id": why["id"], "label": "Why?", "value": "Because"}]
    assert acme.patch(path, {"capacity": 3}).body["code"] == "misfit_terms"
    assert acme.patch(path, {"questions": [{"id": why["id"], "label": "x", "type": "NUMBER"}]}).body["code"] == "question_not_there"
    assert acme.patch(path, {"kind": "GROUP"}).status == 422
    office.event_type(slug="taken")
    assert acme.patch(path, {"slug": "taken"}).body["code"] == "event_type_slug_taken"
    assert acme.delete(path).status == 204
    assert acme.get(path).status == office.book(made, at("12:00")).status == 404
    assert office.event_type(slug=made["slug"])["slug"] == made["slug"]
    assert office.cancel(booking).status == 200
