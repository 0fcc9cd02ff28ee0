"""What nobody has looked at is not free: before a calendar was read, beyond what was read of it, and long after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from parley.kernel.persistence import transactions
from parley.scheduling.tables.calendar_models import CalendarConnection, CalendarStatus, ConnectedCalendar
from tests.harness import Client, World
from tests.scheduling.booking_scenarios import Office, at, invitee, weekday
from tests.scheduling.calendars.caldav_server import calendar_of
from tests.scheduling.calendars.conftest import CALENDARS, Desk
from tests.scheduling.calendars.ics_server import Site

pytestmark = pytest.mark.usefixtures("on_this_machine")
FAR = 45  # weeks: beyond what is usually known, within a horizon of a year
DAY = weekday(0, FAR)


@pytest.fixture
def far(office: Office) -> dict[str, Any]:
    return office.event_type(horizon_days=400)


def connected(office: Office, site: Site, *events: str) -> str:
    site.body = calendar_of(*events)
    made = office.host.post(CALENDARS, {"provider": "CUSTOM", "ics_url": f"http://127.0.0.1:{site.server.server_port}/far.ics"})
    assert made.status == 201, made.raw
    return f"{CALENDARS}/{made.body['id']}"


def meeting(clock: str, day: Any = None) -> str:
    return f"UID:{clock}\nDTSTART:{at(clock, day or DAY).replace('-', '').replace(':', '')}\nDURATION:PT30M"


def write(office: Office, path: str, **columns: Any) -> None:
    """What a disturbance or time would have left in the connection."""
    with transactions.transaction(office.host.caller) as session:
        model = CalendarConnection
        session.execute(update(model).where(model.id == UUID(path.rpartition("/")[2])).values(**columns))


def test_calendars_are_known_as_far_as_their_owners_time_is_offered(site: Site, office: Office, world: World, far: dict[str, Any]) -> None:
    path = connected(office, site, meeting("10:00"))
    world.pump()
    starts = office.starts(far, DAY)
    assert "10:00" not in starts and "11:00" in starts
    until = datetime.fromisoformat(office.host.get(path).body["calendars"][0]["synced_until"])
    assert timedelta(days=400) < until - datetime.now(UTC) < timedelta(days=440)


def test_beyond_what_is_known_nothing_is_offered_until_it_is(site: Site, office: Office, world: World) -> None:
    near = office.event_type(horizon_days=60)
    path = connected(office, site, meeting("10:00"))
    world.pump()
    assert office.host.patch(f"/v1/scheduling/event-types/{near['id']}", {"horizon_days": 400}).status == 200
    assert office.starts(near, DAY) == [] and office.starts(near, weekday(0)) != []
    hold = office.stranger.post(f"/v1/scheduling/event-types/{near['id']}/holds", {"start_time": at("11:00", DAY)})
    assert (hold.status, hold.body["code"]) == (409, "slot_taken"), hold.raw
    # Who books has the calendar asked; one that can't be asked is in doubt.
    assert office.book(near, at("10:00", DAY)).body["code"] == "slot_taken"
    assert office.book(near, at("11:00", DAY)).status == 201
    write(office, path, status=CalendarStatus.ERROR)
    assert office.book(near, at("12:00", DAY)).body["code"] == "slot_taken"
    assert office.host.post(f"{path}/sync").status == 202
    world.pump()
    starts = office.starts(near, DAY)
    assert not {"10:00", "11:00"} & {*starts} and "12:00" in starts


def test_a_calendar_that_was_never_read_keeps_its_owner_busy(site: Site, office: Office, world: World, event_type: dict[str, Any]) -> None:
    day = weekday(0)
    path = connected(office, site, meeting("10:00", day))
    assert office.starts(event_type, day) == []
    assert office.book(event_type, at("10:00")).body["code"] == "slot_taken"
    assert office.book(event_type, at("11:00")).status == 201, "the calendar was asked"
    write(office, path, status=CalendarStatus.EXPIRED)
    assert office.book(event_type, at("12:00")).body["code"] == "slot_taken"
    assert office.host.delete(path).status == 204
    assert "10:00" in office.starts(event_type, day)


def test_what_was_read_is_believed_for_thirty_days(site: Site, office: Office, world: World, event_type: dict[str, Any]) -> None:
    day = weekday(0)
    path = connected(office, site, meeting("10:00", day))
    world.pump()
    for days, is_offered in ((29, True), (31, False)):
        write(office, path, status=CalendarStatus.EXPIRED, last_sync_at=datetime.now(UTC) - timedelta(days=days))
        assert ("11:00" in office.starts(event_type, day)) is is_offered
        assert "10:00" not in office.starts(event_type, day)


def test_a_calendar_that_is_asked_and_silent_is_in_doubt_beyond_what_is_known(desk: Desk, office: Office, far: dict[str, Any]) -> None:
    connection = desk.connect()
    assert "11:00" in office.starts(far, DAY)
    with transactions.transaction(office.host.caller) as session:
        of = ConnectedCalendar.connection_id == UUID(connection["id"])
        session.execute(update(ConnectedCalendar).where(of).values(synced_until=datetime.now(UTC) + timedelta(days=200)))
    desk.dav.is_down = True
    assert office.book(far, at("11:00", DAY)).body["code"] == "slot_taken"


def test_what_a_calendar_answered_for_one_time_says_nothing_of_the_rest_of_its_day(site: Site, office: Office, world: World) -> None:
    """A day that nobody knows has no room for strangers beside the time that was asked about: they take its last, on few days."""
    near = office.event_type(horizon_days=60)
    connected(office, site)
    world.pump()
    assert office.host.patch(f"/v1/scheduling/event-types/{near['id']}", {"horizon_days": 400}).status == 200
    office.stranger = Client(world, ip="198.19.250.7")
    answers = [office.book(near, at("11:00", weekday(day, FAR)), invitee=invitee(email=f"ada-{day}@visitor.example")) for day in range(3)]
    assert [answer.status for answer in answers] == [201, 201, 409], [answer.raw for answer in answers]
    assert answers[2].body["code"] == "slot_taken", "a hold, which waits for the address, asks no calendar"
