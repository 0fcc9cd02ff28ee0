"""Calendar connections against Radicale, by the front door."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from parley.calendar_providers import webdav
from parley.kernel.access.callers import system
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.calendars import event_writer
from parley.scheduling.tables.calendar_models import BusyTime, CalendarConnection, CalendarEvent, ConnectedCalendar
from tests.harness import Member, World
from tests.identity.registered_users import person
from tests.identity.test_deleting_an_account import delete, everywhere, id_of
from tests.identity.test_sessions import join
from tests.scheduling.booking_scenarios import Office, at, weekday
from tests.scheduling.calendars.caldav_server import USER
from tests.scheduling.calendars.conftest import CALENDARS, Desk

DAY = weekday(0)


def ends(start: str, minutes: int = 30) -> str:
    from datetime import datetime

    return (datetime.fromisoformat(start) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_calendar_is_found_from_its_servers_address_and_connected(desk: Desk) -> None:
    answer = desk.host.post(CALENDARS, desk.wanted(server_url=desk.dav.url))
    assert answer.status == 201, answer.raw
    assert (answer.body["provider"], answer.body["method"], answer.body["status"]) == ("CUSTOM", "CALDAV", "ACTIVE")
    assert desk.url in [calendar["calendar_id"] for calendar in answer.body["calendars"]]
    assert answer.body["is_primary"] and answer.body["calendar_id"]
    assert "battery" not in str(answer.raw)
    assert [item["id"] for item in desk.host.get(CALENDARS).body["items"]] == [answer.body["id"]]
    again = desk.host.post(CALENDARS, desk.wanted(server_url=desk.dav.url))
    assert again.body["id"] == answer.body["id"], "the same account is renewed"
    (row,) = desk.host.rows(select(CalendarConnection).where(CalendarConnection.user_id == desk.host.user_id))
    assert b"battery" not in row.secret.token


def test_what_lies_in_the_calendar_is_offered_to_nobody(desk: Desk, office: Office, event_type: dict[str, Any]) -> None:
    desk.put("dentist", at("10:00"), at("11:00"))
    connection = desk.connect()
    assert (connection["status"], connection["last_sync_at"] is not None) == ("ACTIVE", True)
    starts = office.starts(event_type, DAY)
    assert "09:30" in starts and "11:00" in starts
    assert not {"10:00", "10:30"} & set(starts)
    assert office.book(event_type, at("10:00")).body["code"] == "slot_taken"


def test_a_change_made_elsewhere_comes_with_the_next_sync_alone(desk: Desk, office: Office, event_type: dict[str, Any]) -> None:
    desk.put("dentist", at("10:00"), at("11:00"))
    desk.put("lunch", at("12:00"), at("13:00"))
    connection = desk.connect()
    desk.dav.requests.clear()
    desk.put("dentist", at("14:00"), at("15:00"))
    desk.dav.delete(f"{desk.path}lunch.ics")
    desk.sync(connection["id"])
    starts = office.starts(event_type, DAY)
    assert {"10:00", "12:00"} <= set(starts)
    assert "14:00" not in starts
    reports = [path for method, path in desk.dav.requests if method == "REPORT"]
    assert len(reports) == 2, "what has changed, and that one event"


def test_a_server_that_has_forgotten_what_it_told_is_read_from_the_beginning(
    desk: Desk, office: Office, event_type: dict[str, Any]
) -> None:
    desk.put("dentist", at("10:00"), at("11:00"))
    connection = desk.connect()
    with transaction(system(desk.host.organization_id)) as session:
        session.execute(update(ConnectedCalendar).values(sync_token=f"sync:http://radicale.org/ns/sync/{'0' * 64}"))
    desk.dav.delete(f"{desk.path}dentist.ics")
    desk.put("lunch", at("12:00"), at("13:00"))
    assert desk.sync(connection["id"])["status"] == "ACTIVE"
    starts = office.starts(event_type, DAY)
    assert "10:00" in starts and "12:00" not in starts


def test_what_somebody_else_did_to_a_bookings_event_keeps_it_from_nothing(
    desk: Desk, office: Office, event_type: dict[str, Any], world: World
) -> None:
    desk.connect()
    made = office.booked(event_type, at("10:00"))
    world.pump()
    (row,) = desk.host.rows(select(CalendarEvent))
    path = row.provider_event_id.removeprefix(desk.dav.url)
    desk.dav.delete(path)
    moved = office.host.post(f"/v1/scheduling/bookings/{made['id']}/reschedule", {"start_time": at("10:30")})
    world.pump()
    assert len(desk.events()) == 1, "one that was deleted is there again"
    whose = desk.dav.send("GET", path)[1].partition("UID:")[2].split()[0]
    desk.dav.put(path, f"UID:{whose}\nDTSTAMP:20260101T000000Z\nSUMMARY:Mine\nDTSTART:20261201T100000Z\nDTEND:20261201T110000Z")
    again = office.host.post(f"/v1/scheduling/bookings/{moved.body['id']}/reschedule", {"start_time": at("11:00")})
    world.pump()
    (event,) = desk.events()
    assert at("11:00").replace("-", "").replace(":", "") in event, "one that was moved stands where its booking is"
    desk.dav.delete(path)
    assert office.cancel(again.body).status == 200
    world.pump()
    assert (desk.events(), desk.host.rows(select(CalendarEvent))) == ([], [])


def test_a_server_that_wants_a_digest_gets_one(desk: Desk, office: Office, event_type: dict[str, Any], world: World) -> None:
    desk.put("dentist", at("10:00"), at("11:00"))
    desk.dav.wants_digest = True
    refused = desk.host.post(CALENDARS, desk.wanted(password="wrong"))  # it is
    assert (refused.status, refused.body["reason"]) == (422, "unauthorized")
    assert desk.connect()["status"] == "ACTIVE"
    assert "10:00" not in office.starts(event_type, DAY)
    office.booked(event_type, at("12:00"))
    world.pump()
    desk.dav.wants_digest = False
    assert len(desk.events()) == 2


def test_what_the_owner_declined_is_free_by_whatever_address_they_were_invited(
    desk: Desk, office: Office, event_type: dict[str, Any]
) -> None:
    desk.dav.addresses = ["mailto:Ada@Office.example", "/principals/ada/"]
    invited_as = "ATTENDEE;PARTSTAT={}:mailto:{}"
    desk.put("no", at("10:00"), at("10:30"), invited_as.format("DECLINED", "ada@office.example"))
    desk.put("yes", at("11:00"), at("11:30"), invited_as.format("ACCEPTED", "ada@office.example"))
    desk.put("theirs", at("12:00"), at("12:30"), invited_as.format("DECLINED", "bob@office.example"))
    desk.connect()
    starts = office.starts(event_type, DAY)
    assert "10:00" in starts and not {"11:00", "12:00"} & set(starts)
    assert office.book(event_type, at("10:00")).status == 201


def test_a_calendar_that_shows_no_events_is_known_by_its_times(desk: Desk, office: Office, event_type: dict[str, Any]) -> None:
    desk.put("dentist", at("10:00"), at("11:00"))
    desk.dav.shows_events = False
    connection = desk.connect()
    assert connection["status"] == "ACTIVE"
    assert not {"10:00", "10:30"} & set(office.starts(event_type, DAY))
    desk.put("lunch", at("12:00"), at("13:00"))
    assert office.book(event_type, at("12:00")).body["code"] == "slot_taken"
    desk.sync(connection["id"])
    assert "12:00" not in office.starts(event_type, DAY)


def test_a_recurring_event_keeps_its_wall_clock_over_a_change_of_the_clocks(desk: Desk, office: Office) -> None:
    event_type = office.event_type({"timezone": "America/New_York"}, horizon_days=200)
    series = "UID:weekly\nDTSTAMP:20260101T000000Z\nSUMMARY:Team\nRRULE:FREQ=WEEKLY\nDTSTART;TZID=America/New_York:20260907T100000\n"
    desk.dav.put(f"{desk.path}weekly.ics", series + "DTEND;TZID=America/New_York:20260907T110000\n")
    desk.connect()
    for weeks in (1, 17):  # the clocks change in March 2027
        day = weekday(0, weeks)
        starts = office.starts(event_type, day, zone="America/New_York")
        assert "09:30" in starts and "11:00" in starts
        assert not {"10:00", "10:30"} & set(starts), day


def test_free_days_and_what_was_canceled_keep_nobody_busy(desk: Desk, office: Office, event_type: dict[str, Any]) -> None:
    desk.put("free", at("10:00"), at("11:00"), "TRANSP:TRANSPARENT")
    desk.put("off", at("11:00"), at("12:00"), "STATUS:CANCELLED")
    tomorrow = weekday(1)
    desk.dav.put(f"{desk.path}day.ics", f"UID:day\nDTSTAMP:20260101T000000Z\nSUMMARY:Away\nDTSTART;VALUE=DATE:{tomorrow:%Y%m%d}\n")
    desk.connect()
    assert {"10:00", "11:00", "11:30"} <= set(office.starts(event_type, DAY))
    # The day is one of the host's own zone, UTC: 23:00 to 23:00 before in Berlin's winter.
    assert office.starts(event_type, tomorrow) == []


def test_a_calendar_is_asked_again_while_something_is_booked(desk: Desk, office: Office, event_type: dict[str, Any]) -> None:
    desk.connect()
    desk.put("sudden", at("10:00"), at("11:00"))
    assert "10:00" in office.starts(event_type, DAY), "nobody has told us yet"
    assert office.book(event_type, at("10:00")).body["code"] == "slot_taken"
    assert office.book(event_type, at("11:00")).status == 201
    made = office.host.post(f"/v1/scheduling/event-types/{event_type['id']}/bookings", booking(at("10:30")))
    assert made.body["code"] == "slot_taken"


def booking(start: str) -> dict[str, Any]:
    from tests.scheduling.booking_scenarios import invitee

    return {"start_time": start, "invitee": invitee()}


def test_a_slow_calendar_keeps_nobody_from_booking_for_long_and_says_so(desk: Desk, office: Office, event_type: dict[str, Any]) -> None:
    desk.put("dentist", at("10:00"), at("11:00"))
    connection = desk.connect()
    desk.dav.delay = 6.0
    began = time.monotonic()
    made = office.book(event_type, at("11:00"))
    assert (made.status, time.monotonic() - began < 5) == (201, True)
    assert office.book(event_type, at("10:00")).body["code"] == "slot_taken", "what was known counts"
    seen = desk.seen(connection["id"])
    assert (seen["status"], seen["error_code"]) == ("ERROR", "timed_out")
    began = time.monotonic()
    assert office.book(event_type, at("12:00")).status == 201
    assert time.monotonic() - began < 2, "nobody waits for it twice"
    desk.dav.delay = 0.0
    assert desk.sync(connection["id"])["status"] == "ACTIVE"


def test_a_booking_is_written_moved_and_taken_out(desk: Desk, office: Office, event_type: dict[str, Any], world: World) -> None:
    connection = desk.connect()
    made = office.booked(event_type, at("10:00"))
    world.pump()
    (event,) = desk.events()
    assert "Grace Hopper" in event and at("10:00").replace("-", "").replace(":", "") in event
    assert "ATTENDEE" not in event, "the server has nobody to write to"
    moved = office.host.post(f"/v1/scheduling/bookings/{made['id']}/reschedule", {"start_time": at("10:30")})
    assert moved.status == 201, "its own event is not in its way"
    world.pump()
    (event,) = desk.events()
    assert at("10:30").replace("-", "").replace(":", "") in event
    desk.sync(connection["id"])
    assert "10:00" in office.starts(event_type, DAY)
    assert office.host.rows(select(BusyTime).where(BusyTime.user_id == office.host.user_id)) == []
    assert office.cancel(moved.body).status == 200
    assert "10:30" in office.starts(event_type, DAY), "at once, not when the calendar was told"
    world.pump()
    assert desk.events() == []
    assert office.host.rows(select(CalendarEvent)) == []


def test_a_request_is_written_when_it_is_confirmed(desk: Desk, office: Office, world: World) -> None:
    desk.connect()
    made = office.booked(office.event_type(requires_confirmation=True), at("10:00"))
    world.pump()
    assert desk.events() == []
    assert office.host.post(f"/v1/scheduling/bookings/{made['id']}/confirm").status == 200
    world.pump()
    assert len(desk.events()) == 1


def test_a_booking_that_is_given_to_somebody_else_moves_to_their_calendar(world: World, office: Office, desk: Desk) -> None:
    other = office.host.as_role("MEMBER")
    other_desk = Desk(world, other, desk.dav)
    first, second = desk.connect(), other_desk.connect()
    assert first["id"] != second["id"]
    hosts = [{"user_id": str(member.user_id)} for member in (office.host, other)]
    pool = office.host.post("/v1/scheduling/pools", {"name": "Sales", "strategy": "ROTATE", "hosts": hosts}).body
    made = office.booked(office.event_type(kind="ROUND_ROBIN", pool_id=pool["id"]), at("10:00"))
    world.pump()
    host_id = office.host.get(f"/v1/scheduling/bookings/{made['id']}").body["host_id"]
    before, after = (desk, other_desk) if host_id == str(office.host.user_id) else (other_desk, desk)
    assert (len(before.events()), len(after.events())) == (1, 0)
    assert office.host.post(f"/v1/scheduling/bookings/{made['id']}/reassign").status == 200
    world.pump()
    assert (len(before.events()), len(after.events())) == (0, 1)


def test_seats_of_a_session_are_one_event(desk: Desk, office: Office, world: World) -> None:
    desk.connect()
    event_type = office.event_type(kind="GROUP", capacity=3)
    seats = [office.booked(event_type, at("10:00"), invitee=invited(name)) for name in ("Ann", "Ben")]
    world.pump()
    (event,) = desk.events()
    assert "Ann" in event and "Ben" in event
    seats.append(office.booked(event_type, at("10:00"), invitee=invited("Cid")))
    for seat in seats[:2]:
        assert office.cancel(seat).status == 200
    world.pump()
    (event,) = desk.events()
    assert "Ann" not in event and "Cid" in event
    assert office.cancel(seats[2]).status == 200
    world.pump()
    assert desk.events() == []


def invited(name: str) -> dict[str, Any]:
    return {"email": f"{name.lower()}@visitor.example", "name": name, "timezone": "UTC"}


def test_a_wrong_password_is_said_at_once_and_kills_a_connection_later(
    desk: Desk, office: Office, world: World, event_type: dict[str, Any]
) -> None:
    refused = desk.host.post(CALENDARS, desk.wanted(password="wrong"))  # it is
    assert (refused.status, refused.body["code"], refused.body["reason"]) == (422, "calendar_refused", "unauthorized")
    desk.put("dentist", at("10:00"), at("11:00"))
    connection = desk.connect()
    with desk.dav.other_password():
        assert desk.sync(connection["id"])["status"] == "EXPIRED"
        assert desk.host.post(f"{CALENDARS}/{connection['id']}/sync").body["code"] == "reconnect"
        world.pump()
    mails = [mail for mail in world.mails() if f"{desk.host.user_id}@acme.test" in mail["to"] and "again" in str(mail["raw"])]
    assert len(mails) == 1
    assert "10:00" not in office.starts(event_type, DAY), "what was known last counts"
    made = office.booked(event_type, at("12:00"))
    world.pump()
    assert len(desk.events()) == 1, "the dentist's alone"
    renewed = desk.connect()
    assert (renewed["id"], renewed["status"]) == (connection["id"], "ACTIVE")
    world.invoke("scheduling/sweep_calendars", {})
    world.pump()
    assert len(desk.events()) == 2, made


def test_a_server_that_is_down_is_tried_again_later_and_costs_nobody_else(desk: Desk, office: Office, world: World) -> None:
    connection = desk.connect()
    desk.dav.is_down = True
    seen = desk.sync(connection["id"])
    assert (seen["status"], seen["error_code"]) == ("ERROR", "unavailable")
    assert seen["next_sync_at"] > seen["updated_at"]
    away = desk.host.post(CALENDARS, desk.wanted())
    assert (away.status, away.body["code"]) == (503, "calendar_away")
    desk.dav.is_down = False
    assert desk.sync(connection["id"])["status"] == "ACTIVE"


def test_an_event_that_could_not_be_written_is_written_later(desk: Desk, office: Office, world: World, event_type: dict[str, Any]) -> None:
    desk.connect()
    made = office.booked(event_type, at("10:00"))
    desk.dav.is_down = True
    world.pump()
    desk.dav.is_down = False
    (row,) = desk.host.rows(select(CalendarEvent))
    assert (row.error_code, row.attempts, row.due_at is not None) == ("unavailable", 1, True)
    assert office.cancel(made).status == 200
    world.pump()
    assert (desk.events(), desk.host.rows(select(CalendarEvent))) == ([], [])


def test_an_event_that_nobody_writes_any_more_is_counted_and_tried_again_with_a_sync(
    desk: Desk, office: Office, world: World, event_type: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = desk.connect()
    assert connection["unwritten_events"] == 0
    monkeypatch.setattr(event_writer, "GIVES_UP_AFTER", 1)
    office.booked(event_type, at("10:00"))
    desk.dav.is_down = True
    world.pump()
    desk.dav.is_down = False
    assert desk.seen(connection["id"])["unwritten_events"] == 1
    assert [item["unwritten_events"] for item in desk.host.get(CALENDARS).body["items"]] == [1]
    assert desk.sync(connection["id"])["unwritten_events"] == 0
    world.invoke("scheduling/sweep_calendars", {})
    world.pump()
    assert len(desk.events()) == 1


def test_nobody_sees_or_changes_a_colleagues_connection(desk: Desk, office: Office, globex: Member) -> None:
    connection = desk.connect()
    for other in (office.host.as_role("ADMIN"), globex):
        path = f"{CALENDARS}/{connection['id']}"
        answers = [other.get(path), other.patch(path, {"is_primary": False}), other.delete(path), other.post(f"{path}/sync")]
        assert {answer.status for answer in answers} == {404}
        assert other.get(CALENDARS).body["items"] == []


def test_a_connection_that_is_taken_away_forgets_its_secret_and_its_times(
    desk: Desk, office: Office, event_type: dict[str, Any], world: World
) -> None:
    desk.put("dentist", at("10:00"), at("11:00"))
    connection = desk.connect()
    assert desk.host.delete(f"{CALENDARS}/{connection['id']}").status == 204
    assert "10:00" in office.starts(event_type, DAY)
    (row,) = desk.host.rows(select(CalendarConnection))
    assert (row.status.value, row.secret, row.is_primary) == ("DISCONNECTED", None, False)
    assert desk.host.get(f"{CALENDARS}/{connection['id']}").status == 404
    world.pump()


def test_the_calendars_of_who_leaves_are_forgotten_at_once(desk: Desk, office: Office, world: World) -> None:
    colleague = office.host.as_role("MEMBER")
    away = desk.connect(colleague)
    assert colleague.delete(f"{CALENDARS}/{away['id']}").status == 204
    desk.connect(colleague)
    connection = desk.connect()
    assert office.host.delete(f"/v1/identity/members/{colleague.user_id}").status == 204
    world.pump()
    assert [row.id for row in office.host.rows(select(CalendarConnection))] == [UUID(connection["id"])]
    assert {row.connection_id for row in office.host.rows(select(ConnectedCalendar))} == {UUID(connection["id"])}


def test_a_host_who_deletes_their_account_hosts_no_more_and_old_bookings_stay(desk: Desk, office: Office, world: World) -> None:
    ada = person(world)
    join(office.host, ada)
    host = world.member(office.host.organization_id, id_of(ada), "MEMBER")
    hers = Office(world, host)
    event_type = hers.event_type(slug="with-ada")
    desk.connect(host)
    booking = hers.booked(event_type, at("10:00"))
    world.pump()
    assert len(desk.events()) == 1
    assert "scheduling_notification_logs" in {hit.partition(":")[0] for hit in everywhere(world, ada.email)}
    assert delete(ada).status == 204
    world.pump()
    assert everywhere(world, ada.email) == []
    assert office.host.rows(select(CalendarConnection)) == []
    assert hers.slots(event_type).body.get("slots", []) == []
    assert hers.book(event_type, at("11:00")).status in (404, 409)
    seen = office.host.get(f"/v1/scheduling/bookings/{booking['id']}")
    assert (seen.status, seen.body["host_id"]) == (200, str(id_of(ada)))
    assert office.host.get("/v1/scheduling/bookings").status == 200
    assert office.cancel(booking).status == 200
    world.pump()


def test_a_calendar_that_does_not_count_keeps_nobody_busy(desk: Desk, office: Office, event_type: dict[str, Any]) -> None:
    desk.put("dentist", at("10:00"), at("11:00"))
    connection = desk.connect()
    path = f"{CALENDARS}/{connection['id']}"
    assert desk.host.patch(path, {"busy_calendar_ids": []}).status == 200
    assert "10:00" in office.starts(event_type, DAY)
    desk.world.pump()
    assert "10:00" in office.starts(event_type, DAY)
    assert desk.host.patch(path, {"busy_calendar_ids": [desk.url]}).status == 200
    desk.world.pump()
    assert "10:00" not in office.starts(event_type, DAY)
    assert desk.host.patch(path, {"busy_calendar_ids": ["nobody"]}).body["code"] == "no_such_calendar"
    assert USER in connection["account_name"]


@pytest.mark.parametrize(
    ("href", "whole"),
    [
        ("/ada/work/a b.ics", "/ada/work/a%20b.ics"),
        ("/ada/work/a%20b%40c.ics", "/ada/work/a%20b@c.ics"),
        ("/ada/work/a%2Fb.ics", "/ada/work/a%2Fb.ics"),
        ("/ada/work/gr%fcn.ics", "/ada/work/gr%FCn.ics"),
        ("grün.ics", "/ada/work/gr%C3%BCn.ics"),
    ],
)
def test_one_resource_has_one_address_and_two_have_two(href: str, whole: str) -> None:
    assert webdav.absolute_url("https://dav.example/ada/work/", href) == f"https://dav.example{whole}"
