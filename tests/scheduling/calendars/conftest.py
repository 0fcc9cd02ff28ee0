from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import Member, World
from tests.scheduling.booking_scenarios import Office
from tests.scheduling.calendars.caldav_server import PASSWORD, USER, Radicale, radicale
from tests.scheduling.calendars.ics_server import Site

CALENDARS = "/v1/scheduling/calendars"
_number = itertools.count(1)


@pytest.fixture(scope="module")
def dav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    with radicale(tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_ENVIRONMENT", "local")


class Desk:
    """A host with a calendar at Radicale. `path` is the calendar's."""

    def __init__(self, world: World, host: Member, dav: Radicale) -> None:
        self.world, self.host, self.dav = world, host, dav
        self.path = f"/{USER}/work-{next(_number)}/"
        self.url = dav.make_calendar(self.path)

    def wanted(self, **other: Any) -> dict[str, Any]:
        """By the calendar's own address: other tests' calendars of the same account stay out of it."""
        return {"provider": "CUSTOM", "server_url": self.url, "username": USER, "password": PASSWORD} | other

    def connect(self, who: Member | None = None, **other: Any) -> dict[str, Any]:
        """Connected, with this calendar alone counting and written to, and synced."""
        who = who or self.host
        answer = who.post(CALENDARS, self.wanted(**other))
        assert answer.status == 201, answer.raw
        path = f"{CALENDARS}/{answer.body['id']}"
        chosen = who.patch(path, {"busy_calendar_ids": [self.url], "calendar_id": self.url, "is_primary": True})
        assert chosen.status == 200, chosen.raw
        self.world.pump()
        return self.seen(chosen.body["id"], who)

    def seen(self, connection_id: str, who: Member | None = None) -> dict[str, Any]:
        body: dict[str, Any] = (who or self.host).get(f"{CALENDARS}/{connection_id}").body
        return body

    def sync(self, connection_id: str) -> dict[str, Any]:
        answer = self.host.post(f"{CALENDARS}/{connection_id}/sync")
        assert answer.status == 202, answer.raw
        self.world.pump()
        return self.seen(connection_id)

    def put(self, name: str, start: str, end: str, more: str = "") -> None:
        """An event of another program's; instants as `2026-12-07T09:00:00Z`."""
        first, last = (moment.replace("-", "").replace(":", "") for moment in (start, end))
        event = f"UID:{name}\nDTSTAMP:20260101T000000Z\nSUMMARY:Dentist\nDTSTART:{first}\nDTEND:{last}\n{more}"
        self.dav.put(f"{self.path}{name}.ics", event)

    def events(self) -> list[str]:
        return self.dav.events(self.path)


@pytest.fixture
def desk(world: World, office: Office, dav: Radicale) -> Iterator[Desk]:
    yield Desk(world, office.host, dav)
    dav.delay, dav.is_down, dav.wants_digest, dav.shows_events, dav.addresses = 0.0, False, False, True, []
