"""Calendars that strangers wrote, by an ICS address: what keeps somebody busy, and what keeps us busy for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from parley.calendars import dav, wire
from parley.calendars.answering import answer
from parley.calendars.protocol import Busy, Changed, Changes, Discover, FreeBusy, IcsAccount, InTrouble, Operation, Reply, Request
from tests.scheduling.calendars.caldav_server import calendar_of

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)


class Site:
    """One address that answers `body`; `/away` leads to `location`."""

    def __init__(self) -> None:
        self.body, self.location, self.conditional = "", "", 0
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_away = self.path == "/away"
                is_known = self.headers.get("if-none-match") == site.etag
                site.conditional += is_known
                self.send_response(302 if is_away else 304 if is_known else 200)
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
