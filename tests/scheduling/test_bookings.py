"""Booking a slot, and what the host sees of it."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import DBAPIError

from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.persistence.directory import DirectoryEntry
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.postgres.integrity_errors import constraint
from parley.kernel.values.ids import new_id
from parley.scheduling.bookings.booking_service import management_token
from parley.scheduling.tables.booking_models import NO_OVERLAP, Booking, BookingHost, Invitee
from parley.scheduling.tables.enums import BookingStatus
from tests.harness import Client, Member, World, recorded
from tests.scheduling.booking_scenarios import Office, at, invitee, weekday

UTM: dict[str, Any] = {
    "utm_source": "newsletter",
    "utm_medium": "e-mail",
    "utm_campaign": "autumn",
    "referrer": "https://acme.example/pricing",
}


def test_a_stranger_books_a_slot(office: Office, event_type: dict[str, Any], acme: Member) -> None:
    person = invitee(phone="+49 30 901820", notes="Ünïcode, and\ntwo lines")
    answer = office.book(event_type, at("10:00"), invitee=person, **UTM)
    assert answer.status == 201
    assert answer.body == {
        "id": answer.body["id"],
        "event_type_id": event_type["id"],
        "status": "CONFIRMED",
        "start_time": at("10:00"),
        "end_time": at("10:30"),
        "timezone": "America/New_York",
        "location": "https://zoom.example/j/1",
    }
    seen = acme.get(f"/v1/scheduling/bookings/{answer.body['id']}").body
    assert seen | answer.body == seen
    assert seen["host_id"] == str(acme.user_id)
    assert (seen["canceled_at"], seen["cancel_reason"], seen["canceled_by"], seen["answers"]) == (None, None, None, [])
    assert seen["invitee"] == {"id": seen["invitee"]["id"], "locale": None, **person, **UTM}


def test_a_booking_is_audited_and_announced_without_personal_words(office: Office, event_type: dict[str, Any], acme: Member) -> None:
    booking = office.booked(event_type, at("10:00"), invitee=invitee(notes="canary-note", phone="+49 30 901820"), **UTM)
    (row,) = acme.rows(select(AuditLog).where(AuditLog.action == "booking.created"))
    assert (str(row.entity_id), row.entity_type, row.actor_type.value, row.actor_id) == (booking["id"], "Booking", "VISITOR", None)
    (event,) = acme.rows(select(OutboxEvent).where(OutboxEvent.name == "scheduling.booking_created"))
    assert event.payload["booking_id"] == booking["id"]
    json_text = json.dumps([row.new_values, row.old_values, row.details, event.payload])
    assert not [word for word in ("grace", "Hopper", "canary", "901820", "newsletter") if word in json_text]


def test_the_recorded_request_is_understood(world: World, office: Office, event_type: dict[str, Any]) -> None:
    event = recorded("scheduling_create_booking")
    unknown = world.invoke("scheduling/create_booking", event)
    assert (unknown["statusCode"], json.loads(unknown["body"])["code"]) == (404, "no_such_event_type")
    body = json.loads(event["body"]) | {"event_type_id": event_type["id"], "start_time": at("10:00")}
    body["invitee"]["email"] = f"{event_type['id']}@visitor.example"  # nobody who has booked today
    assert world.invoke("scheduling/create_booking", event | {"body": json.dumps(body)})["statusCode"] == 201


def test_two_callers_one_slot_one_winner(office: Office) -> None:
    event_type = office.event_type(slot_interval=15)
    first, second = office.book(event_type, at("10:00")), office.book(event_type, at("10:15"))
    assert (first.status, second.status) == (201, 409)
    assert second.body["code"] == "slot_taken"


def test_the_database_refuses_what_the_code_would_let_through(office: Office, event_type: dict[str, Any], acme: Member) -> None:
    booking = office.booked(event_type, at("10:00"))
    (row,) = acme.rows(select(Booking).where(Booking.id == booking["id"]))
    (held,) = acme.rows(select(BookingHost).where(BookingHost.booking_id == booking["id"]))

    def copied(start: timedelta, status: BookingStatus) -> str:
        values = {column.key: getattr(row, column.key) for column in Booking.__table__.columns}
        values |= {"id": new_id(), "management_token_hash": str(new_id()), "status": status}
        values |= {"start_time": row.start_time + start, "end_time": row.end_time + start}
        holding = {column.key: getattr(held, column.key) for column in BookingHost.__table__.columns}
        holding |= {"id": new_id(), "booking_id": values["id"], "session_id": values["id"], "status": status}
        holding |= {"start_time": values["start_time"], "held": Range(values["start_time"], values["end_time"])}
        try:
            with transactions.transaction(acme.caller) as session:
                session.execute(insert(Booking).values(**values))
                session.execute(insert(BookingHost).values(**holding))
        except DBAPIError as error:
            return constraint(error)
        return ""

    overlapping = timedelta(minutes=29)
    assert copied(overlapping, BookingStatus.PENDING) == NO_OVERLAP
    assert copied(-overlapping, BookingStatus.COMPLETED) == NO_OVERLAP
    assert copied(overlapping, BookingStatus.CANCELED) == copied(overlapping, BookingStatus.RESCHEDULED) == ""
    assert copied(timedelta(minutes=30), BookingStatus.NO_SHOW) == ""


@pytest.mark.parametrize("clock", ["08:30", "16:45", "17:00", "10:05", "00:00"])
def test_what_is_not_on_the_list_is_not_offered(office: Office, event_type: dict[str, Any], clock: str) -> None:
    answer = office.book(event_type, at(clock))
    assert (answer.status, answer.body["code"]) == (422, "slot_not_offered")


def test_the_past_is_not_offered(office: Office, event_type: dict[str, Any]) -> None:
    assert office.book(event_type, at("10:00", weekday(0, weeks=-2))).body["code"] == "slot_not_offered"


def test_a_fraction_of_a_second_is_another_instant(office: Office, event_type: dict[str, Any]) -> None:
    assert office.book(event_type, at("10:00").replace("Z", ".000001Z")).body["code"] == "slot_not_offered"


def test_an_instant_may_be_written_with_any_offset(office: Office, event_type: dict[str, Any]) -> None:
    instant = f"{weekday(0)}T23:00:00+13:00"
    booked = office.book(event_type, instant)
    assert (booked.status, booked.body["start_time"]) == (201, f"{weekday(0)}T10:00:00Z")


def test_limits_a_day_and_a_week(office: Office) -> None:
    limited = office.event_type(max_bookings_per_day=2, max_bookings_per_week=3)
    first = office.booked(limited, at("09:00"))
    office.booked(limited, at("16:30"))
    full = office.book(limited, at("12:00"))
    assert (full.status, full.body["code"]) == (409, "limit_reached")
    office.booked(limited, at("12:00", weekday(2)))
    assert office.book(limited, at("12:00", weekday(3))).body["code"] == "limit_reached"
    assert office.cancel(first).status == 200
    office.booked(limited, at("12:00", weekday(3)))
    office.booked(limited, at("12:00", weekday(0, weeks=3)))


def test_a_call_takes_place_at_the_number_of_whoever_was_booked(office: Office) -> None:
    called = office.event_type(location_type="PHONE", location_value=None)
    assert office.booked(called, at("10:00"), invitee=invitee(phone="030 901820"))["location"] == "030 901820"
    assert office.booked(called, at("11:00"))["location"] is None


@pytest.mark.parametrize("phone", ["+49 30 901820", "(202) 555-0143", "+1 (202) 555-0143", "030/901820", "+(49) 30.901820"])
def test_phone_numbers_are_taken_as_people_write_them(office: Office, event_type: dict[str, Any], phone: str) -> None:
    assert office.book(event_type, at("10:00"), invitee=invitee(phone=phone)).status == 201


def test_the_same_key_books_once(office: Office, event_type: dict[str, Any], acme: Member) -> None:
    key = {"idempotency-key": str(new_id())}
    first, again = office.book(event_type, at("10:00"), key), office.book(event_type, at("10:00"), key)
    assert first.status == again.status == 201
    assert first.raw == again.raw
    assert again.headers["idempotency-replayed"] == "true"
    other = office.book(event_type, at("11:00"), key)
    assert (other.status, other.body["code"]) == (422, "key_reused")
    assert len(acme.rows(select(Booking.id))) == 1


def test_a_refused_request_keeps_no_key(office: Office, event_type: dict[str, Any]) -> None:
    key = {"idempotency-key": str(new_id())}
    blocking = office.booked(event_type, at("10:00"))
    assert office.book(event_type, at("10:00"), key).status == 409
    office.cancel(blocking)
    assert office.book(event_type, at("10:00"), key).status == 201


def test_the_management_token_is_nowhere_but_in_the_mail(office: Office, event_type: dict[str, Any], acme: Member) -> None:
    answer = office.book(event_type, at("10:00"), {"idempotency-key": "token"})
    (row,) = acme.rows(select(Booking))
    token = management_token(row)
    assert len(token) == 43
    assert token not in answer.raw.decode()
    assert token not in acme.get(f"/v1/scheduling/bookings/{row.id}").raw.decode()
    assert acme.rows(select(DirectoryEntry.key).where(DirectoryEntry.key == row.management_token_hash)) == [row.management_token_hash]
    with transactions.transaction(acme.caller) as session:
        for table in session.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tableowner = 'parley_owner'")
        ).all():
            if session.scalar(text("SELECT has_table_privilege(:table, 'SELECT')"), {"table": table}):
                count = session.scalar(text(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE :token'), {"token": f"%{token}%"})
                assert count == 0, table


def test_bookings_are_listed_with_filters_and_pages(office: Office, acme: Member) -> None:
    event_type, other = office.event_type(), office.event_type()
    made = [office.booked(event_type, at(clock)) for clock in ("09:00", "10:00", "11:00")] + [office.booked(other, at("12:00", weekday(1)))]
    office.cancel(made[1])
    ids = [booking["id"] for booking in made]

    def listed(**query: Any) -> list[int]:
        answer = acme.get("/v1/scheduling/bookings", **query)
        assert answer.status == 200, answer.body
        return [ids.index(item["id"]) for item in answer.body["items"]]

    assert listed() == listed(host_id="me") == listed(host_id=str(acme.user_id)) == [3, 2, 1, 0]
    assert listed(status="CANCELED") == [1]
    assert listed(status="CONFIRMED", event_type_id=event_type["id"]) == [2, 0]
    assert listed(**{"from": at("10:00"), "to": at("12:00")}) == [2, 1]
    assert listed(host_id=str(new_id())) == []
    first = acme.get("/v1/scheduling/bookings", limit=3).body
    assert listed(limit=3) == [3, 2, 1]
    assert listed(limit=3, cursor=first["next_cursor"]) == [0]
    assert {item["invitee"]["name"] for item in first["items"]} == {"Grace Hopper"}
    assert acme.get("/v1/scheduling/bookings", status="LOST").status == 422
    assert acme.get("/v1/scheduling/bookings", cursor="x").status == 400


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2027-01-01T00:00:00", "soon", 1, None])
def test_a_cursor_that_somebody_made_up_is_refused(acme: Member, instant: Any) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([instant, str(new_id())]).encode()).decode().rstrip("=")
    answer = acme.get("/v1/scheduling/bookings", cursor=cursor)
    assert (answer.status, answer.body["code"]) == (400, "bad_cursor")


def test_who_may_see_and_cancel_bookings(office: Office, event_type: dict[str, Any], acme: Member, globex: Member) -> None:
    booking = office.booked(event_type, at("10:00"))
    path = f"/v1/scheduling/bookings/{booking['id']}"
    viewer = acme.as_role("VIEWER")
    assert (viewer.get(path).status, viewer.post(f"{path}/cancel").body["code"]) == (200, "missing_scope")
    assert [item["id"] for item in viewer.get("/v1/scheduling/bookings").body["items"]] == [booking["id"]]
    assert viewer.get("/v1/scheduling/bookings", host_id="me").body["items"] == []
    assert Client(office.world).get(path).status == 401
    for method, suffix in (("GET", ""), ("POST", "/cancel")):
        foreign, unknown = (
            globex.request(method, f"/v1/scheduling/bookings/{id_}{suffix}", {} if suffix else None) for id_ in (booking["id"], new_id())
        )
        assert foreign.status == unknown.status == 404
        assert foreign.raw == unknown.raw
    assert acme.get(path).body["status"] == "CONFIRMED"
    assert globex.get("/v1/scheduling/bookings").body["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_type_id": "introduction"},
        {"event_type_id": None},
        {"start_time": 1_800_000_000},
        {"start_time": "2027-01-04"},
        {"start_time": "2027-01-04T10:00:00"},
        {"start_time": "0001-01-01T00:00:00Z"},
        {"start_time": "2027-13-04T10:00:00Z"},
        {"invitee": None},
        {"invitee": invitee(email="grace")},
        {"invitee": invitee(email="grace@localhost")},
        {"invitee": invitee(email="grace..hopper@visitor.example")},
        {"invitee": invitee(email="grace@visitor.example\r\nBcc: all@visitor.example")},
        {"invitee": invitee(email="grace@visitor.example, other@visitor.example")},
        {"invitee": invitee(name="Grace\r\nBcc: all@visitor.example")},
        {"invitee": invitee(name="")},
        {"invitee": invitee(name="x" * 201)},
        {"invitee": invitee(name={"first": "Grace"})},
        {"invitee": invitee(timezone="EST5EDT4")},
        {"invitee": invitee(phone="call me")},
        {"invitee": invitee(phone="1" * 100)},
        {"invitee": invitee(notes="x" * 5001)},
        {"invitee": invitee(host=True)},
        {"answers": {}},
        {"answers": [{"question_id": str(new_id()), "value": True}]},
        {"answers": [{"question_id": str(new_id()), "value": {"a": 1}}]},
        {"answers": [{"question_id": str(new_id()), "value": None}]},
        {"utm_source": "x" * 201},
        {"referrer": 1},
        {"status": "CONFIRMED"},
    ],
)
def test_a_body_that_makes_no_sense_is_refused(office: Office, event_type: dict[str, Any], acme: Member, wrong: dict[str, Any]) -> None:
    body = {"event_type_id": event_type["id"], "start_time": at("10:00"), "invitee": invitee()} | wrong
    answer = office.stranger.post("/v1/scheduling/bookings", body)
    assert (answer.status, answer.body["code"]) == (422, "invalid_request"), answer.body
    assert acme.rows(select(Invitee.id)) == []


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1e16", b"9" * 400])
def test_a_number_beyond_all_bounds_is_refused(office: Office, event_type: dict[str, Any], number: bytes) -> None:
    body = json.dumps(
        {
            "event_type_id": event_type["id"],
            "start_time": at("10:00"),
            "invitee": invitee(),
            "answers": [{"question_id": event_type["id"], "value": "N"}],
        }
    )
    answer = office.stranger.request("POST", "/v1/scheduling/bookings", body.encode().replace(b'"N"', number))
    assert answer.status == 422, answer.body
