"""What other CalDAV servers than Radicale answer: a scripted one, by the examples of RFC 4791 and RFC 6578."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from parley.calendar_providers import caldav, webdav
from parley.calendar_providers.adapter_dispatch import answer
from parley.calendar_providers.provider_protocol import (
    BookingEvent,
    CalDavAccount,
    ChangesResult,
    Discover,
    DiscoveryResult,
    FreeBusy,
    FreeBusyResult,
    ProviderReply,
    ProviderRequest,
    ReadChanges,
    WriteEvent,
)
from tests.scheduling.calendars.caldav_server import calendar_of

START, END = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
HOME = "/dav/ada/work/"
# status, headers, body
Answer = tuple[int, dict[str, str], str]


class Scripted:
    """Answers by `says` (method, path, body), and keeps what was asked."""

    def __init__(self) -> None:
        self.says: Callable[[str, str, str], Answer] = lambda *_: (404, {}, "")
        self.requests: list[tuple[str, str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                site.requests.append((self.command, self.path, body))
                status, headers, content = site.says(self.command, self.path, body)
                self.send_response(status)
                for name, value in (headers | {"content-length": str(len(content.encode()))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content.encode())

            do_PROPFIND = do_REPORT = do_PUT = answer  # noqa: N815  # named by http.server

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def ask(self, wanted: ReadChanges | Discover | FreeBusy | WriteEvent, path: str = HOME) -> ProviderReply:
        account = CalDavAccount(url=self.url + path, username="ada", password="of nobody")
        return answer(ProviderRequest(account=account, wanted=wanted, seconds=5))

    def changes(self, token: str | None) -> ChangesResult:
        reply = self.ask(ReadChanges(calendar_id=self.url + HOME, sync_token=token, start=START, end=END))
        assert isinstance(reply.answer, ChangesResult), reply
        return reply.answer


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    monkeypatch.setenv("PARLEY_ENVIRONMENT", "local")
    made = Scripted()
    yield made
    made.stop()


def multistatus(*responses: str, token: str = "") -> Answer:
    spaces = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"'
    sync_token = f"<D:sync-token>{token}</D:sync-token>" if token else ""
    return 207, {"content-type": "application/xml"}, f"<D:multistatus {spaces}>{''.join(responses)}{sync_token}</D:multistatus>"


def dav_response(href: str, properties: str) -> str:
    status = "<D:status>HTTP/1.1 200 OK</D:status>"
    return f"<D:response><D:href>{href}</D:href><D:propstat><D:prop>{properties}</D:prop>{status}</D:propstat></D:response>"


def status_of(href: str, status: str) -> str:
    return f"<D:response><D:href>{href}</D:href><D:status>HTTP/1.1 {status}</D:status></D:response>"


def data(name: str) -> str:
    calendar = calendar_of(f"UID:{name}\nDTSTAMP:20260101T000000Z\nDTSTART:20261202T100000Z\nDURATION:PT1H")
    return dav_response(f"{HOME}{name}.ics", f"<C:calendar-data>{calendar}</C:calendar-data>")


def etag(name: str) -> str:
    return dav_response(f"{HOME}{name}.ics", '<D:getetag>"1"</D:getetag>')


def test_an_answer_in_parts_is_gone_on_with(site: Scripted) -> None:
    """RFC 6578, 3.6: 507 for the collection says that there is more."""

    def says(method: str, path: str, body: str) -> Answer:
        if "calendar-multiget" in body:
            return multistatus(*[data(name) for name in ("a", "b") if f"{name}.ics" in body])
        if "<D:sync-token>first</D:sync-token>" in body:
            return multistatus(etag("a"), status_of(HOME, "507 Insufficient Storage"), token="second")
        return multistatus(etag("b"), status_of(f"{HOME}c.ics", "404 Not Found"), token="third")

    site.says = says
    first = site.changes("sync:first")
    assert ([changed_event.uid for changed_event in first.events], first.has_more, first.is_full) == (["a"], True, False)
    second = site.changes(first.sync_token)
    assert ([changed_event.uid for changed_event in second.events], second.has_more, second.sync_token) == (["b"], False, "sync:third")
    assert second.removed == [f"{site.url}{HOME}c.ics"]


@pytest.mark.parametrize("status", [403, 409, 412, 507])
def test_a_token_that_is_good_no_more_is_told_from_other_refusals(site: Scripted, status: int) -> None:
    wanted = ReadChanges(calendar_id=site.url + HOME, sync_token="sync:old", start=START, end=END)
    for precondition, code in (("<D:valid-sync-token/>", "sync_expired"), ("<D:need-privileges/>", None)):
        site.says = lambda *_, precondition=precondition: (status, {}, f'<D:error xmlns:D="DAV:">{precondition}</D:error>')
        met = site.ask(wanted).trouble
        assert met is not None and (met.code.value == "sync_expired") == (code == "sync_expired"), precondition


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 415, 422, 500, 501, 207])
@pytest.mark.parametrize("ctag", ["1", ""])
def test_a_server_that_refuses_what_a_token_is_for_is_read_whole_from_then_on(site: Scripted, status: int, ctag: str) -> None:
    """It advertises a token, and answers `sync-collection` with whatever else than what has changed. 207: with something that is no XML."""

    def says(method: str, path: str, body: str) -> Answer:
        if "sync-collection" in body:
            return status, {}, "<html>"
        if method == "PROPFIND":
            return multistatus(dav_response(HOME, f"<D:sync-token>new</D:sync-token><S:getctag>{ctag}</S:getctag>"))
        return multistatus(data("a"))

    site.says = says
    first = site.changes(None)
    assert (first.is_full, first.sync_token) == (True, "sync:new")
    second = site.changes(first.sync_token)
    assert (second.is_full, [changed_event.uid for changed_event in second.events], second.sync_token) == (True, ["a"], f"whole:{ctag}")
    site.requests.clear()
    third = site.changes(second.sync_token)
    assert (third.is_full, third.sync_token) == (not ctag, f"whole:{ctag}")
    assert not any("sync-collection" in body for _, _, body in site.requests)


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (429, "rate_limited"), (503, "unavailable"), (408, "unavailable")])
def test_a_server_that_is_away_or_does_not_know_us_is_not_read_whole(site: Scripted, status: int, code: str) -> None:
    site.says = lambda *_: (status, {}, "")
    met = site.ask(ReadChanges(calendar_id=site.url + HOME, sync_token="sync:old", start=START, end=END)).trouble
    assert met is not None and met.code.value == code
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("damage", "uids"),
    [
        ("DESCRIPTION:a\x0bb", ["a", "b"]),
        ("DESCRIPTION:a&#11;b", ["a", "b"]),
        ("DESCRIPTION:a&#xFFFE;\x00b", ["a", "b"]),
        ("DESCRIPTION:fish & chips", ["a", "b"]),
        ("DESCRIPTION:1 < 2", ["b"]),
        ("DESCRIPTION:</C:other>", ["b"]),
    ],
)
def test_a_character_that_xml_forbids_costs_its_own_event_at_most(site: Scripted, damage: str, uids: list[str]) -> None:
    """And what was known of that one still counts."""
    first = data("a").replace("UID:a", f"UID:a\r\n{damage}")
    site.says = lambda method, *_: (
        multistatus(dav_response(HOME, "<S:getctag>1</S:getctag>")) if method == "PROPFIND" else multistatus(first, data("b"), token="t")
    )
    changes = site.changes(None)
    assert [changed_event.uid for changed_event in changes.events if changed_event.times] == uids
    others = [changed_event for changed_event in changes.events if not changed_event.times]
    assert [(changed_event.event_id, changed_event.is_known, changed_event.is_clear) for changed_event in others] == [
        (f"{site.url}{HOME}a.ics", False, False) for name in ("a",) if name not in uids
    ]


@pytest.mark.parametrize(
    ("inner", "times", "is_known"),
    [
        ("X-WR-CALDESC:one\ntwo three\nBEGIN:VEVENT\nUID:a\nDTSTART:20261202T100000Z\nDURATION:PT1H\nEND:VEVENT", 1, True),
        ("BEGIN:VEVENT\nUID:a\nDTSTART:20261202T100000Z\nDTEND:20261202T110000Z\nEXDATE:\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT", 3, True),
        ("BEGIN:VEVENT\nUID:a\nEND:VEVENT", 0, False),
        ("BEGIN:VTODO\nUID:a\nEND:VTODO", 0, True),
    ],
)
def test_damage_in_one_object_neither_frees_it_nor_another(site: Scripted, inner: str, times: int, is_known: bool) -> None:
    response = dav_response(f"{HOME}x.ics", f"<C:calendar-data>BEGIN:VCALENDAR\n{inner}\nEND:VCALENDAR</C:calendar-data>")
    site.says = lambda method, *_: (
        multistatus(dav_response(HOME, "<S:getctag>1</S:getctag>")) if method == "PROPFIND" else multistatus(response, data("b"))
    )
    events = {changed_event.event_id.rpartition("/")[2]: changed_event for changed_event in site.changes(None).events}
    assert len(events["b.ics"].times) == 1
    assert ("x.ics" in events) == bool(times or not is_known)
    assert len(events["x.ics"].times if "x.ics" in events else []) == times
    reply = site.ask(FreeBusy(calendar_ids=[site.url + HOME], start=START, end=END)).answer
    assert isinstance(reply, FreeBusyResult) and (len(reply.times), reply.is_beside) == (times + 1, not is_known)


def test_a_calendar_with_more_events_than_are_read_says_when_it_is_busy(site: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caldav, "MOST_EVENTS", 3)
    free_busy = "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nFREEBUSY:20261202T100000Z/PT1H,nonsense\nEND:VFREEBUSY\nEND:VCALENDAR"

    def says(method: str, path: str, body: str) -> Answer:
        if "free-busy-query" in body:
            return 200, {}, free_busy
        if method == "PROPFIND":
            return multistatus(dav_response(HOME, "<S:getctag>1</S:getctag>"))
        return multistatus(*[data(str(number)) for number in range(4)])

    site.says = says
    (event,) = site.changes(None).events
    assert (event.event_id, len(event.times), event.is_clear) == ("busy", 1, False)


# --- the password goes to its own server alone -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("wanted", ["DISCOVER", "CHANGES", "WRITE_EVENT"])
def test_a_redirect_to_another_origin_gets_no_password(site: Scripted, status: int, wanted: str) -> None:
    """Another port of the same machine is another origin; there somebody listens, and hears nothing."""
    other = Scripted()
    try:
        other.says = lambda *_: multistatus(data("a"))
        site.says = lambda method, path, body: (status, {"location": other.url + path}, "")
        operations: dict[str, ReadChanges | Discover | WriteEvent] = {
            "DISCOVER": Discover(),
            "CHANGES": ReadChanges(calendar_id=site.url + HOME, sync_token=None, start=START, end=END),
            "WRITE_EVENT": WriteEvent(calendar_id=site.url + HOME, event=_event()),
        }
        met = site.ask(operations[wanted]).trouble
        assert met is not None and met.code.value == "refused"
        assert other.requests == []
    finally:
        other.stop()


def test_an_address_of_another_host_in_an_answer_gets_no_password(site: Scripted) -> None:
    other = Scripted()
    try:
        kind = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
        home = f"<C:calendar-home-set><D:href>{other.url}/dav/</D:href></C:calendar-home-set>"
        principal = f"<D:current-user-principal><D:href>{other.url}/me/</D:href></D:current-user-principal>"
        for properties in (home, principal):
            site.says = lambda *_, properties=properties: multistatus(dav_response(HOME, properties))
            met = site.ask(Discover()).trouble
            assert met is not None and met.code.value == "refused"
        site.says = lambda *_: multistatus(dav_response(HOME, kind), dav_response(f"{other.url}/theirs/", kind))
        discovery = site.ask(Discover()).answer
        assert isinstance(discovery, DiscoveryResult) and [calendar.id for calendar in discovery.calendars] == [site.url + HOME]
        far = ReadChanges(calendar_id=other.url + HOME, sync_token=None, start=START, end=END)
        met = site.ask(far).trouble
        assert met is not None and met.code.value == "refused"
        assert other.requests == []
    finally:
        other.stop()


@pytest.mark.parametrize(
    ("account", "url", "is_own"),
    [
        ("https://caldav.icloud.com/", "https://p63-caldav.icloud.com:443/123/calendars/", True),
        ("https://p63-caldav.icloud.com:443/123/", "https://p07-caldav.icloud.com/9/", True),
        ("https://caldav.icloud.com.cn/", "https://p1-caldav.icloud.com.cn/", True),
        ("https://caldav.icloud.com/", "https://caldav.icloud.com.cn/", False),
        ("https://caldav.icloud.com/", "https://p63-caldav.icloud.com.evil.example/", False),
        ("https://caldav.icloud.com/", "https://www.icloud.com/", False),
        ("https://example.com/", "https://dav.example.com/x", True),
        ("https://Example.com:443/", "https://example.com/x", True),
        ("https://dav.example.com/", "https://example.com/", False),
        ("https://home.dyndns.example/", "https://evil.dyndns.example/", False),
        ("https://example.com/", "https://evilexample.com/", False),
        ("https://example.com/", "http://example.com/", False),
        ("https://example.com/", "http://dav.example.com/", False),
        ("https://example.com/", "https://example.com:8443/", False),
        ("https://example.com/", "https://example.com@evil.example/", False),
        ("https://203.0.113.7/", "https://1.203.0.113.7/", False),
        ("https://example.com/", "https://exa[mple", False),
    ],
)
def test_whose_host_it_is(account: str, url: str, is_own: bool) -> None:
    assert webdav.is_own(account, url) == is_own


def test_a_server_without_tokens_is_read_anew_when_its_ctag_is_another(site: Scripted) -> None:
    ctag = "1"

    def says(method: str, path: str, body: str) -> Answer:
        if method == "PROPFIND":
            return multistatus(dav_response(HOME, f"<S:getctag>{ctag}</S:getctag>"))
        return multistatus(data("a"))

    site.says = says
    first = site.changes(None)
    assert (first.is_full, first.sync_token) == (True, "ctag:1")
    site.requests.clear()
    same = site.changes(first.sync_token)
    assert (same.is_full, same.events, [method for method, _, _ in site.requests]) == (False, [], ["PROPFIND"])
    ctag = "2"
    assert (site.changes(first.sync_token).is_full, site.changes(first.sync_token).sync_token) == (True, "ctag:2")


def test_a_server_is_found_by_its_well_known_address_from_whatever_it_says_at_its_own(site: Scripted) -> None:
    """RFC 6764, 6: a redirect; RFC 5397: whose principal; RFC 4791, 6.2.1: where the calendars are."""
    kind = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>Work</D:displayname>"

    def says(method: str, path: str, body: str) -> Answer:
        match path:
            case "/.well-known/caldav":
                return 301, {"location": "/dav/"}, ""
            case "/dav/":
                return multistatus(
                    dav_response("/dav/", "<D:current-user-principal><D:href>/dav/p/ada</D:href></D:current-user-principal>")
                )
            case "/dav/p/ada":
                return multistatus(dav_response(path, "<C:calendar-home-set><D:href>/dav/ada/</D:href></C:calendar-home-set>"))
            case "/dav/ada/":
                return multistatus(dav_response(path, "<D:resourcetype><D:collection/></D:resourcetype>"), dav_response(HOME, kind))
        return 405, {}, "<html>This is the front page</html>"

    site.says = says
    discovery = site.ask(Discover(), "/").answer
    assert isinstance(discovery, DiscoveryResult), discovery
    assert ([calendar.id for calendar in discovery.calendars], discovery.url) == ([site.url + HOME], f"{site.url}/dav/ada/")


@pytest.mark.parametrize(
    "inner", ["https://169.254.169.254/dav/", "https://10.0.0.1/dav/", "https://[::ffff:10.0.0.1]/dav/", "http://192.0.2.7/"]
)
def test_neither_a_redirect_nor_a_servers_own_words_lead_into_a_network_that_is_not_public(site: Scripted, inner: str) -> None:
    home = f"<C:calendar-home-set><D:href>{inner}</D:href></C:calendar-home-set>"
    for reply in ((302, {"location": inner}, ""), multistatus(dav_response(HOME, home))):
        site.says = lambda *_, reply=reply: reply
        met = site.ask(Discover()).trouble
        assert met is not None and met.code.value == "refused", reply


def test_an_event_that_changes_between_look_and_write_is_looked_at_again(site: Scripted) -> None:
    tags = iter(["1", "2"])

    def says(method: str, path: str, body: str) -> Answer:
        if method == "PROPFIND":
            return multistatus(dav_response(path, f'<D:getetag>"{next(tags)}"</D:getetag>'))
        puts = [request for request in site.requests if request[0] == "PUT"]
        return (412, {}, "") if len(puts) == 1 else (204, {}, "")

    site.says = says
    url = f"{site.url}{HOME}mine.ics"
    reply = site.ask(WriteEvent(calendar_id=site.url + HOME, event=_event(url)))
    assert reply.answer is not None and reply.answer.event_id == url  # type: ignore[union-attr]  # it is Written
    assert [method for method, _, _ in site.requests] == ["PROPFIND", "PUT", "PROPFIND", "PUT"]


def _event(url: str | None = None) -> BookingEvent:
    return BookingEvent(
        id="0" * 32, provider_event_id=url, uid="u", sequence=0, title="Intro", description="", location=None,
        start=START, end=END, timezone="UTC", stamp=START,
    )  # fmt: skip
