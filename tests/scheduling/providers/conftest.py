"""The two providers on loopback, configured as a deployment would, and adapters asked as the function outside does."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from parley.calendar_providers import adapter_dispatch
from parley.calendar_providers.provider_protocol import (
    BookingEvent,
    FreeBusy,
    OAuthAccount,
    Operation,
    ProviderName,
    ProviderReply,
    ProviderRequest,
    ReadChanges,
)
from tests.scheduling.providers import google_server, microsoft_server
from tests.scheduling.providers.calendar_server import Calendar, Grant
from tests.scheduling.providers.google_server import GoogleServer
from tests.scheduling.providers.microsoft_server import MicrosoftServer

START = datetime(2031, 3, 3, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def free_busy(*calendars: str) -> FreeBusy:
    return FreeBusy(calendar_ids=list(calendars), start=START - timedelta(days=2), end=START + timedelta(days=30))


def changes(calendar: str, token: str | None, end: datetime = START + timedelta(days=30)) -> ReadChanges:
    return ReadChanges(calendar_id=calendar, sync_token=token, start=START - timedelta(days=2), end=end)


@pytest.fixture(autouse=True)
def _configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_ENVIRONMENT", "local")


@pytest.fixture
def sites(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[GoogleServer, MicrosoftServer]]:
    """Both, at peace, and known to the functions."""
    home = os.environ.get("PUBLIC_URL", "http://127.0.0.1:1")
    google, microsoft = google_server.standing(home), microsoft_server.standing(home)
    monkeypatch.setenv("CALENDAR_PROVIDERS", json.dumps({"google": google.settings(), "microsoft": microsoft.settings()}))
    for site in (google, microsoft):
        site.troubles.clear()
        site.requests.clear()
        site.refreshes, site.refresh_takes, site.token_seconds, site.page_size = 0, 0.0, 3599, 100
        site.forgotten_before = 0
    yield google, microsoft
    for site in (google, microsoft):
        site.troubles.clear()
        site.push = None


@pytest.fixture
def google(sites: tuple[GoogleServer, MicrosoftServer]) -> GoogleServer:
    return sites[0]


@pytest.fixture
def microsoft(sites: tuple[GoogleServer, MicrosoftServer]) -> MicrosoftServer:
    return sites[1]


@pytest.fixture(params=["google", "microsoft"])
def site(request: pytest.FixtureRequest, sites: tuple[GoogleServer, MicrosoftServer]) -> GoogleServer | MicrosoftServer:
    """Each in its turn."""
    return sites[0] if request.param == "google" else sites[1]


class Adapter:
    """Somebody's account, asked directly."""

    def __init__(self, site: GoogleServer | MicrosoftServer, scopes: set[str] | None = None) -> None:
        from parley.calendar_providers.calendar_oauth_clients import client_of_provider

        self.site, self.someone = site, site.someone()
        self.provider = ProviderName(site.kind.upper())
        granted = set(client_of_provider(site.kind).scopes) if scopes is None else scopes
        self.tokens = site.issued(Grant(self.someone, granted), with_refresh=True)

    @property
    def calendar(self) -> Calendar:
        return self.someone.primary

    def reply(self, wanted: Operation, seconds: float = 10) -> ProviderReply:
        account = OAuthAccount(provider=self.provider, access_token=self.tokens["access_token"])  # type: ignore[arg-type]  # one of two
        return adapter_dispatch.answer(ProviderRequest(account=account, wanted=wanted, seconds=seconds))

    def ask(self, wanted: Operation) -> Any:
        """The answer; there is to be one."""
        reply = self.reply(wanted)
        assert reply.answer is not None, reply.trouble
        return reply.answer

    def trouble(self, wanted: Operation, seconds: float = 10) -> Any:
        reply = self.reply(wanted, seconds)
        assert reply.trouble is not None, reply.answer
        return reply.trouble


def event(start: datetime = START, minutes: int = 30, **changed: Any) -> BookingEvent:
    fields: dict[str, Any] = {
        "id": "0123456789abcdef0123456789abcdef",
        "uid": "booking@parley.test",
        "sequence": 0,
        "title": "Intro with Grace Hopper",
        "description": "Grace Hopper <grace@visitor.example>",
        "location": "https://meet.example/abc",
        "start": start,
        "end": start + timedelta(minutes=minutes),
        "timezone": "Europe/Berlin",
        "attendees": [{"name": "Grace Hopper", "email": "grace@visitor.example"}],
        "stamp": START,
    }
    return BookingEvent(**(fields | changed))
