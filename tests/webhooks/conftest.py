"""An organization with an event type that can be booked, receivers on loopback, and a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from parley.kernel.values import clock
from tests.harness import Member, World
from tests.kernel.http_receivers import Receiver, receiver
from tests.webhooks.webhook_scenarios import WebhookScenario


class Clock:
    """The product's time: it stands still, and moves when a test moves it. How fast this machine is does not matter."""

    def __init__(self) -> None:
        self.began = datetime.now(UTC)
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return self.began + self.ahead

    def move(self, by: timedelta) -> None:
        self.ahead += by


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(clock, "_read", made)
    monkeypatch.setattr(clock, "_read_of_database", made)
    return made


@pytest.fixture
def shop(world: World, acme: Member) -> WebhookScenario:
    return WebhookScenario(world, acme)


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """Where webhooks are sent to: its address, what came, and what it answers."""
    with receiver() as made:
        yield made
