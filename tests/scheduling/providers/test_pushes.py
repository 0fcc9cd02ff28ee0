"""Notices of changes: watched, verified, renewed; and those of strangers."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import pytest
from sqlalchemy import select, update

from local.http_api import Request
from parley.calendar_providers.provider_protocol import OAuthAccount, ProviderName
from parley.kernel.access.callers import system
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.scheduling.calendars.push_channels import PushChannel
from parley.scheduling.calendars.push_subscriptions import PushSubscription, due, renew_subscription
from parley.scheduling.tables.calendar_models import CalendarConnection, CalendarStatus, ConnectedCalendar
from tests.harness import Client, Member, World
from tests.scheduling.providers.google_server import GoogleServer, refusal
from tests.scheduling.providers.microsoft_server import MicrosoftServer
from tests.scheduling.providers.test_consent import connect

Either = GoogleServer | MicrosoftServer
PUSH = "/v1/scheduling/calendars/push"


class Watching:
    """A connected calendar that the provider watches, its connection waiting for its next turn."""

    def __init__(self, world: World, member: Member, site: Either) -> None:
        self.member, self.site, self.someone = member, site, site.someone()
        self.connection = UUID(connect(world, member, site, self.someone).body["id"])
        (self.row,) = member.rows(select(ConnectedCalendar).where(ConnectedCalendar.connection_id == self.connection))
        self.token = next(text for text, grant in site.access.items() if grant.someone is self.someone)
        self.watched = self.watch(PushSubscription(self.row.id, self.row.calendar_id, None, None, None))
        self.rest()

    def watch(self, calendar: PushSubscription) -> PushSubscription:
        account = OAuthAccount(provider=ProviderName(self.site.kind.upper()), access_token=self.token)  # type: ignore[arg-type]  # one of two
        return renew_subscription(account, self.member.organization_id, calendar)

    def set(self, **values: Any) -> None:
        with transactions.transaction(system(self.member.organization_id)) as session:
            session.execute(update(CalendarConnection).where(CalendarConnection.id == self.connection).values(values))

    def rest(self) -> None:
        self.set(next_sync_at=now() + timedelta(minutes=15))

    def is_due(self) -> bool:
        (row,) = self.member.rows(select(CalendarConnection).where(CalendarConnection.id == self.connection))
        return bool(row.next_sync_at <= now() + timedelta(minutes=1))


@pytest.fixture
def posts(world: World, sites: tuple[GoogleServer, MicrosoftServer]) -> list[tuple[str, dict[str, str], bytes]]:
    """Notices reach the gateway; what was sent."""
    sent: list[tuple[str, dict[str, str], bytes]] = []

    def push(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        sent.append((url, headers, body))
        assert url.startswith(os.environ["PUBLIC_URL"])
        response = world.gateway.handle(Request("POST", url.removeprefix(os.environ["PUBLIC_URL"]), tuple(headers.items()), body))
        return response.status, response.body

    for site in sites:
        site.push = push
    return sent


@pytest.fixture
def watching(world: World, acme: Member, site: Either, posts: list[Any]) -> Watching:
    return Watching(world, acme, site)


def test_a_notice_has_its_connection_synced_next_once(watching: Watching, site: Either, posts: list[Any]) -> None:
    assert watching.watched.channel_id and watching.watched.resource_id
    assert all(status == 202 for status in site.notify(watching.someone.primary))
    assert watching.is_due()
    (before,) = watching.member.rows(select(CalendarConnection.next_sync_at))
    site.notify(watching.someone.primary)
    assert watching.member.rows(select(CalendarConnection.next_sync_at)) == [before]


def test_a_forged_notice_is_answered_alike_and_starts_nothing(
    world: World, watching: Watching, site: Either, stranger: Client, posts: list[tuple[str, dict[str, str], bytes]]
) -> None:
    site.notify(watching.someone.primary)
    watching.rest()
    url, headers, body = posts[-1]
    path = urlsplit(url).path
    heard = site.push(url, headers, body) if site.push else None
    watching.rest()
    other = PushChannel.new(watching.member.organization_id, watching.row.id)
    secret = headers.get("X-Goog-Channel-Token") or json.loads(body)["value"][0]["clientState"]
    forged: list[tuple[str, dict[str, str], bytes]] = []
    for wrong in ("", "x", secret[:-1], secret + "x", secret.swapcase(), other.secret, "ü"):
        notice = {"value": [json.loads(body)["value"][0] | {"clientState": wrong}]} if body else {}
        forged.append((path, headers | {"X-Goog-Channel-Token": wrong.encode("ascii", "replace").decode()}, json.dumps(notice).encode()))
    forged += [(f"{PUSH}/{site.kind}/{name}", headers, body) for name in (other.name, "x", "A" * 52, str(new_id()))]
    forged.append((path, {"content-type": "application/json"}, b""))
    for strange in (b"[]", b"null", b"{", b'{"value": 3}', b'{"value": [3, null, {}]}', b"\xff" * 9, b'{"value":' + b"[" * 9000):
        forged.append((path, {"content-type": "application/json"}, strange))
    for where, wrong_headers, wrong_body in forged:
        answer = stranger.request("POST", where, wrong_body, wrong_headers)
        assert (answer.status, answer.raw) == heard, (where, wrong_headers, wrong_body)
        assert not watching.is_due(), (where, wrong_headers, wrong_body)


def test_what_is_no_longer_there_is_left_alone(watching: Watching, site: Either) -> None:
    for values in ({"status": CalendarStatus.EXPIRED}, {"status": CalendarStatus.ERROR}, {"deleted_at": now()}):
        watching.set(**({"status": CalendarStatus.ACTIVE, "deleted_at": None} | values))
        assert all(status == 202 for status in site.notify(watching.someone.primary))
        assert not watching.is_due(), values


def test_a_notice_of_one_organization_can_not_be_pointed_at_another(
    world: World, watching: Watching, globex: Member, site: Either, stranger: Client, posts: list[Any]
) -> None:
    globex_watching = Watching(world, globex, site)
    site.notify(watching.someone.primary)
    watching.rest()
    globex_watching.rest()
    _, headers, body = posts[-1]
    name = PushChannel.new(globex.organization_id, globex_watching.row.id).name
    stranger.request("POST", f"{PUSH}/{site.kind}/{name}", body, headers | {"X-Goog-Channel-ID": name})
    assert not globex_watching.is_due() and not watching.is_due()


def test_google_s_first_message_starts_nothing(world: World, acme: Member, google: GoogleServer, posts: list[Any]) -> None:
    watching = Watching(world, acme, google)
    assert [headers["X-Goog-Resource-State"] for _, headers, _ in posts] == ["sync"]
    google.notify(watching.someone.primary, "sync")
    assert not watching.is_due()


def test_microsoft_gets_its_word_back_as_it_came(
    acme: Member, world: World, microsoft: MicrosoftServer, stranger: Client, posts: list[Any]
) -> None:
    watching = Watching(world, acme, microsoft)
    made = microsoft.subscriptions[str(watching.watched.channel_id)]
    assert made.validated_with == 200 and made.lifecycle_url == made.url
    for word in ("Validation: Testing <b>&amp;</b> \n ü€ %2B+", "x" * 2000):
        answer = stranger.request(
            "POST", f"{PUSH}/microsoft/any?validationToken={quote(word, safe='')}", b"", {"content-type": "text/plain"}
        )
        assert (answer.status, answer.raw.decode()) == (200, word)
        assert answer.headers["content-type"].startswith("text/plain") and answer.headers["x-content-type-options"] == "nosniff"
    assert not watching.is_due()


@pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved", "missed"])
def test_microsoft_s_lifecycle_is_heeded(world: World, acme: Member, microsoft: MicrosoftServer, posts: list[Any], event: str) -> None:
    watching = Watching(world, acme, microsoft)
    with transactions.transaction(system(acme.organization_id)) as session:
        session.execute(update(ConnectedCalendar).values(watched_until=now() + timedelta(days=2)))
    microsoft.tell(microsoft.subscriptions[str(watching.watched.channel_id)], lifecycle=event)
    assert watching.is_due()
    (until,) = acme.rows(select(ConnectedCalendar.watched_until))
    assert (until is None) == (event != "missed")


def test_a_watch_is_renewed_before_it_ends_and_the_former_one_closed(watching: Watching, site: Either, posts: list[Any]) -> None:
    first = watching.watched
    assert first.until is not None and now() + timedelta(days=2) < first.until < now() + timedelta(days=8)
    assert due([first]) == []
    assert due([PushSubscription(first.id, first.calendar_id, first.channel_id, first.resource_id, now() + timedelta(hours=20))])
    second = watching.watch(first)
    assert second.channel_id != first.channel_id
    if isinstance(site, GoogleServer):
        assert site.channels[str(first.channel_id)].is_stopped and not site.channels[str(second.channel_id)].is_stopped
    else:
        assert [subscription for subscription in (first, second) if subscription.channel_id in site.subscriptions] == [second]
    site.notify(watching.someone.primary)
    assert watching.is_due()


def test_a_calendar_that_is_not_watched_is_polled_and_asked_about_later(watching: Watching, site: Either, posts: list[Any]) -> None:
    fresh = PushSubscription(watching.row.id, watching.row.calendar_id, None, None, None)
    begins = "POST /calendar/v3" if isinstance(site, GoogleServer) else "POST /v1.0/subscriptions"
    for status, least in ((400, timedelta(hours=23)), (503, timedelta(minutes=59))):
        site.fail(begins, refusal(status, "pushNotSupportedForRequestedResource", "No."))
        later = watching.watch(fresh)
        assert (later.channel_id, later.resource_id) == (None, None)
        assert later.until is not None and later.until > now() + least
        assert due([later]) == []
    # One that is open stays while it lasts.
    site.fail(begins, refusal(503, "backendError", "No."))
    assert watching.watch(watching.watched) == watching.watched
