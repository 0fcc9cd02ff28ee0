from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from parley.kernel.values import clock
from tests.harness import Member, World
from tests.kernel.http_receivers import Receiver, receiver
from tests.scheduling.booking_scenarios import Office, SentMail
from tests.scheduling.workflow_scenarios import WorkflowScenario
from tests.webhooks.conftest import Clock


@pytest.fixture
def office(world: World, acme: Member) -> Office:
    return Office(world, acme)


@pytest.fixture
def event_type(office: Office) -> dict[str, Any]:
    """Half an hour, on the half hour, Monday to Friday from 9 to 17 in Berlin."""
    return office.event_type()


@pytest.fixture
def letters(world: World) -> Callable[..., list[SentMail]]:
    """The mails to an address about a booking, oldest first."""

    def of(booking: dict[str, Any], to: str = "grace@visitor.example") -> list[SentMail]:
        read = [SentMail(mail["raw"]) for mail in world.mails() if to in mail["to"]]
        return [letter for letter in read if booking["id"] in letter.message["Message-ID"]]

    return of


@pytest.fixture
def agency(world: World, acme: Member, monkeypatch: pytest.MonkeyPatch) -> WorkflowScenario:
    made = Clock()
    monkeypatch.setattr(clock, "_read", made)
    monkeypatch.setattr(clock, "_read_of_database", made)
    return WorkflowScenario(world, acme, made)


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiver() as made:
        yield made
