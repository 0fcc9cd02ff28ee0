"""When in doubt, busy: what strangers' programs write, read by the function that asks calendars."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from parley.calendar_providers import icalendar_busy_times
from parley.calendar_providers.provider_protocol import ChangedEvent, FreeBusy, FreeBusyResult
from tests.scheduling.calendars.caldav_server import calendar_of
from tests.scheduling.calendars.ics_server import END, START, Site

pytestmark = pytest.mark.usefixtures("on_this_machine")

TIMES = "DTSTART:20270301T100000Z\nDTEND:20270301T110000Z"
FIRST = ("03-01 10:00", "03-01 11:00")


def hour(day: int, begins: str = "10:00", ends: str = "11:00") -> tuple[str, str]:
    return f"03-{day:02} {begins}", f"03-{day:02} {ends}"


def fixed_zone(name: str, offset: str) -> str:
    rule = f"BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD\n"
    return f"BEGIN:VTIMEZONE\nTZID:{name}\n{rule}END:VTIMEZONE\n"


def starts(content: str, timezone: str = "UTC") -> list[str]:
    busy_events = icalendar_busy_times.busy(icalendar_busy_times.parse_calendars(content.encode()), START, END, timezone)
    return sorted(f"{begins:%m-%d %H:%M}" for kept in busy_events.values() for begins, _ in kept.times)


# --- one calendar's words are its own ----------------------------------------------------------------------------------------------------


def test_a_zone_that_one_calendar_defines_is_nobody_elses(site: Site) -> None:
    event = "UID:a\nDTSTART;TZID=Customized Time Zone:20270301T100000\nDURATION:PT1H"
    east, west = (fixed_zone("Customized Time Zone", offset) for offset in ("+0500", "-0800"))
    for zone, begins in ((east, "05:00"), (west, "18:00"), (east, "05:00"), ("", "15:00"), (west, "18:00"), ("", "15:00")):
        assert [start for start, _ in site.busy(event, zone=zone)] == [f"03-01 {begins}"]


def test_two_calendars_of_one_stream_have_each_its_own_zones() -> None:
    event = "UID:{0}\nDTSTART;TZID=Ours:20270301T100000\nDURATION:PT1H"
    first, second = (calendar_of(event.format(at), zone=fixed_zone("Ours", at)) for at in ("+0500", "-0800"))
    assert starts(first + second) == ["03-01 05:00", "03-01 18:00"]


def test_calendars_of_many_tenants_in_any_order_are_read_as_each_one_alone() -> None:
    """A thousand rounds in one process; what each of them is alone was told by a reader that had seen no other."""
    chance = random.Random(3)
    names = ["Customized Time Zone", "Ours", "Eastern Standard Time", "/x.example/Office", "Foo/Bar"]
    calendars: list[tuple[str, list[str]]] = []
    for hours in range(-11, 13):
        name, begins = names[hours % len(names)], datetime(2027, 3, 1, 10, tzinfo=UTC) - timedelta(hours=hours)
        own = f"UID:a\nDTSTART;TZID={name}:20270301T100000\nDURATION:PT1H"
        event = f"UID:b\nDTSTART:20270301T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT={hours % 3 + 1}"
        text = calendar_of(own, event, zone=fixed_zone(name, f"{'+' if hours >= 0 else '-'}{abs(hours):02}00"))
        alone = [f"{begins:%m-%d %H:%M}", *(f"03-{1 + n:02} 10:00" for n in range(hours % 3 + 1))]
        calendars.append((text, sorted(alone)))
    for name, clock in [("Customized Time Zone", "10:00"), ("Foo/Bar", "10:00"), ("Eastern Standard Time", "15:00")]:
        calendars.append((calendar_of(f"UID:a\nDTSTART;TZID={name}:20270301T100000\nDURATION:PT1H"), [f"03-01 {clock}"]))
    for _ in range(1000):
        text, alone = chance.choice(calendars)
        assert starts(text) == alone


def test_strangers_calendars_are_read_by_no_library_that_remembers() -> None:
    """`icalendar` keeps zones for the life of a process, and `dateutil.tz` what it made: they may write, and not read."""
    forbidden = re.compile(r"from_ical|tzical|dateutil|\btzp\b|recurring_ical_events|x_wr_timezone|vobject")
    root = Path(__file__).parents[3]
    for file in [*(root / "shared/parley").rglob("*.py"), *(root / "functions").rglob("*.py")]:
        assert not forbidden.search(file.read_text()), file


# --- what can be read counts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone_name", "begins"),
    [
        ("Eastern Standard Time", "15:00"),
        ("Foo/Bar", "15:00"),  # of the owner, New York
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "09:00"),
        ("(GMT-06:00) Central Time (US & Canada)", "16:00"),
        ("(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi", "04:30"),
        ("(UTC+03:00) Nowhere", "07:00"),
        ("UTC-06:00", "16:00"),
        ("GMT+0530", "04:30"),
        ("+02:00", "08:00"),
        ("Etc/GMT+2", "12:00"),
        ("/freeassociation.sourceforge.net/Europe/Berlin", "09:00"),
        ("/mozilla.org/20050126_1/America/Argentina/Buenos_Aires", "13:00"),
        ("tzone://Microsoft/Utc", "10:00"),
        ("../../etc/passwd", "15:00"),
        ("A" * 5000, "15:00"),
    ],
)
def test_the_name_of_a_zone_is_understood_or_counts_as_not_said(site: Site, zone_name: str, begins: str) -> None:
    named = f'UID:a\nDTSTART;TZID="{zone_name}":20270301T100000\nDURATION:PT1H'
    assert [start for start, _ in site.busy(named)] == [f"03-01 {begins}"]
    floating = "UID:a\nDTSTART:20270301T100000\nDURATION:PT1H"
    assert [start for start, _ in site.busy(floating, "UID:b\n" + TIMES, zone=f"X-WR-TIMEZONE:{zone_name}\n")].count(f"03-01 {begins}") >= 1
    assert FIRST in site.busy("UID:b\n" + TIMES, zone=f"X-WR-TIMEZONE:{zone_name}\n")


DAILY = f"UID:s\n{TIMES}\nRRULE:FREQ=DAILY;COUNT=3"
THREE = [hour(1), hour(2), hour(3)]


@pytest.mark.parametrize(
    ("bad", "kept", "is_clear"),
    [
        ("EXDATE:", THREE, True),
        ("EXDATE:nonsense", THREE, False),
        ("EXDATE:nonsense,20270302T100000Z", [hour(1), hour(3)], False),
        ("EXDATE;TZID=No/Where:20270302T100000", [hour(1), hour(3)], False),  # by the clock of its series
        ("EXDATE;VALUE=DATE:20270302", [hour(1), hour(3)], True),
        ("EXDATE;VALUE=PERIOD:x/y", THREE, False),
        ("RDATE:nonsense", THREE, False),
        ("RDATE:20270309T100000Z,what", [*THREE, hour(9)], False),
        ("RDATE;VALUE=PERIOD:20270309T100000Z/PT2H", [*THREE, hour(9, "10:00", "12:00")], True),
        ("RDATE;VALUE=PERIOD:20270301T100000Z/PT2H", [hour(1), hour(1, "10:00", "12:00"), hour(2), hour(3)], True),
        ("RDATE;VALUE=PERIOD:20270309T100000Z/PT", [*THREE, hour(9)], False),
        ("RRULE:", THREE, False),
        ("RRULE:FREQ=SOMETIMES", THREE, False),
        ("DURATION:nonsense", THREE, True),  # it has a DTEND
        ("RECURRENCE-ID:nonsense", THREE, False),
        ("SEQUENCE:x", THREE, True),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:", THREE, True),
        ('X-ANYTHING;A="b:one\nDTSTAMP:never\nGEO:1\nCLASS;;;:', THREE, True),
    ],
)
def test_a_value_that_nobody_understands_frees_no_series(site: Site, bad: str, kept: list[tuple[str, str]], is_clear: bool) -> None:
    assert site.busy(f"{DAILY}\n{bad}") == kept
    (event,) = site.changed(calendar_of(f"{DAILY}\n{bad}"), timezone="America/New_York").events
    assert (event.is_clear, event.is_known) == (is_clear, True)


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ("DTSTART:20270301T100000Z\nDTEND:nonsense", [FIRST]),
        ("DTSTART:20270301T100000Z\nDURATION:P", [FIRST]),
        ("DTSTART:nonsense\nDTEND:20270301T110000Z", [FIRST]),
        ("DTSTART:20270301T110000Z\nDTEND:20270301T100000Z", [FIRST]),
        ("DTSTART:20270301T110000Z\nDURATION:-PT1H", [FIRST]),
        ("DTSTART:20270301T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=never;COUNT=1", [FIRST]),
        ("DTSTART:2027-03-01T10:00:00Z\nDTEND:2027-03-01T11:00:00Z", [FIRST]),
        ('DTSTART;TZID="UTC:20270301T100000\nDURATION:PT1H', [hour(1, "15:00", "16:00")]),
        ("dtstart:20270301T100000z\nDuration:pt1h", [FIRST]),
    ],
)
def test_what_can_be_read_of_an_event_counts(site: Site, event: str, kept: list[tuple[str, str]]) -> None:
    assert site.busy(f"UID:a\n{event}") == kept


def test_an_event_of_which_nothing_is_known_is_counted_and_keeps_what_was_known() -> None:
    busy_events = icalendar_busy_times.busy(
        icalendar_busy_times.parse_calendars(calendar_of("UID:a\nSUMMARY:When?", f"UID:b\n{TIMES}").encode()), START, END, "UTC"
    )
    assert [(uid, len(kept.times), kept.is_clear, kept.is_known) for uid, kept in busy_events.items()] == [
        ("a", 0, False, False),
        ("b", 1, True, True),
    ]


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ("DTSTART;VALUE=DATE:20270301\nDTEND;VALUE=DATE:20270301", [("03-01 05:00", "03-02 05:00")]),
        ("DTSTART;VALUE=DATE:20270301\nDTEND;VALUE=DATE:20270228", [("03-01 05:00", "03-02 05:00")]),
        ("DTSTART;VALUE=DATE:20270301\nDURATION:PT1H", [("03-01 05:00", "03-02 05:00")]),
        ("DTSTART;VALUE=DATE:20270301\nDTEND;VALUE=DATE:20270303", [("03-01 05:00", "03-03 05:00")]),
        ("DTSTART;VALUE=DATE:20270301T000000\nDTEND;VALUE=DATE:20270302T000000", [("03-01 05:00", "03-02 05:00")]),
        ("DTSTART;VALUE=DATE:20270301T000000\nDTEND;VALUE=DATE:20270301T020000", [("03-01 05:00", "03-01 07:00")]),
        ("DTSTART:20270301T100000Z\nDTEND:20270301T100000Z", []),
        ("DTSTART:20270301T100000Z", []),
    ],
)
def test_a_day_is_a_day_and_a_moment_is_none(site: Site, event: str, kept: list[tuple[str, str]]) -> None:
    assert site.busy(f"UID:a\n{event}") == kept


@pytest.mark.parametrize(
    "damage",
    [
        "X-WR-CALDESC:one\ntwo three\n",
        "BEGIN:VTODO\nDTSTART:x\nRRULE:y\n",
        "BEGIN:VTIMEZONE\nTZID:Unused\nBEGIN:STANDARD\nDTSTART:never\nEND:STANDARD\nEND:VTIMEZONE\n",
        "END:VEVENT\nEND:NOTHING\n",
        "\x0b\x00;;;:::\n=\n",
        "CALSCALE:JULIAN\nVERSION:9\n",
        "BEGIN:VALARM\nTRIGGER:-PT\n",
    ],
)
def test_damage_beside_an_event_is_of_no_interest(site: Site, damage: str) -> None:
    assert site.busy(f"UID:a\n{TIMES}", zone=damage) == [FIRST]


def test_an_event_that_was_never_closed_takes_no_other_with_it() -> None:
    text = calendar_of(f"UID:a\n{TIMES}", "UID:b\nDTSTART:20270302T100000Z\nDURATION:PT1H").replace("END:VEVENT\r\n", "", 1)
    assert starts(text) == ["03-01 10:00", "03-02 10:00"]


def test_a_reminder_inside_an_event_says_nothing_of_its_times(site: Site) -> None:
    alarm = "BEGIN:VALARM\nTRIGGER:-PT15M\nDURATION:PT5H\nREPEAT:2\nATTENDEE;PARTSTAT=DECLINED:mailto:x\nEND:VALARM"
    assert site.busy(f"UID:a\nDTSTART:20270301T100000Z\n{alarm}\nDURATION:PT1H") == [FIRST]


def test_events_that_were_given_one_name_are_all_there_and_revisions_are_one(site: Site) -> None:
    event = "UID:same\nDTSTART:2027030{0}T100000Z\nDURATION:PT1H{1}"
    assert site.busy(*(event.format(day, "") for day in (1, 2, 3))) == THREE
    assert site.busy(event.format(1, "\nSEQUENCE:1"), event.format(2, "\nSEQUENCE:3"), event.format(3, "")) == [hour(2)]
    assert site.busy(event.format(1, "\nSEQUENCE:x"), event.format(2, "\nSEQUENCE:3")) == [hour(1), hour(2)]


def test_an_instance_that_a_newer_revision_takes_out_is_gone(site: Site) -> None:
    moved = "UID:s\nRECURRENCE-ID:20270302T100000Z\nDTSTART:20270302T150000Z\nDURATION:PT1H\nSEQUENCE:{}"
    series = f"{DAILY}\nSEQUENCE:2\nEXDATE:20270302T100000Z"
    assert site.busy(series, moved.format(1)) == [hour(1), hour(3)]
    assert site.busy(series, moved.format(2)) == [hour(1), hour(2, "15:00", "16:00"), hour(3)]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("FREQ=DAILY;UNTIL=20270303", THREE),  # the last day is one of them
        ("FREQ=DAILY;UNTIL=20270303T100000Z", THREE),
        ("FREQ=DAILY;UNTIL=20270303T095959Z", THREE[:2]),
        ("FREQ=WEEKLY;BYDAY=XX;UNTIL=20270309", [hour(1), hour(8)]),
        ("INTERVAL=2", THREE[:1]),
        (r"FREQ=DAILY\;COUNT=3", THREE),  # escaped as in a text
    ],
)
def test_until_a_day_is_until_its_end(site: Site, rule: str, kept: list[tuple[str, str]]) -> None:
    assert site.busy(f"UID:a\n{TIMES}\nRRULE:{rule}") == kept


@pytest.mark.parametrize(
    ("more", "is_free"),
    [
        ("X-MICROSOFT-CDO-BUSYSTATUS:FREE", True),
        ("X-MICROSOFT-CDO-BUSYSTATUS:FREE\nTRANSP:OPAQUE", False),
        ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", False),
        ("X-MICROSOFT-CDO-BUSYSTATUS:BUSY\nTRANSP:TRANSPARENT", True),
        ("TRANSP:PERHAPS", False),
        ("STATUS:TENTATIVE", False),
        ("STATUS:CANCELED", True),
    ],
)
def test_the_standards_word_counts_and_outlooks_where_there_is_none(site: Site, more: str, is_free: bool) -> None:
    assert site.busy(f"UID:a\n{TIMES}\n{more}") == ([] if is_free else [FIRST])


# --- what it costs -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("series", "kept"),
    [
        ("DTSTART:20270301T100000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY;UNTIL=20270301T120000Z", None),
        ("DTSTART:20270301T100000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY", ("03-01 10:00", "04-01 00:00")),
        ("DTSTART:20200101T100000Z\nDURATION:PT1M\nRRULE:FREQ=SECONDLY", ("11-01 00:00", "04-01 00:00")),
    ],
)
def test_a_series_that_costs_too_much_is_busy_from_its_first_time_to_its_last(
    site: Site, series: str, kept: tuple[str, str] | None
) -> None:
    busy_times = site.busy(f"UID:a\n{series}", f"UID:b\n{TIMES}")
    assert FIRST in busy_times and (kept is None or kept in busy_times)
    assert {event.event_id for event in site.changed(calendar_of(f"UID:a\n{series}")).events if not event.is_clear} <= {"a"}


@pytest.mark.parametrize("rule", ["FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=SECONDLY", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYMONTH=6"])
def test_a_rule_that_keeps_no_time_costs_none(site: Site, rule: str) -> None:
    assert site.busy(f"UID:r\nDTSTART:20200101T000000Z\nRRULE:{rule}") == []


def test_a_calendar_of_thousands_of_series_ends_in_what_is_known_and_busy(site: Site) -> None:
    """Reading counts its steps: what is beyond them is busy, and no trouble. In the window of a sync, all of them daily since 1970."""
    series = [f"UID:{n}\nDTSTART:19700101T{n % 24:02}0000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY" for n in range(4000)]
    changed = site.changed(calendar_of(*series, f"UID:last\n{TIMES}"))
    whole = {event.event_id: event for event in changed.events}
    assert len(whole["last"].times) == 1 and whole["0"].is_clear
    assert sum(len(event.times) for event in changed.events) <= 4 * 5000 + 10_000
    assert all(_covers(event) or whole["others"].times for event in changed.events)


def _covers(event: ChangedEvent) -> bool:
    return bool(event.times)


# --- a sync, and a booking ---------------------------------------------------------------------------------------------------------------


def test_what_a_sync_has_read_is_not_read_again_while_somebody_waits(site: Site) -> None:
    token = site.changed(calendar_of(f"UID:a\n{TIMES}")).sync_token
    wanted = FreeBusy(calendar_ids=["calendar"], start=START, end=END, sync_tokens={"calendar": token or ""})
    site.conditional = 0
    reply = site.ask(wanted).answer
    assert isinstance(reply, FreeBusyResult) and (reply.times, reply.is_beside, site.conditional) == ([], True, 1)
    site.body = calendar_of("UID:a\nDTSTART:20270302T100000Z\nDURATION:PT1H")
    reply = site.ask(wanted).answer
    assert isinstance(reply, FreeBusyResult) and ([f"{busy_time.start:%d}" for busy_time in reply.times], reply.is_beside) == (
        ["02"],
        False,
    )


def test_a_file_that_stops_before_its_end_takes_nothing_away(site: Site) -> None:
    changed = site.changed(calendar_of(f"UID:a\n{TIMES}", "UID:b\nDTSTART:20270302T1").partition("END:VEVENT\r\nEND:VCAL")[0])
    assert changed.is_cut
    assert {event.event_id: (len(event.times), event.is_clear) for event in changed.events}["a"] == (1, True)


# --- what other programs write, too ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_calendar_in_another_encoding_is_read(encoding: str) -> None:
    busy_events = icalendar_busy_times.busy(
        icalendar_busy_times.parse_calendars(calendar_of(f"UID:a\n{TIMES}").encode(encoding)), START, END, "UTC"
    )
    assert len(busy_events["a"].times) == 1


@pytest.mark.parametrize(
    ("event", "begins"),
    [
        ("DTSTART;TZID=GMT+01:00:20270301T100000\nDURATION:PT1H", ["03-01 09:00"]),
        ("DTSTART;TZID=(UTC+01:00) Amsterdam, Berlin:20270330T100000\nDURATION:PT1H", ["03-30 08:00"]),
        ("DTSTART;TZID=europe/berlin:20270330T100000\nDURATION:PT1H", ["03-30 08:00"]),
        ("DTSTART;TZID=w. europe standard time:20270330T100000\nDURATION:PT1H", ["03-30 08:00"]),
        ("DTSTART:20270301T100000Z\n\x0b\x0cDTEND:20270301T110000Z", ["03-01 10:00"]),
        ("BEGIN:VALARM\nACTION:DISPLAY\nDTSTART:20270301T100000Z\nDTEND:20270301T110000Z", ["03-01 10:00"]),
        ("DTSTART:20100101T000000Z\nDURATION:P3000D\nRRULE:FREQ=YEARLY;COUNT=12", ["11-01 00:00"]),
    ],
)
def test_what_is_written_oddly_keeps_its_time(event: str, begins: list[str]) -> None:
    assert starts(calendar_of(f"UID:a\n{event}")) == begins


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ("DTSTART;TZID=Europe/Berlin:20270328T023000\nDURATION:PT1H", ("03-28 01:30", "03-28 02:30")),
        ("DTSTART;TZID=Europe/Berlin:20270328T023000\nDTEND;TZID=Europe/Berlin:20270328T033000", ("03-28 01:30", "03-28 02:30")),
        ("DTSTART;TZID=Europe/Berlin:20270328T010000\nDURATION:PT2H", ("03-28 00:00", "03-28 02:00")),
    ],
)
def test_what_begins_when_the_clocks_skip_an_hour_is_as_long_as_it_says(site: Site, event: str, kept: tuple[str, str]) -> None:
    assert site.busy(f"UID:a\n{event}") == [kept]


def test_an_address_that_tells_free_and_busy_times_alone_is_believed(site: Site) -> None:
    site.body = "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nFREEBUSY:20270301T100000Z/PT1H\n"
    site.body += "FREEBUSY;FBTYPE=FREE:20270302T100000Z/PT1H\nEND:VFREEBUSY\nEND:VCALENDAR\n"
    assert [f"{begins:%m-%d %H:%M}" for event in site.changed(site.body).events for begins, _ in event.times] == ["03-01 10:00"]


def test_the_first_definition_of_a_zone_that_tells_something_counts() -> None:
    event = "UID:a\nDTSTART;TZID=Ours:20270301T100000\nDURATION:PT1H"
    empty = "BEGIN:VTIMEZONE\nTZID:Ours\n{0}END:VTIMEZONE\n"
    assert starts(calendar_of(event, zone=empty.format("") + fixed_zone("Ours", "-0300"))) == ["03-01 13:00"]
    assert starts(calendar_of(event, zone=empty.format("X-LIC-LOCATION:Asia/Kolkata\n"))) == ["03-01 04:30"]


def test_what_costs_much_for_each_name_or_depth_is_read_in_bounded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of zones that nobody knows are looked for on no disk; an END without a BEGIN does not go through all that is open."""
    from parley.calendar_providers.icalendar_reader import calendar_timezones

    looked: list[str] = []
    monkeypatch.setattr(calendar_timezones, "ZoneInfo", looked.append)
    names = [f"{'/a' * 30}{number}" for number in range(50)] + [f"Europe/Nowhere{number}" for number in range(50)]
    assert [calendar_timezones.zone_by_name(name) for name in names] == [None] * 100
    assert looked == []
    assert icalendar_busy_times.parse_calendars(("BEGIN:VCALENDAR\n" + "BEGIN:X\n" * 20_000 + "END:Y\n" * 20_000).encode())
