"""Both adapters against a provider that speaks its documented protocol: what is read, written, refused and forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

import pytest
from flask import Response

from parley.calendar_providers.provider_protocol import DeleteEvent, Discover, FreeBusy, ProviderErrorCode, RefreshTokens, WriteEvent
from tests.scheduling.providers import google_server, microsoft_server
from tests.scheduling.providers.calendar_server import Calendar, as_json
from tests.scheduling.providers.conftest import HOUR, START, Adapter, changes, event, free_busy
from tests.scheduling.providers.google_server import GoogleServer
from tests.scheduling.providers.microsoft_server import MicrosoftServer

Either = GoogleServer | MicrosoftServer


def busy(adapter: Adapter, *calendars: str) -> list[tuple[datetime, datetime]]:
    result = adapter.ask(free_busy(*(calendars or [adapter.calendar.id])))
    return sorted((busy_time.start, busy_time.end) for busy_time in result.times)


def changed(adapter: Adapter, token: str | None, **window: Any) -> Any:
    return adapter.ask(changes(adapter.calendar.id, token, **window))


def all_changes(adapter: Adapter, token: str | None) -> tuple[dict[str, list[Any]], list[str], bool, str]:
    """Events by id, what was removed, whether it is full, the token: of all pages of an answer."""
    events: dict[str, list[Any]] = {}
    removed: list[str] = []
    while True:
        result = changed(adapter, token)
        events |= {changed_event.event_id: changed_event.times for changed_event in result.events}
        removed += result.removed
        token = result.sync_token
        if not result.has_more:
            return events, removed, result.is_full, token


def listing(site: Either) -> str:
    """How the requests begin that read a calendar."""
    return "GET /calendar/v3/calendars/" if isinstance(site, GoogleServer) else "GET /v1.0/me/calendars/"


def refuses(site: Either, status: int, *, retry_after: int | None = None) -> Response:
    headers = {"retry-after": str(retry_after)} if retry_after is not None else {}
    body = '{"error": {"code": "x"}}' if isinstance(site, MicrosoftServer) else '{"error": {"errors": [], "code": 0}}'
    return Response(body, status, headers, mimetype="application/json")


def test_an_account_names_itself_and_all_its_calendars_over_several_pages(site: Either) -> None:
    adapter = Adapter(site)
    others = [adapter.someone.add(Calendar(f"cal{token_hex(6)}", f"Number {at}", role="reader")) for at in range(4)]
    site.page_size = 2
    discovery = adapter.ask(Discover())
    assert discovery.account_id == adapter.someone.subject and discovery.account_name == adapter.someone.email
    assert [other.id for other in discovery.calendars] == [adapter.calendar.id, *(other.id for other in others)]
    assert [(calendar.is_usual, calendar.is_writable, calendar.counts) for calendar in discovery.calendars] == [(True, True, True)] + [
        (False, False, False)
    ] * 4


def test_what_keeps_time_is_busy_and_nothing_else_is(site: Either) -> None:
    adapter = Adapter(site)
    calendar = adapter.calendar
    site.add_event(calendar, START, START + HOUR)
    if isinstance(site, GoogleServer):
        site.add_event(calendar, START + 2 * HOUR, START + 3 * HOUR, transparency="transparent")
        site.add_event(calendar, START + 4 * HOUR, START + 5 * HOUR, attendees=[{"self": True, "responseStatus": "declined"}])
        site.add_event(calendar, START + 6 * HOUR, START + 7 * HOUR, eventType="workingLocation")
        site.add_event(calendar, START + 8 * HOUR, START + 9 * HOUR, status="tentative")
    else:
        for at, shown in ((2, "free"), (4, "workingElsewhere")):
            site.add_event(calendar, START + at * HOUR, START + (at + 1) * HOUR, showAs=shown)
        site.add_event(calendar, START + 5 * HOUR, START + 6 * HOUR, responseStatus={"response": "declined"})
        site.add_event(calendar, START + 6 * HOUR, START + 7 * HOUR, isCancelled=True)
        site.add_event(calendar, START + 8 * HOUR, START + 9 * HOUR, showAs="tentative")
    event_id = site.add_event(calendar, START + 10 * HOUR, START + 11 * HOUR)
    site.delete_event(calendar, event_id)
    site.add_event(calendar, START + 12 * HOUR, START + 12 * HOUR)  # of no length
    site.add_event(calendar, START + timedelta(days=60), START + timedelta(days=61))
    assert busy(adapter) == [(START, START + HOUR), (START + 8 * HOUR, START + 9 * HOUR)]


def test_an_all_day_event_is_a_day_of_its_own_zone(site: Either) -> None:
    adapter = Adapter(site)
    day = datetime(2031, 3, 10)  # noqa: DTZ001  # a date
    if isinstance(site, GoogleServer):
        site.add_event(adapter.calendar, day, day + timedelta(days=1), all_day=True)
    else:
        site.add_event(adapter.calendar, day, day + timedelta(days=1), isAllDay=True, showAs="oof")
    ((start, end),) = busy(adapter)
    assert (start.isoformat(), end - start) == ("2031-03-09T23:00:00+00:00", timedelta(days=1))


def test_a_series_is_busy_at_each_of_its_occurrences_and_free_where_one_was_taken_out(site: Either) -> None:
    adapter = Adapter(site)
    week = timedelta(days=7)
    occurrences = site.add_series(adapter.calendar, START, START + HOUR, week, 4)
    assert busy(adapter) == [(START + at * week, START + at * week + HOUR) for at in range(4)]
    _, _, _, token = all_changes(adapter, None)
    site.delete_event(adapter.calendar, occurrences[1])
    events, removed, is_full, _ = all_changes(adapter, token)
    left = {event_id for event_id, times in events.items() if times}
    if is_full:  # what is not named is gone
        assert left == set(occurrences) - {occurrences[1]}
    else:
        assert removed == [occurrences[1]] and not left
    assert len(busy(adapter)) == 3


def test_times_of_several_calendars_come_at_once_and_a_calendar_that_is_not_there_is_missing(site: Either) -> None:
    adapter = Adapter(site)
    other = adapter.someone.add(Calendar(f"cal{token_hex(6)}", "Private"))
    site.add_event(adapter.calendar, START, START + HOUR)
    site.add_event(other, START + HOUR, START + 2 * HOUR)
    result = adapter.ask(free_busy(adapter.calendar.id, other.id, "no-such-calendar"))
    assert sorted(busy_time.start for busy_time in result.times) == [START, START + HOUR]
    assert result.missing == ["no-such-calendar"]
    assert all(busy_time.event_id and busy_time.uid for busy_time in result.times)


def test_many_events_come_over_many_pages_and_the_token_with_the_last(site: Either) -> None:
    adapter = Adapter(site)
    site.page_size = 10
    made = {site.add_event(adapter.calendar, START + at * HOUR, START + at * HOUR + HOUR / 2) for at in range(35)}
    events, _, is_full, token = all_changes(adapter, None)
    assert set(events) == made and is_full
    assert all_changes(adapter, token)[:3] == ({}, [], False)
    assert len(busy(adapter)) == 35


def test_a_change_made_elsewhere_is_all_that_comes_with_the_token(site: Either) -> None:
    adapter = Adapter(site)
    kept, moved, deleted_id = (site.add_event(adapter.calendar, START + at * HOUR, START + (at + 1) * HOUR) for at in range(3))
    events, _, _, token = all_changes(adapter, None)
    assert set(events) == {kept, moved, deleted_id}
    later = START + timedelta(days=1)
    if isinstance(site, GoogleServer):
        times = {name: {"dateTime": moment.isoformat()} for name, moment in (("start", later), ("end", later + HOUR))}
        site.change_event(adapter.calendar, moved, **times)
    else:
        site.move_event(adapter.calendar, moved, later, later + HOUR)
    site.delete_event(adapter.calendar, deleted_id)
    events, removed, is_full, token = all_changes(adapter, token)
    assert events[moved] == [(later, later + HOUR)]
    assert (set(events), removed, is_full) in (({moved}, [deleted_id], False), ({kept, moved}, [], True))
    # What has left the window keeps nothing of it.
    far = START + timedelta(days=200)
    if isinstance(site, GoogleServer):
        site.change_event(adapter.calendar, moved, start={"dateTime": far.isoformat()}, end={"dateTime": (far + HOUR).isoformat()})
    else:
        site.move_event(adapter.calendar, moved, far, far + HOUR)
    events, removed, is_full, _ = all_changes(adapter, token)
    assert not events.get(moved) and (is_full or moved in events)


def test_a_token_that_is_forgotten_is_said_to_be_and_the_next_answer_is_full(site: Either) -> None:
    adapter = Adapter(site)
    kept = site.add_event(adapter.calendar, START, START + HOUR)
    _, _, _, token = all_changes(adapter, None)
    site.forget_changes()
    wanted = changes(adapter.calendar.id, token)
    assert adapter.trouble(wanted).code is ProviderErrorCode.SYNC_EXPIRED
    assert all_changes(adapter, None)[:3] == ({kept: [(START, START + HOUR)]}, [], True)
    site.forgotten_before = 0


@pytest.mark.parametrize("answer", [Response("", 410), google_server.refusal(400, "invalid", "Invalid sync token value.")])
def test_google_forgets_whatever_it_says_of_the_reason(google: GoogleServer, answer: Response) -> None:
    adapter = Adapter(google)
    _, _, _, token = all_changes(adapter, None)
    google.fail(listing(google), answer)
    assert adapter.trouble(changes(adapter.calendar.id, token)).code is ProviderErrorCode.SYNC_EXPIRED
    google.fail(listing(google), answer)
    assert adapter.trouble(changes(adapter.calendar.id, None)).code in (ProviderErrorCode.NOT_FOUND, ProviderErrorCode.REFUSED), (
        "there is no token"
    )


def test_a_token_whose_window_is_over_or_that_is_none_has_all_read_again(site: Either) -> None:
    adapter = Adapter(site)
    kept = site.add_event(adapter.calendar, START, START + HOUR)
    _, _, _, token = all_changes(adapter, None)
    for sync_token, days in ((token, 90), ("rubbish", 30), ("e30=", 30), ("", 30)):
        result = changed(adapter, sync_token, end=START + timedelta(days=days))
        assert result.is_full and [changed_event.event_id for changed_event in result.events] == [kept], sync_token
    assert not changed(adapter, token, end=START + timedelta(days=40)).is_full


def test_writing_twice_leaves_one_and_moving_changes_it(site: Either) -> None:
    adapter = Adapter(site)
    first = adapter.ask(WriteEvent(calendar_id=adapter.calendar.id, event=event()))
    again = adapter.ask(WriteEvent(calendar_id=adapter.calendar.id, event=event()))
    assert first.event_id == again.event_id and len(adapter.calendar.events) == 1
    moved = event(START + HOUR, sequence=1, provider_event_id=first.event_id)
    assert adapter.ask(WriteEvent(calendar_id=adapter.calendar.id, event=moved)).event_id == first.event_id
    # Another one who does not know that it is there, and has other words for it.
    assert adapter.ask(WriteEvent(calendar_id=adapter.calendar.id, event=event(START + HOUR, title="Other"))).event_id == first.event_id
    assert busy(adapter) == [(START + HOUR, START + HOUR + HOUR / 2)]
    ((written, stored_event),) = adapter.calendar.events.items()
    assert written == first.event_id and "attendees" not in stored_event
    assert stored_event.get("summary", stored_event.get("subject")) == "Other"


def test_an_event_that_its_owner_deleted_is_there_again_when_its_booking_is_written(site: Either) -> None:
    adapter = Adapter(site)
    first = adapter.ask(WriteEvent(calendar_id=adapter.calendar.id, event=event())).event_id
    for provider_event_id in (first, None):
        (live,) = [event_id for event_id, stored_event in adapter.calendar.events.items() if stored_event.get("status") != "cancelled"]
        site.delete_event(adapter.calendar, live)
        assert busy(adapter) == []
        again = event(START + HOUR, sequence=1 if provider_event_id else 2, provider_event_id=provider_event_id)
        written = adapter.ask(WriteEvent(calendar_id=adapter.calendar.id, event=again)).event_id
        assert busy(adapter) == [(START + HOUR, START + HOUR + HOUR / 2)]
        assert {busy_time.event_id for busy_time in adapter.ask(free_busy(adapter.calendar.id)).times} == {written}


def test_what_is_gone_already_is_deleted_without_trouble(site: Either) -> None:
    adapter = Adapter(site)
    written = adapter.ask(WriteEvent(calendar_id=adapter.calendar.id, event=event())).event_id
    for _ in range(2):
        adapter.ask(DeleteEvent(calendar_id=adapter.calendar.id, event_id=written))
    adapter.ask(DeleteEvent(calendar_id=adapter.calendar.id, event_id="neverwasthere00000"))
    assert busy(adapter) == []
    # By our own id, for who does not know what became of the writing.
    adapter.ask(WriteEvent(calendar_id=adapter.calendar.id, event=event(sequence=1)))
    assert len(busy(adapter)) == 1
    for _ in range(2):
        adapter.ask(DeleteEvent(calendar_id=adapter.calendar.id, event_id=event().id))
        assert busy(adapter) == []


def test_a_calendar_that_can_only_be_read_refuses(site: Either) -> None:
    adapter = Adapter(site)
    other = adapter.someone.add(Calendar(f"cal{token_hex(6)}", "Holidays", role="reader"))
    assert adapter.trouble(WriteEvent(calendar_id=other.id, event=event())).code is ProviderErrorCode.REFUSED
    assert adapter.trouble(WriteEvent(calendar_id="nowhere", event=event())).code is ProviderErrorCode.NOT_FOUND


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, ProviderErrorCode.UNAUTHORIZED),
        (404, ProviderErrorCode.NOT_FOUND),
        (412, ProviderErrorCode.CONFLICT),
        (429, ProviderErrorCode.RATE_LIMITED),
        (500, ProviderErrorCode.UNAVAILABLE),
        (502, ProviderErrorCode.UNAVAILABLE),
        (503, ProviderErrorCode.UNAVAILABLE),
    ],
)
def test_each_refusal_has_its_name(site: Either, status: int, code: ProviderErrorCode) -> None:
    adapter = Adapter(site)
    site.fail(listing(site), refuses(site, status, retry_after=17), times=1)
    met = adapter.trouble(changes(adapter.calendar.id, None))
    assert (met.code, met.retry_after) == (code, 17)
    assert adapter.calendar.id not in met.message and "http" not in met.message


def test_google_says_its_limits_with_403(google: GoogleServer) -> None:
    adapter = Adapter(google)
    wanted = changes(adapter.calendar.id, None)
    for status, reason in ((403, "rateLimitExceeded"), (403, "userRateLimitExceeded"), (403, "quotaExceeded"), (429, "rateLimitExceeded")):
        google.fail(listing(google), google_server.rate_limited(status, reason))
        assert adapter.trouble(wanted).code is ProviderErrorCode.RATE_LIMITED, reason
    google.fail(listing(google), google_server.refusal(403, "accessNotConfigured", "Not used before in this project.", "usageLimits"))
    assert adapter.trouble(wanted).code is ProviderErrorCode.UNAVAILABLE
    assert adapter.ask(wanted).is_full


def test_graph_says_how_long_to_wait(microsoft: MicrosoftServer) -> None:
    adapter = Adapter(microsoft)
    wanted = changes(adapter.calendar.id, None)
    microsoft.fail(listing(microsoft), microsoft_server.throttled(42))
    met = adapter.trouble(wanted)
    assert (met.code, met.retry_after) == (ProviderErrorCode.RATE_LIMITED, 42)
    microsoft.fail(listing(microsoft), microsoft_server.throttled(7, 503))
    met = adapter.trouble(wanted)
    assert (met.code, met.retry_after) == (ProviderErrorCode.UNAVAILABLE, 7)


@pytest.mark.parametrize("code", ["SyncStateNotFound", "resyncRequired"])
@pytest.mark.parametrize("status", [400, 404, 410])
def test_graph_forgets_in_several_words(microsoft: MicrosoftServer, status: int, code: str) -> None:
    adapter = Adapter(microsoft)
    _, _, _, token = all_changes(adapter, None)
    microsoft.fail(listing(microsoft), microsoft_server.refusal(status, code))
    wanted = changes(adapter.calendar.id, token)
    assert adapter.trouble(wanted).code is ProviderErrorCode.SYNC_EXPIRED


def test_a_delta_that_never_ends_has_all_read_each_time(microsoft: MicrosoftServer) -> None:
    adapter = Adapter(microsoft)
    kept = microsoft.add_event(adapter.calendar, START, START + HOUR)
    again = f"{microsoft.url}/v1.0/me/calendars/x/calendarView/delta?$skiptoken=again"
    for _ in range(2):
        microsoft.fail(f"{listing(microsoft)}", lambda: as_json({"value": [], "@odata.nextLink": again}), times=50)
        result = changed(adapter, None)
        assert result.is_full and [changed_event.event_id for changed_event in result.events] == [kept]
        microsoft.troubles.clear()
    assert changed(adapter, result.sync_token).is_full
    assert microsoft.count("GET") < 200


def test_the_token_goes_to_nobody_else(microsoft: MicrosoftServer) -> None:
    adapter = Adapter(microsoft)
    for link in ("http://127.0.0.1:9/v1.0/me", f"{microsoft.url}.evil.example/v1.0/x", f"{microsoft.url}/v1.0evil"):
        response = as_json({"value": [], "@odata.nextLink": link})
        microsoft.fail(listing(microsoft), response)
        met = adapter.trouble(changes(adapter.calendar.id, None))
        assert met.code is ProviderErrorCode.SYNC_EXPIRED, link


def test_google_shows_a_calendar_that_is_shared_as_free_or_busy_alone(google: GoogleServer) -> None:
    adapter = Adapter(google)
    other = adapter.someone.add(Calendar("boss@google.test", "Boss", role="freeBusyReader"))
    google.add_event(other, START, START + HOUR)
    google.add_event(other, START + HOUR / 2, START + 2 * HOUR)
    result = adapter.ask(free_busy(other.id))
    assert [(busy_time.start, busy_time.end, busy_time.event_id) for busy_time in result.times] == [(START, START + 2 * HOUR, None)]
    later = START + timedelta(days=70)
    google.add_event(other, later, later + HOUR)
    changes_result = adapter.ask(changes(other.id, None, START + timedelta(days=100)))
    assert (changes_result.is_full, changes_result.sync_token) == (True, None)
    assert [times for changed_event in changes_result.events for times in changed_event.times] == [
        (START, START + 2 * HOUR),
        (later, later + HOUR),
    ]


def test_what_a_provider_sends_may_be_anything(site: Either) -> None:
    adapter = Adapter(site)
    wanted = changes(adapter.calendar.id, None)
    bodies: list[bytes] = [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"{" * 5000,
        b'{"items": 3, "value": 3}',
        b'{"items": [{}], "value": [{}]}',
        b"<html>",
    ]
    for body in bodies:
        for status in (200, 403, 500):
            site.fail(listing(site), Response(body, status, mimetype="application/json"), times=3)
            reply = adapter.reply(wanted)
            assert reply.answer is None or not reply.answer.events, (body, status)  # type: ignore[union-attr]  # it is Changed
            site.troubles.clear()


def test_the_deadline_is_kept(site: Either) -> None:
    import time

    adapter = Adapter(site)
    site.fail(listing(site), lambda: time.sleep(2) or Response("{}"))  # type: ignore[func-returns-value]  # it is None
    began = time.monotonic()
    assert adapter.trouble(free_busy(adapter.calendar.id), seconds=0.4).code is ProviderErrorCode.TIMED_OUT
    assert time.monotonic() - began < 1.5


def test_tokens_are_refreshed_and_a_withdrawn_grant_is_told_from_a_passing_failure(site: Either) -> None:
    adapter = Adapter(site)
    request = RefreshTokens(refresh_token=adapter.tokens["refresh_token"])
    made = adapter.ask(request)
    assert made.access_token != adapter.tokens["access_token"]
    assert 3500 < (made.expires_at - datetime.now(made.expires_at.tzinfo)).total_seconds() < 3600
    assert (made.refresh_token is not None) == isinstance(site, MicrosoftServer)  # which takes the place of the former
    newest = RefreshTokens(refresh_token=made.refresh_token or adapter.tokens["refresh_token"])
    for status in (500, 503, 429):
        site.fail("POST", refuses(site, status, retry_after=3))
        met = adapter.trouble(newest)
        assert (met.code, met.retry_after) == (ProviderErrorCode.RATE_LIMITED if status == 429 else ProviderErrorCode.UNAVAILABLE, 3)
    site.fail("POST", Response('{"error": "invalid_client"}', 401, mimetype="application/json"))
    assert adapter.trouble(newest).code is ProviderErrorCode.UNAVAILABLE  # ours, and nobody's connection ends by it
    site.revoke(adapter.someone)
    assert adapter.trouble(newest).code is ProviderErrorCode.UNAUTHORIZED
    assert adapter.trouble(Discover()).code is ProviderErrorCode.UNAUTHORIZED


@pytest.mark.parametrize("lifetime", ["3599", None, 0, -5, 10**18, "soon", 12.5])
def test_how_long_a_token_lives_is_believed_within_reason(google: GoogleServer, lifetime: Any) -> None:
    adapter = Adapter(google)
    google.fail("POST /token", as_json({"access_token": "a", "expires_in": lifetime, "token_type": "Bearer"}))
    made = adapter.ask(RefreshTokens(refresh_token="x"))
    assert 50 < (made.expires_at - datetime.now(made.expires_at.tzinfo)).total_seconds() <= 24 * 3600


def test_missing_permissions_are_a_matter_of_consent(google: GoogleServer) -> None:
    adapter = Adapter(google, {"openid", "email"})
    assert adapter.trouble(Discover()).code is ProviderErrorCode.UNAUTHORIZED
    assert adapter.trouble(WriteEvent(calendar_id=adapter.calendar.id, event=event())).code is ProviderErrorCode.UNAUTHORIZED


def test_an_all_day_event_of_no_zone_is_a_day_of_its_calendar_s(microsoft: MicrosoftServer) -> None:
    adapter = Adapter(microsoft)
    day = datetime(2031, 3, 10)  # noqa: DTZ001  # a date
    for zone in ("UTC", "tzone://Microsoft/Custom", None):
        microsoft.add_event(adapter.calendar, day, day + timedelta(days=1), isAllDay=True, originalStartTimeZone=zone)
    # It is the ninth in UTC, and the tenth in Auckland: looked for in the morning there.
    start = datetime(2031, 3, 9, 20, tzinfo=START.tzinfo)
    wanted = FreeBusy(
        calendar_ids=[adapter.calendar.id], start=start, end=start + HOUR, timezones={adapter.calendar.id: "Pacific/Auckland"}
    )
    assert {busy_time.start.isoformat() for busy_time in adapter.ask(wanted).times} == {"2031-03-09T11:00:00+00:00"}
    assert adapter.ask(wanted.model_copy(update={"timezones": {}})).times == []


def test_an_event_that_can_not_be_read_keeps_no_other_from_being_read_and_what_was_known_of_it_counts(site: Either) -> None:
    adapter = Adapter(site)
    name = "iCalUID" if isinstance(site, GoogleServer) else "iCalUId"
    odd = site.add_event(adapter.calendar, START, START + HOUR, **{name: 5})
    good = site.add_event(adapter.calendar, START + 2 * HOUR, START + 3 * HOUR)
    result = adapter.ask(free_busy(adapter.calendar.id))
    assert ([busy_time.event_id for busy_time in result.times], result.is_beside) == ([good], True)
    events = changed(adapter, None).events
    assert {changed_event.event_id: (len(changed_event.times), changed_event.is_known) for changed_event in events} == {
        odd: (0, False),
        good: (1, True),
    }
