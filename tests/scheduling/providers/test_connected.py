"""A host whose calendar is at Google or Microsoft: what they do there counts here, and what is booked here stands there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from parley.calendar_providers.provider_protocol import ProviderError, ProviderErrorCode
from parley.kernel.access.callers import system
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.scheduling.calendar_connections import connection_tokens
from parley.scheduling.calendars import calendar_sync
from parley.scheduling.tables.calendar_models import BusyTime, CalendarConnection, ConnectedCalendar
from tests.harness import Member, World
from tests.scheduling.booking_scenarios import Office, SentMail, at, weekday
from tests.scheduling.providers import google_server, microsoft_server
from tests.scheduling.providers.calendar_server import Calendar, as_json
from tests.scheduling.providers.google_server import GoogleServer
from tests.scheduling.providers.microsoft_server import MicrosoftServer
from tests.scheduling.providers.test_adapters import listing, refuses
from tests.scheduling.providers.test_consent import CALENDARS, connect

Either = GoogleServer | MicrosoftServer
WEEK = timedelta(days=7)


def instant(clock: str) -> datetime:
    """Of the Monday two weeks ahead, in Berlin."""
    return datetime.fromisoformat(at(clock))


class Host:
    """A host with hours, half-hour slots, and one connected calendar."""

    def __init__(self, world: World, member: Member, site: Either) -> None:
        self.world, self.member, self.site = world, member, site
        # What other tests left due would be swept with this one, and meet its troubles.
        with world.stack.postgres.superuser("parley") as superuser:
            superuser.run("UPDATE scheduling_calendar_connections SET next_sync_at = NULL")
        self.office = Office(world, member)
        self.event_type = self.office.event_type()
        self.someone = site.someone()
        self.calendar = self.someone.primary
        self.connection = connect(world, member, site, self.someone).body["id"]
        world.pump()

    def taken(self) -> set[str]:
        """The half hours of that Monday that are not offered."""
        every = {f"{hour:02}:{minute:02}" for hour in range(9, 17) for minute in (0, 30)}
        return every - set(self.office.starts(self.event_type, weekday(0)))

    def busy(self, begins: str, ends: str, **fields: Any) -> str:
        """Something that the host puts into their calendar."""
        return self.site.add_event(self.calendar, instant(begins), instant(ends), **fields)

    def sync(self) -> None:
        assert self.member.post(f"{CALENDARS}/{self.connection}/sync").status == 202
        self.world.pump()

    def come_round(self) -> None:
        """Its time has come, and the sweep with it."""
        self.set(next_sync_at=now() - timedelta(seconds=1))
        self.world.invoke("scheduling/sweep_calendars", {})
        self.world.pump()

    def set(self, **values: Any) -> None:
        with transactions.transaction(system(self.member.organization_id)) as session:
            session.execute(update(CalendarConnection).where(CalendarConnection.id == UUID(self.connection)).values(values))

    @property
    def row(self) -> CalendarConnection:
        (row,) = self.member.rows(select(CalendarConnection).where(CalendarConnection.id == UUID(self.connection)))
        assert isinstance(row, CalendarConnection)
        return row

    def events(self) -> list[dict[str, Any]]:
        """What stands in the calendar of what we wrote."""
        return [
            event
            for event in self.calendar.events.values()
            if event.get("status") != "cancelled" and ("extendedProperties" in event or "singleValueExtendedProperties" in event)
        ]


@pytest.fixture
def host(world: World, acme: Member, site: Either) -> Host:
    return Host(world, acme, site)


def start_of(event: dict[str, Any]) -> datetime:
    start = event["start"]["dateTime"]
    return datetime.fromisoformat(start if "+" in start or start.endswith("Z") else f"{start[:19]}+00:00")


def test_what_the_host_does_there_is_not_offered_here(host: Host, site: Either) -> None:
    assert host.row.status.value == "ACTIVE" and host.row.last_sync_at is not None
    assert host.taken() == set()
    host.busy("10:00", "11:00")
    event_id = host.busy("14:00", "14:30")
    host.sync()
    assert host.taken() == {"10:00", "10:30", "14:00"}
    # Only what changed comes with the token, and only that is asked for.
    site.delete_event(host.calendar, event_id)
    site.add_series(host.calendar, instant("09:00"), instant("09:30"), WEEK, 3)
    host.come_round()
    assert host.taken() == {"09:00", "10:00", "10:30"}
    stored = host.member.rows(select(BusyTime.event_id).where(BusyTime.connection_id == UUID(host.connection)))
    assert len(stored) == 4
    before = len(site.requests)
    host.come_round()
    assert len(site.requests) - before == 1


def test_what_is_busy_since_the_last_sync_is_seen_at_booking(host: Host, site: Either) -> None:
    host.busy("10:00", "11:00")
    assert host.taken() == set()  # nobody has told us
    refused = host.office.book(host.event_type, at("10:30"))
    assert (refused.status, refused.body["code"]) == (409, "slot_taken"), refused.raw
    assert host.office.book(host.event_type, at("11:00")).status == 201


def test_a_provider_that_fails_at_booking_is_taken_at_its_last_word(host: Host, site: Either) -> None:
    host.busy("10:00", "10:30")
    host.sync()
    host.busy("11:00", "11:30")
    site.fail(listing(site), microsoft_server.throttled(60) if isinstance(site, MicrosoftServer) else google_server.rate_limited(), times=9)
    assert host.office.book(host.event_type, at("10:00")).status == 409
    assert host.office.book(host.event_type, at("11:00")).status == 201
    site.troubles.clear()


def test_a_booking_is_written_moved_and_taken_out(host: Host, site: Either) -> None:
    booking = host.office.booked(host.event_type, at("10:00"))
    host.world.pump()
    (event,) = host.events()
    assert start_of(event) == instant("10:00")
    assert "attendees" not in event
    host.world.invoke("scheduling/sweep_calendars", {})
    host.world.pump()
    host.sync()
    assert len(host.events()) == 1
    assert host.taken() == {"10:00"}  # once: as a booking, not as an event beside it

    moved = host.member.post(f"/v1/scheduling/bookings/{booking['id']}/reschedule", {"start_time": at("10:30")})
    assert moved.status == 201, moved.raw
    host.world.pump()
    (event,) = host.events()
    assert start_of(event) == instant("10:30")
    host.sync()
    assert host.taken() == {"10:30"}

    assert host.office.cancel(moved.body).status == 200
    host.world.pump()
    host.sync()
    assert host.events() == [] and host.taken() == set()


def test_a_booking_is_written_when_the_provider_answers_again(host: Host, site: Either) -> None:
    begins = "POST /calendar/v3/calendars" if isinstance(site, GoogleServer) else "POST /v1.0/me/calendars"
    site.fail(
        begins,
        google_server.refusal(503, "backendError", "Backend Error")
        if isinstance(site, GoogleServer)
        else microsoft_server.throttled(1, 503),
    )
    host.office.booked(host.event_type, at("10:00"))
    host.world.pump()
    assert host.events() == []
    from parley.scheduling.tables.calendar_models import CalendarEvent

    with transactions.transaction(system(host.member.organization_id)) as session:
        session.execute(update(CalendarEvent).values(due_at=now() - timedelta(seconds=1)))
    host.world.invoke("scheduling/sweep_calendars", {})
    host.world.pump()
    assert [start_of(event) for event in host.events()] == [instant("10:00")]


def test_a_forgotten_token_has_all_read_anew_and_nothing_is_lost(host: Host, site: Either) -> None:
    host.busy("10:00", "10:30")
    event_id = host.busy("12:00", "12:30")
    host.sync()
    site.delete_event(host.calendar, event_id)
    host.busy("15:00", "15:30")
    site.forget_changes()
    host.come_round()
    assert host.row.status.value == "ACTIVE"
    assert host.taken() == {"10:00", "15:00"}
    site.forgotten_before = 0


def test_a_calendar_that_can_not_be_read_keeps_no_other_from_being_read_and_is_said(host: Host, site: Either) -> None:
    broken = host.someone.add(Calendar(f"first{token_hex(6)}", "A calendar before the other"))
    assert connect(host.world, host.member, site, host.someone).body["id"] == host.connection
    both = [broken.id, host.calendar.id]
    assert host.member.patch(f"{CALENDARS}/{host.connection}", {"busy_calendar_ids": both}).status == 200
    host.world.pump()
    host.busy("10:00", "10:30")
    for begins in (f"{listing(site)}{broken.id}", "POST /calendar/v3/freeBusy"):
        site.fail(begins, refuses(site, 404), times=9)
    host.sync()
    assert host.taken() == {"10:00"}
    assert (host.row.status.value, host.row.error_code) == ("ERROR", "not_found"), "it is one of the account's, and not known"
    site.troubles.clear()
    del host.someone.calendars[broken.id]
    host.sync()
    assert host.row.status.value == "ACTIVE"
    (shown,) = host.member.get(f"{CALENDARS}/{host.connection}").body["calendars"]
    assert shown["calendar_id"] == host.calendar.id


def test_a_calendar_that_shows_no_events_is_known_by_its_times(world: World, acme: Member, google: GoogleServer) -> None:
    host = Host(world, acme, google)
    other = host.someone.add(Calendar("boss@google.test", "Boss", role="freeBusyReader"))
    assert connect(world, acme, google, host.someone).body["id"] == host.connection
    assert acme.patch(f"{CALENDARS}/{host.connection}", {"busy_calendar_ids": [other.id]}).status == 200
    google.add_event(other, instant("10:00"), instant("11:00"))
    host.sync()
    assert host.row.status.value == "ACTIVE" and host.taken() == {"10:00", "10:30"}
    google.add_event(other, instant("12:00"), instant("12:30"))
    host.come_round()
    assert host.taken() == {"10:00", "10:30", "12:00"}


def test_limits_are_waited_out_and_nothing_is_lost(host: Host, site: Either) -> None:
    host.busy("10:00", "10:30")
    host.sync()
    host.busy("15:00", "15:30")
    answer = microsoft_server.throttled(600) if isinstance(site, MicrosoftServer) else google_server.rate_limited(429, retry_after=600)
    site.fail(listing(site), answer)
    host.come_round()
    row = host.row
    assert (row.status.value, row.error_code) == ("ERROR", "rate_limited")
    assert row.next_sync_at is not None and row.next_sync_at > now() + timedelta(seconds=590)
    assert host.taken() == {"10:00"}  # what was known counts
    request_count = len(site.requests)
    host.world.invoke("scheduling/sweep_calendars", {})
    host.world.pump()
    assert len(site.requests) == request_count  # left in peace
    host.come_round()
    assert (host.row.status.value, host.row.error_code) == ("ACTIVE", None)
    assert host.taken() == {"10:00", "15:00"}


def test_a_limit_that_is_met_at_booking_is_waited_out_too(host: Host, site: Either) -> None:
    host.sync()
    answer = microsoft_server.throttled(600) if isinstance(site, MicrosoftServer) else google_server.rate_limited(429, retry_after=600)
    site.fail(listing(site), answer)
    assert host.office.book(host.event_type, at("10:00")).status == 201
    row = host.row
    assert (row.status.value, row.error_code) == ("ERROR", "rate_limited")
    assert row.next_sync_at is not None and row.next_sync_at > now() + timedelta(seconds=590)


def test_a_failing_provider_is_tried_less_and_less_often(host: Host, site: Either) -> None:
    site.fail(
        listing(site),
        google_server.refusal(500, "backendError", "x") if isinstance(site, GoogleServer) else microsoft_server.refusal(500, "x"),
        times=3,
    )
    waits = []
    for _ in range(3):
        host.come_round()
        assert host.row.next_sync_at is not None
        waits.append(host.row.next_sync_at - now())
    assert waits[0] < waits[1] < waits[2] and host.row.failures == 3
    host.come_round()
    assert (host.row.status.value, host.row.failures) == ("ACTIVE", 0)


def test_a_token_that_is_refused_before_its_time_is_renewed_once(host: Host, site: Either) -> None:
    """Clocks differ: what should live for an hour is refused now."""
    site.expire_access(host.someone)
    host.busy("10:00", "10:30")
    host.sync()
    assert site.refreshes == 1
    assert host.row.status.value == "ACTIVE" and host.taken() == {"10:00"}


def test_a_booking_is_written_though_its_token_is_refused_before_its_time(host: Host, site: Either) -> None:
    booking = host.office.booked(host.event_type, at("10:00"))
    site.expire_access(host.someone)
    host.world.pump()
    assert site.refreshes == 1
    assert [start_of(event) for event in host.events()] == [instant("10:00")]
    site.expire_access(host.someone)
    assert host.office.cancel(booking).status == 200
    host.world.pump()
    assert host.events() == [] and host.row.status.value == "ACTIVE"


@pytest.mark.parametrize("is_revoked", [True, False])
def test_an_account_that_is_connected_again_keeps_its_new_grant_whatever_becomes_of_the_old_one(
    host: Host, site: Either, is_revoked: bool
) -> None:
    """A token is being fetched by the old grant when the new one comes."""
    old = site.revoked() if is_revoked else {"access_token": "of-the-old-grant", "expires_in": 3599, "token_type": "Bearer"}

    def connected_meanwhile() -> Any:
        assert connect(host.world, host.member, site, host.someone).body["id"] == host.connection
        return as_json(old, 400 if is_revoked else 200)

    host.set(expires_at=now() - timedelta(minutes=1))
    site.fail("POST /token" if isinstance(site, GoogleServer) else "POST /common", connected_meanwhile)
    entry = connection_tokens.account_access(system(host.member.organization_id), UUID(host.connection), 10)
    assert entry.version == host.row.token_version == 2, "the first connection's, and the second's"
    host.busy("10:00", "10:30")
    host.sync()
    assert host.row.status.value == "ACTIVE" and host.taken() == {"10:00"}


def test_a_sync_that_is_refused_says_nothing_of_the_account_that_was_connected_meanwhile(host: Host, site: Either) -> None:
    def connected_meanwhile() -> Any:
        assert connect(host.world, host.member, site, host.someone).body["id"] == host.connection
        return refuses(site, 401)

    site.fail(listing(site), refuses(site, 401))
    site.fail(listing(site), connected_meanwhile)
    host.busy("10:00", "10:30")
    calendar_sync.sync(system(host.member.organization_id), UUID(host.connection))
    assert (host.row.status.value, host.row.error_code) == ("ACTIVE", None)
    host.come_round()
    assert host.row.status.value == "ACTIVE" and host.taken() == {"10:00"}


def test_an_old_token_is_renewed_before_it_is_used(host: Host, site: Either) -> None:
    host.set(expires_at=now() - timedelta(minutes=1))
    host.sync()
    assert site.refreshes == 1 and not any("401" in request_line for request_line in site.requests)
    assert host.row.expires_at is not None and host.row.expires_at > now() + timedelta(minutes=50)
    # Microsoft's refresh token is another one each time; the next time needs the latest.
    host.set(expires_at=now())
    host.sync()
    assert site.refreshes == 2 and host.row.status.value == "ACTIVE"


def test_twenty_who_need_a_token_at_once_have_one_fetched(host: Host, site: Either) -> None:
    host.set(expires_at=now() - timedelta(minutes=1))
    site.refresh_takes = 0.4
    caller = system(host.member.organization_id)
    with ThreadPoolExecutor(20) as pool:
        entries = list(pool.map(lambda _: connection_tokens.account_access(caller, UUID(host.connection), 10), range(20)))
    assert site.refreshes == 1
    assert len({account_access.account.access_token for account_access in entries}) == 1  # type: ignore[union-attr]  # an OAuth account


def test_twenty_who_are_refused_at_once_fail_alike(host: Host, site: Either) -> None:
    host.set(expires_at=now() - timedelta(minutes=1))
    site.revoke(host.someone)

    def ask(_: int) -> ProviderErrorCode:
        with pytest.raises(ProviderError) as met:
            connection_tokens.account_access(system(host.member.organization_id), UUID(host.connection), 10)
        return met.value.code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {ProviderErrorCode.UNAUTHORIZED}


def test_a_withdrawn_grant_ends_the_connection_with_a_mail_and_consent_brings_it_back(host: Host, site: Either) -> None:
    host.busy("10:00", "10:30")
    host.sync()
    site.revoke(host.someone)
    sent = len(host.world.mails())
    host.come_round()
    assert (host.row.status.value, host.row.error_code, host.row.next_sync_at) == ("EXPIRED", "unauthorized", None)
    (mail,) = host.world.mails()[sent:]
    assert host.someone.email in SentMail(mail["raw"]).message["Subject"]
    shown = host.member.get(f"{CALENDARS}/{host.connection}").body
    assert (shown["status"], shown["error_code"]) == ("EXPIRED", "unauthorized")
    request_count = len(site.requests)
    host.world.invoke("scheduling/sweep_calendars", {})
    host.world.pump()
    assert len(site.requests) == request_count
    assert host.taken() == {"10:00"}  # its last word counts on
    booking = host.office.booked(host.event_type, at("12:00"))
    host.world.pump()

    assert connect(host.world, host.member, site, host.someone).body["id"] == host.connection
    host.world.pump()
    assert host.row.status.value == "ACTIVE" and host.taken() == {"10:00", "12:00"}
    host.world.invoke("scheduling/sweep_calendars", {})
    host.world.pump()
    assert [start_of(event) for event in host.events()] == [datetime.fromisoformat(booking["start_time"])]


def test_many_events_are_read_over_many_pages(host: Host, site: Either) -> None:
    site.page_size = 7
    for day in range(5):
        for hour in (9, 11, 13, 15):
            start = instant(f"{hour:02}:00") + timedelta(days=day)
            site.add_event(host.calendar, start, start + timedelta(minutes=30))
    host.sync()
    stored = host.member.rows(select(BusyTime.event_id).where(BusyTime.connection_id == UUID(host.connection)))
    assert len(stored) == 20 and host.taken() == {"09:00", "11:00", "13:00", "15:00"}


def test_a_notice_has_it_synced_at_once(host: Host, site: Either) -> None:
    from local.http_api import Request

    def push(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        home = url.partition("/v1/")[0]
        response = host.world.gateway.handle(Request("POST", url.removeprefix(home), tuple(headers.items()), body))
        return response.status, response.body

    site.push = push
    with transactions.transaction(system(host.member.organization_id)) as session:  # as when the day is over for which it was refused
        session.execute(update(ConnectedCalendar).values(channel_id=None, watched_until=None))
    host.sync()
    (calendar,) = host.member.rows(select(ConnectedCalendar).where(ConnectedCalendar.connection_id == UUID(host.connection)))
    assert calendar.channel_id is not None and calendar.watched_until > now() + timedelta(days=2)
    host.busy("10:00", "10:30")
    request_count = len(site.requests)
    for _ in range(5):
        assert set(site.notify(host.calendar)) == {202}
    host.world.pump()
    assert host.taken() == {"10:00"}
    assert len(site.requests) - request_count <= 2  # one sync of five notices
    watches = site.count("POST /calendar/v3/calendars") + site.count("POST /v1.0/subscriptions")
    host.come_round()
    assert site.count("POST /calendar/v3/calendars") + site.count("POST /v1.0/subscriptions") == watches


def test_what_was_written_before_an_account_was_taken_away_is_known_when_it_is_connected_again(host: Host, site: Either) -> None:
    booking = host.office.booked(host.event_type, at("10:00"))
    other = host.office.booked(host.event_type, at("14:00"))
    host.world.pump()
    assert host.member.delete(f"{CALENDARS}/{host.connection}").status == 204
    host.world.pump()
    assert host.office.cancel(other).status == 200
    host.world.pump()
    assert len(host.events()) == 2, "nobody is let in to take it out"
    again = connect(host.world, host.member, site, host.someone)
    assert again.status == 200, again.raw
    host.connection = again.body["id"]
    host.come_round()
    assert len(host.events()) == 1 and host.taken() == {"10:00"}
    moved = host.member.post(f"/v1/scheduling/bookings/{booking['id']}/reschedule", {"start_time": at("10:30")})
    assert moved.status == 201, moved.raw
    host.world.pump()
    host.sync()
    assert [start_of(event) for event in host.events()] == [instant("10:30")]
    assert host.office.cancel(moved.body).status == 200
    host.world.pump()
    host.sync()
    assert host.events() == [] and host.taken() == set()


def test_an_account_that_is_taken_away_in_the_midst_of_a_sync_keeps_nothing(host: Host, site: Either) -> None:
    def taken_away() -> Any:
        assert host.member.delete(f"{CALENDARS}/{host.connection}").status == 204
        return refuses(site, 401)

    host.busy("10:00", "10:30")
    site.fail(listing(site), taken_away)
    calendar_sync.sync(system(host.member.organization_id), UUID(host.connection))
    row = host.row
    assert (row.status.value, row.next_sync_at, row.access_token) == ("DISCONNECTED", None, None)
    assert host.taken() == set() and host.member.get(CALENDARS).body["items"] == []


def test_what_is_told_in_the_midst_of_a_sync_is_looked_at_after_it(host: Host, site: Either) -> None:
    """Of two syncs at once, one does the work."""

    def told_meanwhile() -> Any:
        request_count = len(site.requests)
        calendar_sync.sync(system(host.member.organization_id), UUID(host.connection))
        assert len(site.requests) == request_count
        return refuses(site, 401)  # and it begins again with another token

    host.busy("10:00", "10:30")
    site.fail(listing(site), told_meanwhile)
    calendar_sync.sync(system(host.member.organization_id), UUID(host.connection))
    row = host.row
    assert (row.status.value, host.taken()) == ("ACTIVE", {"10:00"})
    assert row.next_sync_at is not None and row.next_sync_at <= now()


def test_a_disconnected_calendar_keeps_nothing_and_hears_nothing(host: Host, site: Either) -> None:
    host.busy("10:00", "10:30")
    host.sync()
    assert host.member.delete(f"{CALENDARS}/{host.connection}").status == 204
    host.world.pump()
    assert host.taken() == set()
    assert (host.row.access_token, host.row.refresh_token) == (None, None)
