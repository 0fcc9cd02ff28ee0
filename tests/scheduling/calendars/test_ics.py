"""Calendars that strangers wrote, by an ICS address: what keeps somebody busy, and what keeps us busy for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from parley.calendars import dav, wire
from parley.calendars.answering import answer
from parley.calendars.protocol import (
    Busy,
    Changed,
    Changes,
    Discover,
    Discovered,
    FreeBusy,
    IcsAccount,
    InTrouble,
    Operation,
    Reply,
    Request,
)
from tests.harness import World
from tests.scheduling.calendars.caldav_server import calendar_of
from tests.scheduling.calendars.conftest import CALENDARS
from tests.scheduling.office import Office, at, weekday

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)


class Site:
    """One address that answers `body`; `/away` leads to `location`."""

    def __init__(self) -> None:
        self.body, self.location, self.conditional, self.is_gone = "", "", 0, False
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_away = self.path == "/away"
                is_known = self.headers.get("if-none-match") == site.etag
                site.conditional += is_known
                self.send_response(404 if site.is_gone else 302 if is_away else 304 if is_known else 200)
                for name, value in [("location", site.location)] if is_away else [("etag", site.etag)]:
                    self.send_header(name, value)
                sent = b"" if is_away or is_known else site.body.encode()
                self.send_header("content-length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def etag(self) -> str:
        return f'"{hash(self.body)}"'

    def ask(self, wanted: Operation, path: str = "/calendar.ics", seconds: float = 5.0) -> Reply:
        url = f"http://127.0.0.1:{self.server.server_port}{path}"
        return answer(Request(account=IcsAccount(url=url), wanted=wanted, seconds=seconds))

    def busy(self, *events: str) -> list[tuple[str, str]]:
        self.body = calendar_of(*events)
        reply = self.ask(FreeBusy(calendar_ids=["calendar"], start=START, end=END, timezones={"calendar": "America/New_York"}))
        assert isinstance(reply.answer, Busy), reply
        return sorted((f"{one.start:%m-%d %H:%M}", f"{one.end:%m-%d %H:%M}") for one in reply.answer.times)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_ENVIRONMENT", "local")


def trouble(reply: Reply) -> str:
    assert reply.trouble is not None, reply
    return reply.trouble.code.value


def test_a_series_keeps_its_wall_clock_but_for_what_was_moved_and_canceled(site: Site) -> None:
    zone = "TZID=America/New_York"
    series = f"UID:a\nDTSTART;{zone}:20270301T100000\nDTEND;{zone}:20270301T110000\nRRULE:FREQ=WEEKLY;COUNT=4"
    moved = f"UID:a\nRECURRENCE-ID;{zone}:20270308T100000\nDTSTART;{zone}:20270309T120000\nDTEND;{zone}:20270309T123000"
    off = f"UID:a\nRECURRENCE-ID;{zone}:20270322T100000\nDTSTART;{zone}:20270322T100000\nSTATUS:CANCELLED"
    told = site.busy(series, moved, off)
    assert told == [("03-01 15:00", "03-01 16:00"), ("03-09 17:00", "03-09 17:30"), ("03-15 14:00", "03-15 15:00")]


def test_a_day_is_one_of_the_owners_zone_and_what_is_free_or_canceled_is_not_there(site: Site) -> None:
    free = "UID:f\nDTSTART:20261202T100000Z\nDTEND:20261202T110000Z\nTRANSP:TRANSPARENT"
    off = "UID:c\nDTSTART:20261202T100000Z\nDTEND:20261202T110000Z\nSTATUS:CANCELLED"
    assert site.busy("UID:d\nDTSTART;VALUE=DATE:20261203", free, off) == [("12-03 05:00", "12-04 05:00")]


def test_what_has_not_changed_is_not_sent_again(site: Site) -> None:
    site.body = calendar_of("UID:d\nDTSTART:20261202T100000Z\nDTEND:20261202T110000Z")
    asked = Changes(calendar_id="calendar", sync_token=None, start=START, end=END)
    first = site.ask(asked).answer
    assert isinstance(first, Changed) and first.is_full and len(first.events) == 1
    again = site.ask(asked.model_copy(update={"sync_token": first.sync_token})).answer
    assert isinstance(again, Changed)
    assert (again.is_full, again.events, again.sync_token, site.conditional) == (False, [], first.sync_token, 1)


@pytest.mark.parametrize("location", ["https://169.254.169.254/latest", "https://10.0.0.1/", "http://192.0.2.7/", "file:///etc/passwd"])
def test_a_redirect_leads_to_no_address_that_we_would_not_ask_ourselves(site: Site, location: str) -> None:
    site.location = location
    assert trouble(site.ask(Discover(), "/away")) == "refused"


@pytest.mark.parametrize(
    "broken",
    [
        "DTSTART:20261202T100000Z\nRRULE:FREQ=WEEKLY;BYDAY=XX",
        "DTSTART:20261202T100000Z\nRRULE:INTERVAL=2",
        "SUMMARY:Never",
        "DTSTART:20261202T100000Z\nDURATION:P999999999D",
        "DTSTART;TZID=America/New_York:20261202T100000\nDTEND;TZID=America/New_York:99991231T235959",
        "DTSTART:20261202T100000Z\nDTSTART:20261203T100000Z\nDTEND:20261202T110000Z",
    ],
)
def test_an_event_that_nobody_understands_takes_no_other_with_it(site: Site, broken: str) -> None:
    series = "UID:s\nDTSTART:20261203T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2"
    moved = "UID:s\nRECURRENCE-ID:20261204T100000Z\nDTSTART:20261204T150000Z\nDURATION:PT1H"
    told = site.busy(f"UID:b\n{broken}", series, moved)
    assert told == [("12-03 10:00", "12-03 11:00"), ("12-04 15:00", "12-04 16:00")]


def test_what_is_written_without_a_zone_is_in_that_of_its_calendar(site: Site) -> None:
    floating = "UID:a\nDTSTART:20261202T100000\nDTEND:20261202T110000"
    assert site.busy(floating) == [("12-02 15:00", "12-02 16:00")]  # of the calendar's owner
    asked = FreeBusy(calendar_ids=["calendar"], start=START, end=END)
    site.body = calendar_of(floating, zone="X-WR-TIMEZONE:Asia/Kolkata\n")
    told = site.ask(asked).answer
    assert isinstance(told, Busy) and [f"{one.start:%H:%M}" for one in told.times] == ["04:30"]


def test_a_zone_of_their_own_is_gone_by(site: Site) -> None:
    rule = "BEGIN:{0}\nDTSTART:16010101T020000\nTZOFFSETFROM:{1}\nTZOFFSETTO:{2}\nRRULE:FREQ=YEARLY;BYMONTH={3};BYDAY={4}\nEND:{0}\n"
    rules = rule.format("STANDARD", "-0400", "-0500", 11, "1SU") + rule.format("DAYLIGHT", "-0500", "-0400", 3, "2SU")
    zone = f"BEGIN:VTIMEZONE\nTZID:Our Office\n{rules}END:VTIMEZONE\n"
    weekly = "UID:a\nDTSTART;TZID=Our Office:20270308T100000\nDTEND;TZID=Our Office:20270308T110000\nRRULE:FREQ=WEEKLY;COUNT=2"
    site.body = calendar_of(weekly, zone=zone)
    told = site.ask(FreeBusy(calendar_ids=["calendar"], start=START, end=END)).answer
    assert isinstance(told, Busy)
    assert sorted(f"{one.start:%m-%d %H:%M}" for one in told.times) == ["03-08 15:00", "03-15 14:00"]


def test_a_zone_by_its_name_at_microsoft_is_that_of_the_calendars_days(site: Site) -> None:
    zone = "BEGIN:VTIMEZONE\nTZID:W. Europe Standard Time\nBEGIN:STANDARD\nDTSTART:16010101T000000\n"
    zone += "TZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n"
    site.body = calendar_of("UID:d\nDTSTART;VALUE=DATE:20261203", zone=zone)
    found = site.ask(Discover()).answer
    assert isinstance(found, Discovered), found
    told = site.ask(FreeBusy(calendar_ids=["calendar"], start=START, end=END, timezones={"calendar": "America/New_York"})).answer
    assert isinstance(told, Busy) and [f"{one.start:%d %H:%M}" for one in told.times] == ["02 23:00"]


def test_what_an_exception_takes_out_is_free_in_whatever_zone_it_is_named(site: Site) -> None:
    series = "UID:a\nDTSTART:20261207T100000Z\nDTEND:20261207T110000Z\nRRULE:FREQ=DAILY;COUNT=4"
    told = site.busy(f"{series}\nEXDATE;TZID=Europe/Berlin:20261208T110000\nEXDATE:20261209T100000Z,20261210T100000Z")
    assert told == [("12-07 10:00", "12-07 11:00")]
    later = "UID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261209T100000Z\nDTSTART:20261209T120000Z\nDTEND:20261209T130000Z"
    assert [begins for begins, _ in site.busy(series, later)] == ["12-07 10:00", "12-08 10:00", "12-09 12:00", "12-10 12:00"]


def test_a_stream_may_hold_several_calendars(site: Site) -> None:
    first, second = "UID:a\nDTSTART:20261202T100000Z\nDURATION:PT1H", "UID:b\nDTSTART:20261203T100000Z\nDURATION:PT1H"
    site.body = calendar_of(first) + calendar_of(second)
    told = site.ask(FreeBusy(calendar_ids=["calendar"], start=START, end=END)).answer
    assert isinstance(told, Busy) and {one.uid for one in told.times} == {"a", "b"}


def test_a_calendar_is_connected_by_its_address_and_says_when_that_leads_nowhere(
    site: Site, world: World, office: Office, event_type: dict[str, Any]
) -> None:
    site.body = calendar_of(f"UID:d\nDTSTART:{at('10:00').replace('-', '').replace(':', '')}\nDURATION:PT30M")
    address = f"http://127.0.0.1:{site.server.server_port}/secret-of-mine.ics"
    made = office.host.post(CALENDARS, {"provider": "CUSTOM", "ics_url": address})
    assert (made.status, made.body["method"], made.body["is_primary"]) == (201, "ICS", False), made.raw
    assert "secret-of-mine" not in str(made.raw)
    path = f"{CALENDARS}/{made.body['id']}"
    world.pump()
    assert office.host.get(path).body["status"] == "ACTIVE"
    assert "10:00" not in office.starts(event_type, weekday(0))
    assert office.host.patch(path, {"is_primary": True}).body["code"] == "nothing_to_write_to"
    site.is_gone = True
    assert office.host.post(f"{path}/sync").status == 202
    world.pump()
    site.is_gone = False
    seen = office.host.get(path).body
    assert (seen["status"], seen["error_code"]) == ("EXPIRED", "unauthorized")
    assert "leads to nothing" in seen["error_message"] and "secret-of-mine" not in str(seen)
    assert "10:00" not in office.starts(event_type, weekday(0)), "what was known last counts"
    assert office.host.post(CALENDARS, {"provider": "CUSTOM", "ics_url": address}).body["id"] == made.body["id"]


def test_a_redirect_is_followed(site: Site) -> None:
    site.body, site.location = calendar_of("UID:d\nDTSTART:20261202T100000Z"), "calendar.ics#top"
    assert isinstance(site.ask(Discover(), "/away").answer, Discovered)


def test_a_redirect_without_end_ends(site: Site) -> None:
    site.location = "/away"
    assert trouble(site.ask(Discover(), "/away")) == "refused"


def test_what_is_no_calendar_or_too_large_is_none(site: Site) -> None:
    for body in ("", "<html>", "BEGIN:VCARD\r\nEND:VCARD\r\n"):
        site.body = body
        assert trouble(site.ask(Discover())) == "refused"
    site.body = "x" * (wire.LARGEST_ANSWER + 1)
    assert trouble(site.ask(Discover())) == "unavailable"


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=DAILY;INTERVAL=0"])
def test_a_rule_that_is_no_meetings_is_left_out(site: Site, rule: str) -> None:
    assert len(site.busy(f"UID:r\nDTSTART:20261202T100000Z\nDURATION:PT1H\nRRULE:{rule}")) <= 1


def test_reading_ends_with_the_time_that_there_is(site: Site) -> None:
    """A rule that never comes true is looked for until the year 9999: 10 seconds an event."""
    site.body = calendar_of("UID:r\nDTSTART:20200101T000000Z\nRRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30")
    began = time.monotonic()
    wanted = FreeBusy(calendar_ids=["calendar"], start=START, end=START + timedelta(days=9))
    assert trouble(site.ask(wanted, seconds=0.5)) == "timed_out"
    assert time.monotonic() - began < 3


def test_entities_in_the_xml_of_a_server_are_refused() -> None:
    laughs = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><D:multistatus xmlns:D="DAV:">&b;</D:multistatus>'
    with pytest.raises(InTrouble):
        dav.parse(laughs.encode())
