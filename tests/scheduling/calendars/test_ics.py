"""Calendars that strangers wrote, by an ICS address: what keeps somebody busy, and what keeps us busy for ever."""

from __future__ import annotations

from typing import Any

import pytest

from parley.calendar_providers import provider_http, webdav
from parley.calendar_providers.provider_protocol import (
    ChangesResult,
    Discover,
    DiscoveryResult,
    FreeBusy,
    FreeBusyResult,
    ProviderError,
    ProviderReply,
    ReadChanges,
)
from tests.harness import World
from tests.scheduling.booking_scenarios import Office, at, weekday
from tests.scheduling.calendars.caldav_server import calendar_of
from tests.scheduling.calendars.conftest import CALENDARS
from tests.scheduling.calendars.ics_server import END, START, Site

pytestmark = pytest.mark.usefixtures("on_this_machine")


def trouble(reply: ProviderReply) -> str:
    assert reply.trouble is not None, reply
    return reply.trouble.code.value


def test_a_series_keeps_its_wall_clock_but_for_what_was_moved_and_canceled(site: Site) -> None:
    zone = "TZID=America/New_York"
    series = f"UID:a\nDTSTART;{zone}:20270301T100000\nDTEND;{zone}:20270301T110000\nRRULE:FREQ=WEEKLY;COUNT=4"
    moved = f"UID:a\nRECURRENCE-ID;{zone}:20270308T100000\nDTSTART;{zone}:20270309T120000\nDTEND;{zone}:20270309T123000"
    off = f"UID:a\nRECURRENCE-ID;{zone}:20270322T100000\nDTSTART;{zone}:20270322T100000\nSTATUS:CANCELLED"
    busy_times = site.busy(series, moved, off)
    assert busy_times == [("03-01 15:00", "03-01 16:00"), ("03-09 17:00", "03-09 17:30"), ("03-15 14:00", "03-15 15:00")]


def test_a_day_is_one_of_the_owners_zone_and_what_is_free_or_canceled_is_not_there(site: Site) -> None:
    free = "UID:f\nDTSTART:20261202T100000Z\nDTEND:20261202T110000Z\nTRANSP:TRANSPARENT"
    off = "UID:c\nDTSTART:20261202T100000Z\nDTEND:20261202T110000Z\nSTATUS:CANCELLED"
    assert site.busy("UID:d\nDTSTART;VALUE=DATE:20261203", free, off) == [("12-03 05:00", "12-04 05:00")]


def test_what_has_not_changed_is_not_sent_again(site: Site) -> None:
    site.body = calendar_of("UID:d\nDTSTART:20261202T100000Z\nDTEND:20261202T110000Z")
    read_changes = ReadChanges(calendar_id="calendar", sync_token=None, start=START, end=END)
    first = site.ask(read_changes).answer
    assert isinstance(first, ChangesResult) and first.is_full and len(first.events) == 1
    again = site.ask(read_changes.model_copy(update={"sync_token": first.sync_token})).answer
    assert isinstance(again, ChangesResult)
    assert (again.is_full, again.events, again.sync_token, site.conditional) == (False, [], first.sync_token, 1)


@pytest.mark.parametrize("location", ["https://169.254.169.254/latest", "https://10.0.0.1/", "http://192.0.2.7/", "file:///etc/passwd"])
def test_a_redirect_leads_to_no_address_that_we_would_not_ask_ourselves(site: Site, location: str) -> None:
    site.location = location
    assert trouble(site.ask(Discover(), "/away")) == "refused"


@pytest.mark.parametrize(
    ("broken", "kept"),
    [
        ("DTSTART:20261202T100000Z\nRRULE:FREQ=WEEKLY;BYDAY=XX;COUNT=1", []),  # of no length
        ("DTSTART:20261202T100000Z\nRRULE:INTERVAL=2", []),
        ("SUMMARY:Never", []),
        ("DTSTART:20261202T100000Z\nDURATION:P999999999D", [("12-02 10:00", "04-01 00:00")]),
        (
            "DTSTART;TZID=America/New_York:20261202T100000\nDTEND;TZID=America/New_York:99991231T235959",
            [("12-02 15:00", "12-31 23:59")],
        ),
        ("DTSTART:20261202T100000Z\nDTSTART:20261203T100000Z\nDTEND:20261202T110000Z", [("12-02 10:00", "12-02 11:00")]),
    ],
)
def test_an_event_that_nobody_understands_takes_no_other_with_it(site: Site, broken: str, kept: list[tuple[str, str]]) -> None:
    series = "UID:s\nDTSTART:20261203T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2"
    moved = "UID:s\nRECURRENCE-ID:20261204T100000Z\nDTSTART:20261204T150000Z\nDURATION:PT1H"
    busy_times = site.busy(f"UID:b\n{broken}", series, moved)
    assert busy_times == [*kept, ("12-03 10:00", "12-03 11:00"), ("12-04 15:00", "12-04 16:00")]


def test_what_is_written_without_a_zone_is_in_that_of_its_calendar(site: Site) -> None:
    floating = "UID:a\nDTSTART:20261202T100000\nDTEND:20261202T110000"
    assert site.busy(floating) == [("12-02 15:00", "12-02 16:00")]  # of the calendar's owner
    free_busy = FreeBusy(calendar_ids=["calendar"], start=START, end=END)
    site.body = calendar_of(floating, zone="X-WR-TIMEZONE:Asia/Kolkata\n")
    answer = site.ask(free_busy).answer
    assert isinstance(answer, FreeBusyResult) and [f"{busy_time.start:%H:%M}" for busy_time in answer.times] == ["04:30"]


def test_a_zone_of_their_own_is_gone_by(site: Site) -> None:
    rule = "BEGIN:{0}\nDTSTART:16010101T020000\nTZOFFSETFROM:{1}\nTZOFFSETTO:{2}\nRRULE:FREQ=YEARLY;BYMONTH={3};BYDAY={4}\nEND:{0}\n"
    rules = rule.format("STANDARD", "-0400", "-0500", 11, "1SU") + rule.format("DAYLIGHT", "-0500", "-0400", 3, "2SU")
    zone = f"BEGIN:VTIMEZONE\nTZID:Our Office\n{rules}END:VTIMEZONE\n"
    weekly = "UID:a\nDTSTART;TZID=Our Office:20270308T100000\nDTEND;TZID=Our Office:20270308T110000\nRRULE:FREQ=WEEKLY;COUNT=2"
    site.body = calendar_of(weekly, zone=zone)
    answer = site.ask(FreeBusy(calendar_ids=["calendar"], start=START, end=END)).answer
    assert isinstance(answer, FreeBusyResult)
    assert sorted(f"{busy_time.start:%m-%d %H:%M}" for busy_time in answer.times) == ["03-08 15:00", "03-15 14:00"]


def test_a_zone_by_its_name_at_microsoft_is_that_of_the_calendars_days(site: Site) -> None:
    zone = "BEGIN:VTIMEZONE\nTZID:W. Europe Standard Time\nBEGIN:STANDARD\nDTSTART:16010101T000000\n"
    zone += "TZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n"
    site.body = calendar_of("UID:d\nDTSTART;VALUE=DATE:20261203", zone=zone)
    discovery = site.ask(Discover()).answer
    assert isinstance(discovery, DiscoveryResult), discovery
    answer = site.ask(FreeBusy(calendar_ids=["calendar"], start=START, end=END, timezones={"calendar": "America/New_York"})).answer
    assert isinstance(answer, FreeBusyResult) and [f"{busy_time.start:%d %H:%M}" for busy_time in answer.times] == ["02 23:00"]


def test_what_an_exception_takes_out_is_free_in_whatever_zone_it_is_named(site: Site) -> None:
    series = "UID:a\nDTSTART:20261207T100000Z\nDTEND:20261207T110000Z\nRRULE:FREQ=DAILY;COUNT=4"
    busy_times = site.busy(f"{series}\nEXDATE;TZID=Europe/Berlin:20261208T110000\nEXDATE:20261209T100000Z,20261210T100000Z")
    assert busy_times == [("12-07 10:00", "12-07 11:00")]
    later = "UID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261209T100000Z\nDTSTART:20261209T120000Z\nDTEND:20261209T130000Z"
    assert [begins for begins, _ in site.busy(series, later)] == ["12-07 10:00", "12-08 10:00", "12-09 12:00", "12-10 12:00"]


def test_a_stream_may_hold_several_calendars(site: Site) -> None:
    first, second = "UID:a\nDTSTART:20261202T100000Z\nDURATION:PT1H", "UID:b\nDTSTART:20261203T100000Z\nDURATION:PT1H"
    site.body = calendar_of(first) + calendar_of(second)
    answer = site.ask(FreeBusy(calendar_ids=["calendar"], start=START, end=END)).answer
    assert isinstance(answer, FreeBusyResult) and {busy_time.uid for busy_time in answer.times} == {"a", "b"}


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


def test_a_connection_says_how_many_events_were_not_understood_and_what_was_known_of_them_counts(
    site: Site, office: Office, world: World, event_type: dict[str, Any]
) -> None:
    def event(name: str, begins: str) -> str:
        return f"UID:{name}\nDTSTART:{begins.replace('-', '').replace(':', '')}\nDURATION:PT30M\nSUMMARY:A secret title"

    site.body = calendar_of(event("a", at("10:00")), event("b", at("11:00")))
    made = office.host.post(CALENDARS, {"provider": "CUSTOM", "ics_url": f"http://127.0.0.1:{site.server.server_port}/a.ics"})
    path = f"{CALENDARS}/{made.body['id']}"
    world.pump()
    assert (office.host.get(path).body["unclear_events"], office.host.get(path).body["status"]) == (0, "ACTIVE")

    site.body = calendar_of(event("a", "tomorrow"), event("b", at("11:00")) + "\nEXDATE:nonsense", event("c", at("12:00")))
    assert office.book(event_type, at("10:00")).body["code"] == "slot_taken", "what was known, while it is booked"
    assert office.host.post(f"{path}/sync").status == 202
    world.pump()
    seen = office.host.get(path).body
    assert (seen["status"], seen["unclear_events"], seen["calendars"][0]["unclear_events"]) == ("ACTIVE", 2, 2)
    assert [item["unclear_events"] for item in office.host.get(CALENDARS).body["items"] if item["id"] == made.body["id"]] == [2]
    assert "secret title" not in str(seen)
    assert not {"10:00", "11:00", "12:00"} & set(office.starts(event_type, weekday(0)))

    site.body = calendar_of(event("c", at("12:00")))
    assert office.host.post(f"{path}/sync").status == 202
    world.pump()
    assert office.host.get(path).body["unclear_events"] == 0
    assert {"10:00", "11:00"} <= set(office.starts(event_type, weekday(0)))


def test_a_redirect_is_followed(site: Site) -> None:
    site.body, site.location = calendar_of("UID:d\nDTSTART:20261202T100000Z"), "calendar.ics#top"
    assert isinstance(site.ask(Discover(), "/away").answer, DiscoveryResult)


def test_a_redirect_without_end_ends(site: Site) -> None:
    site.location = "/away"
    assert trouble(site.ask(Discover(), "/away")) == "refused"


def test_what_is_no_calendar_or_too_large_is_none(site: Site) -> None:
    for body in ("", "<html>", "BEGIN:VCARD\r\nEND:VCARD\r\n"):
        site.body = body
        assert trouble(site.ask(Discover())) == "refused"
    site.body = "x" * (provider_http.LARGEST_ANSWER + 1)
    assert trouble(site.ask(Discover())) == "unavailable"


def test_entities_in_the_xml_of_a_server_are_refused() -> None:
    laughs = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><D:multistatus xmlns:D="DAV:">&b;</D:multistatus>'
    with pytest.raises(ProviderError):
        webdav.parse(laughs.encode())
