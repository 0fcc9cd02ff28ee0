"""Connecting calendars by consent: a member's browser goes to the provider and back."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select, update

from local.client import Answer
from parley.calendar_providers.provider_protocol import ProviderCalendar
from parley.identity.models import OrganizationMember
from parley.kernel.access.callers import system
from parley.kernel.persistence import transactions
from parley.scheduling.calendar_connections.connection_rows import AuthorizedAccount
from parley.scheduling.calendar_connections.connection_rows import connect as keep
from parley.scheduling.tables.calendar_models import CalendarConnection, CalendarMethod, CalendarProvider, ConnectedCalendar
from tests.harness import Client, Member, World
from tests.identity.providers.browser_client import CookieBrowser
from tests.scheduling.providers.calendar_server import Calendar, CalendarUser, Site
from tests.scheduling.providers.google_server import GoogleServer
from tests.scheduling.providers.microsoft_server import MicrosoftServer

Either = GoogleServer | MicrosoftServer
CONNECT = "/v1/scheduling/calendars/connect"
CALENDARS = "/v1/scheduling/calendars"


@pytest.fixture(autouse=True)
def _origins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_ORIGINS", "https://app.parley.test")


def browser(world: World, someone: CalendarUser) -> CookieBrowser:
    return CookieBrowser(world, os.environ["PUBLIC_URL"], someone.subject)


def begin(surfing: CookieBrowser, token: str | None, site: Site, return_to: str | None = None) -> Answer:
    """The page in the browser asks to connect; its fetch stores the cookie."""
    body = f'{{"return_to": "{return_to}"}}'.encode() if return_to else b"{}"
    surfing.has_been_away = False
    return surfing.step("POST", f"{CONNECT}/{site.kind}", body, token=token, kind="application/json")


def connect(world: World, member: Member, site: Site, someone: CalendarUser, return_to: str | None = None) -> Answer:
    surfing = browser(world, someone)
    begun = begin(surfing, member.token, site, return_to)
    assert begun.status == 200, begun.raw
    return surfing.follow(surfing.step("GET", begun.body["authorization_url"]))


def connections(member: Member) -> list[CalendarConnection]:
    return list(member.rows(select(CalendarConnection).where(CalendarConnection.user_id == member.user_id)))


def refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.body.get("code")) == (status, code), answer.raw


def test_a_member_connects_their_calendars_and_no_secret_comes_out(world: World, acme: Member, site: Either) -> None:
    someone = site.someone()
    someone.add(Calendar("second@calendar", "Second"))
    made = connect(world, acme, site, someone)
    assert made.status == 200, made.raw
    assert (made.body["provider"], made.body["status"]) == (site.kind.upper(), "ACTIVE")
    (row,) = connections(acme)
    assert (str(row.id), row.provider_account_id, row.account_name) == (made.body["id"], someone.subject, someone.email)
    assert row.calendar_id == someone.primary.id and row.is_primary
    assert "calendar" in " ".join(row.scopes).lower()
    listed = acme.get(CALENDARS)
    assert [item["id"] for item in listed.body["items"]] == [made.body["id"]]
    for secret in (*site.access, *site.refresh, site.client_secret):
        assert secret.encode() not in made.raw + listed.raw
        assert secret not in repr(row)
    assert len(acme.rows(select(ConnectedCalendar).where(ConnectedCalendar.connection_id == row.id))) == 2
    assert acme.as_role("ADMIN").get(f"{CALENDARS}/{row.id}").status == 404


def test_the_way_there_asks_for_what_is_needed_and_for_offline_access(world: World, acme: Member, site: Either) -> None:
    begun = begin(browser(world, site.someone()), acme.token, site)
    url = urlsplit(begun.body["authorization_url"])
    query = dict(parse_qsl(url.query))
    assert query["redirect_uri"] == f"{os.environ['PUBLIC_URL']}{CONNECT}/{site.kind}/callback"
    assert query["code_challenge_method"] == "S256" and len(query["code_challenge"]) == 43
    if isinstance(site, GoogleServer):
        assert (query["access_type"], query["prompt"]) == ("offline", "consent")
        assert "https://www.googleapis.com/auth/calendar.events" in query["scope"].split()
        assert "https://www.googleapis.com/auth/calendar" not in query["scope"].split()  # no more than is needed
    else:
        assert {"offline_access", "Calendars.ReadWrite", "User.Read"} <= set(query["scope"].split())


def test_the_browser_comes_back_to_the_page_that_it_came_from(world: World, acme: Member, site: Either) -> None:
    surfing = browser(world, site.someone())
    begun = begin(surfing, acme.token, site, "https://app.parley.test/settings?tab=calendars")
    surfing.follow(surfing.step("GET", begun.body["authorization_url"]))
    (row,) = connections(acme)
    assert surfing.at == f"https://app.parley.test/settings?tab=calendars&calendar_connection={row.id}"
    assert surfing.cookies == {}
    refused(begin(surfing, acme.token, site, "https://evil.example/"), 400, "bad_return_address")


def test_the_same_account_again_renews_its_connection(world: World, acme: Member, site: Either) -> None:
    someone = site.someone()
    first = connect(world, acme, site, someone).body["id"]
    site.revoke(someone)
    assert connect(world, acme, site, someone).body["id"] == first
    assert len(connections(acme)) == 1
    # Another member's connection to the same account is theirs.
    colleague = acme.as_role("MEMBER")
    assert connect(world, colleague, site, someone).body["id"] != first
    assert connect(world, acme, site, site.someone()).body["id"] != first
    assert len(connections(acme)) == 2


def test_a_person_has_ten_and_may_renew_each_of_them(world: World, acme: Member, site: Either) -> None:
    first = site.someone()
    assert connect(world, acme, site, first).status == 200
    for number in range(9):
        account = AuthorizedAccount(
            provider=CalendarProvider.CUSTOM,
            method=CalendarMethod.ICS,
            account_id=str(number),
            account_name="Holidays",
            calendars=[ProviderCalendar(id="calendar", name="Holidays")],
            secret="https://calendar.example/holidays.ics",
        )
        with transactions.transaction(acme.caller) as session:
            keep(session, acme.caller, acme.user_id, account, most=10)
    refused(connect(world, acme, site, site.someone()), 409, "too_many_connections")
    assert connect(world, acme, site, first).status == 200


def test_who_does_not_agree_or_not_to_enough_connects_nothing(world: World, acme: Member, site: Either) -> None:
    someone = site.someone()
    someone.denies = True
    refused(connect(world, acme, site, someone), 403, "consent_denied")
    someone.denies = False
    someone.agrees_to = {"openid", "email", "offline_access", "User.Read"}
    refused(connect(world, acme, site, someone), 403, "permissions_missing")
    surfing = browser(world, someone)
    begun = begin(surfing, acme.token, site, "/back")
    surfing.home += ""
    answer = surfing.step("GET", begun.body["authorization_url"])
    answer = surfing.step("GET", answer.headers["location"])
    assert (answer.status, answer.headers["location"]) == (303, "/back?error=permissions_missing")
    assert connections(acme) == []


def test_a_provider_that_does_not_answer_connects_nothing(world: World, acme: Member, site: Either) -> None:
    from flask import Response

    for begins in ("POST", "GET /v1", "GET /calendar/v3/users" if isinstance(site, GoogleServer) else "GET /v1.0/me/calendars"):
        site.troubles.clear()
        site.fail(begins, Response("{}", 503), times=1)
        refused(connect(world, acme, site, site.someone()), 503, "calendar_provider_unavailable")
    site.troubles.clear()
    assert connections(acme) == []


def test_only_the_browser_that_began_may_end_it(world: World, acme: Member, globex: Member, site: Either) -> None:
    """Another person's, another organization's, another provider's, a log-in's state: all are nobody's."""
    someone = site.someone()
    own_browser = browser(world, someone)
    begun = begin(own_browser, acme.token, site)
    back = own_browser.step("GET", begun.body["authorization_url"]).headers["location"]
    other_browser = browser(world, someone)
    begin(other_browser, globex.token, site)
    for other in (other_browser, browser(world, someone)):
        refused(other.step("GET", back), 400, "unknown_attempt")
    crossed = browser(world, someone)
    crossed.cookies = {name.replace("calendar_", ""): kept for name, kept in own_browser.cookies.items()}
    refused(crossed.step("GET", back), 400, "unknown_attempt")
    crossed.cookies = own_browser.cookies
    refused(crossed.step("GET", back.replace("state=", "state=x")), 400, "unknown_attempt")
    other_kind = back.replace("/google/", "/microsoft/") if isinstance(site, GoogleServer) else back.replace("/microsoft/", "/google/")
    refused(crossed.step("GET", other_kind), 400, "unknown_attempt")
    assert connections(acme) == connections(globex) == []
    assert own_browser.step("GET", back).status == 200
    refused(own_browser.step("GET", back), 400, "unknown_attempt")  # the browser has forgotten it
    assert len(connections(acme)) == 1


def test_a_code_is_good_once_and_with_its_verifier(world: World, acme: Member, site: Either) -> None:
    surfing = browser(world, site.someone())
    begun = begin(surfing, acme.token, site)
    kept = dict(surfing.cookies)
    back = surfing.step("GET", begun.body["authorization_url"]).headers["location"]
    assert surfing.step("GET", back).status == 200
    surfing.cookies = kept
    refused(surfing.step("GET", back), 400, "consent_failed")
    other = browser(world, site.someone())
    code = dict(parse_qsl(urlsplit(back).query))["code"]
    again = other.step("GET", begin(other, acme.token, site).body["authorization_url"]).headers["location"]
    stolen = again.replace(dict(parse_qsl(urlsplit(again).query))["code"], code)
    refused(other.step("GET", stolen), 400, "consent_failed")


def test_an_attempt_ends_after_ten_minutes(world: World, acme: Member, site: Either, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    from parley.identity.providers import oauth_state

    surfing = browser(world, site.someone())
    back = surfing.step("GET", begin(surfing, acme.token, site).body["authorization_url"]).headers["location"]

    class Later:
        time = staticmethod(lambda: time.time() + 601)

    monkeypatch.setattr(oauth_state, "time", Later)
    refused(surfing.step("GET", back), 400, "attempt_expired")


def test_who_has_left_meanwhile_connects_nothing(world: World, acme: Member, site: Either) -> None:
    colleague = acme.as_role("MEMBER")
    someone = site.someone()
    surfing = browser(world, someone)
    back = surfing.step("GET", begin(surfing, colleague.token, site).body["authorization_url"]).headers["location"]
    changed: Any = update(OrganizationMember).where(OrganizationMember.user_id == colleague.user_id).values(role="VIEWER")
    with transactions.transaction(system(acme.organization_id)) as session:
        session.execute(changed)
    post_count = site.count("POST")
    refused(surfing.step("GET", back), 401, "rights_changed")
    assert site.count("POST") == post_count  # no token was fetched
    assert connections(colleague) == []


def test_only_people_who_may_begin(world: World, acme: Member, stranger: Client, site: Either) -> None:
    refused(acme.key("calendars:*").post(f"{CONNECT}/{site.kind}"), 403, "not_a_person")
    assert acme.request("POST", f"{CONNECT}/{site.kind}").status == 200  # without a body
    refused(acme.as_role("VIEWER").post(f"{CONNECT}/{site.kind}"), 403, "missing_scope")
    assert stranger.post(f"{CONNECT}/{site.kind}").status == 401
    for name in ("apple", "custom", "GOOGLE", "google%2f.."):
        assert acme.post(f"{CONNECT}/{name}").status == 404, name
        assert stranger.get(f"{CONNECT}/{name}/callback").status == 404, name


def test_without_a_client_there_is_no_such_provider(world: World, acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in ("", "{}", '{"google": {}}', '{"microsoft": {"client_id": ""}}'):
        monkeypatch.setenv("CALENDAR_PROVIDERS", setting)
        refused(acme.post(f"{CONNECT}/google"), 404, "no_such_calendar_provider")
