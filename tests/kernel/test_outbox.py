"""What a transaction announces is published, once or more, however a process ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select, update

from local.emulator import ROOT
from parley.kernel.aws import aws_requests
from parley.kernel.outbound import event_bus
from parley.kernel.persistence import outbox, transactions
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.values.declarations import EventName
from tests.harness import Member, World


def events_of(acme: Member) -> list[str]:
    return sorted(acme.rows(select(OutboxEvent.name)))


def announce(acme: Member, *names: str) -> None:
    with transactions.transaction(acme.caller) as session:
        for name in names:
            outbox.announce(session, EventName(name), organization_id=acme.organization_id)


def relay_all(accepted: Sequence[str]) -> list[str]:
    """Relay until nothing is due; says what was published."""
    published: list[str] = []

    def publish(events: Sequence[OutboxEvent]) -> list[bool]:
        published.extend(event.name for event in events if event.name in accepted)
        return [event.name in accepted for event in events]

    while True:
        with transactions.sweep() as session:
            if not outbox.relay(session, publish):
                return published


def test_an_event_leaves_only_with_its_transaction(acme: Member) -> None:
    with pytest.raises(RuntimeError), transactions.transaction(acme.caller) as session:
        outbox.announce(session, EventName("test.never"))
        session.flush()
        raise RuntimeError
    assert events_of(acme) == []


def test_a_refused_event_waits_and_does_not_block_the_others(acme: Member) -> None:
    announce(acme, "test.good", "test.bad", "test.good")
    assert [name for name in relay_all(["test.good"]) if name.startswith("test.")] == ["test.good", "test.good"]
    (waiting,) = acme.rows(select(OutboxEvent))
    assert (waiting.name, waiting.attempts) == ("test.bad", 1)
    assert (waiting.due_at - waiting.occurred_at).total_seconds() >= 2
    with transactions.transaction(acme.caller) as session:
        session.execute(update(OutboxEvent).values(due_at=waiting.occurred_at))
    assert relay_all(["test.bad"]) == ["test.bad"]
    assert events_of(acme) == []


def test_what_was_refused_for_a_day_is_set_aside_with_its_row(acme: Member) -> None:
    announce(acme, "test.bad")
    with transactions.transaction(acme.caller) as session:
        session.execute(update(OutboxEvent).values(attempts=outbox.MOST_ATTEMPTS - 1))
    relay_all(["test.good"])
    (waiting,) = acme.rows(select(OutboxEvent))
    assert (waiting.name, waiting.due_at) == ("test.bad", outbox.QUARANTINE_DUE_AT)
    assert relay_all(["test.bad"]) == []


def test_a_bus_that_does_not_answer_loses_nothing(acme: Member) -> None:
    announce(acme, "test.kept")

    def publish(events: Sequence[OutboxEvent]) -> list[bool]:
        raise ConnectionError("the bus is away")

    with pytest.raises(ConnectionError), transactions.sweep() as session:
        outbox.relay(session, publish)
    assert events_of(acme) == ["test.kept"]
    assert relay_all(["test.kept"]) == ["test.kept"]


@pytest.mark.parametrize(
    "refusal", [(400, "ValidationException", "Total size of the entries in the request is over the limit."), (413, "", "")]
)
def test_what_the_bus_never_takes_holds_up_nobody(
    world: World, acme: Member, monkeypatch: pytest.MonkeyPatch, refusal: tuple[int, str, str]
) -> None:
    """PutEvents refuses a request whose entries are too large together, whichever of them is to blame."""
    world.pump()
    real = aws_requests.call

    def strict(service: str, operation: str, parameters: dict[str, Any], **other: Any) -> dict[str, Any]:
        if service == "events" and sum(len(entry["Detail"]) for entry in parameters["Entries"]) > 256 * 1024:
            raise aws_requests.CallFailed(*refusal)
        return real(service, operation, parameters, **other)

    monkeypatch.setattr(aws_requests, "call", strict)
    with transactions.transaction(acme.caller) as session:
        for size in [40_000] * 9 + [300_000, 1]:
            outbox.announce(session, EventName("test.size"), text="x" * size)
    world.invoke("platform/relay_outbox", {"Records": []})
    (waiting,) = acme.rows(select(OutboxEvent))
    assert (len(waiting.payload["text"]), waiting.attempts) == (300_000, 1)
    assert (waiting.due_at - waiting.occurred_at).total_seconds() >= 2


def test_a_bus_that_may_not_be_written_to_is_no_fault_of_the_events(acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(acme, "test.kept")

    def denied(*_: Any, **__: Any) -> Any:
        raise aws_requests.CallFailed(400, "AccessDeniedException", "not authorized to perform: events:PutEvents")

    with monkeypatch.context() as patched, pytest.raises(aws_requests.CallFailed), transactions.sweep() as session:
        patched.setattr(aws_requests, "call", denied)
        outbox.relay(session, event_bus.publish)
    assert [event.attempts for event in acme.rows(select(OutboxEvent))] == [0]
    relay_all(["test.kept"])


def test_a_batch_costs_the_relay_three_round_trips(acme: Member) -> None:
    relay_all([])
    announce(acme, *(f"test.{number}" for number in range(10)))
    with transactions.sweep() as session:
        before = transactions.round_trips(session)
        assert outbox.relay(session, lambda events: [event.name != "test.3" for event in events]) == 10
        assert transactions.round_trips(session) - before == 1  # and one to begin, one to commit
    assert events_of(acme) == ["test.3"]
    relay_all(["test.3"])


def test_two_relays_take_different_events(acme: Member) -> None:
    announce(acme, *(f"test.{number}" for number in range(12)))
    seen: list[set[str]] = []

    def inner(events: Sequence[OutboxEvent]) -> list[bool]:
        seen.append({event.name for event in events})
        return [True] * len(events)

    def outer(events: Sequence[OutboxEvent]) -> list[bool]:
        with transactions.sweep() as session:
            outbox.relay(session, inner)
        return inner(events)

    with transactions.sweep() as session:
        assert outbox.relay(session, outer) == 10
    assert len(seen) == 2 and not seen[0] & seen[1]
    relay_all(list(events_of(acme)))


KILLED = """
import os, signal
from parley.kernel.outbound import event_bus
from parley.kernel.persistence import outbox, transactions
from parley.kernel.access.callers import system
from parley.kernel.values.declarations import EventName
from uuid import UUID
caller = system(UUID(os.environ["ORGANIZATION"]))
if os.environ["MOMENT"] == "after commit":
    outbox.kick = lambda: os.kill(os.getpid(), signal.SIGKILL)
    with transactions.transaction(caller) as session:
        outbox.announce(session, EventName("test.survives"), ids=["1"])
else:
    def publish(events):
        event_bus.publish(events)
        os.kill(os.getpid(), signal.SIGKILL)
    with transactions.sweep() as session:
        outbox.relay(session, publish)
"""


def killed(acme: Member, moment: str) -> None:
    """A process of its own that kills itself at that moment."""
    environment = os.environ | {"ORGANIZATION": str(acme.organization_id), "MOMENT": moment, "PYTHONPATH": str(ROOT / "shared")}
    ended = subprocess.run([sys.executable, "-c", KILLED], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL


def test_a_process_killed_between_commit_and_publish_loses_nothing(world: World, acme: Member) -> None:
    killed(acme, "after commit")
    assert events_of(acme) == ["test.survives"]
    world.pump()
    assert events_of(acme) == []


def test_a_relay_killed_between_publish_and_its_own_commit_publishes_the_same_id_again(acme: Member) -> None:
    announce(acme, "test.twice")
    (event,) = acme.rows(select(OutboxEvent))
    killed(acme, "while relaying")
    (again,) = acme.rows(select(OutboxEvent))
    assert again.id == event.id
    assert relay_all(["test.twice"]) == ["test.twice"]


def test_the_envelope_on_the_bus_has_ids_and_plain_values(acme: Member) -> None:
    announce(acme, "test.shape")
    (event,) = acme.rows(select(OutboxEvent))
    assert event.payload == {"organization_id": str(acme.organization_id)}
    json.dumps(event.payload)
    relay_all(["test.shape"])
