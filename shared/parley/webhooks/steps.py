"""What the worker does with a message: tell an event, take a turn, note an outcome, write to the keepers of an endpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from parley.kernel.callers import Caller
from parley.kernel.db import transaction
from parley.webhooks import telling, turns
from parley.webhooks.messages import ATTEMPT_ENDED, DISABLED, FAILING, TURN_DUE, Outcome, Request, turn_due
from parley.webhooks.telling import Tell
from parley.webhooks.turns import Turn


@dataclass(frozen=True, slots=True)
class Heard:
    """A message: an event of the bus, or one of ours."""

    id: UUID
    name: str
    occurred_at: datetime
    payload: dict[str, Any]

    @classmethod
    def of(cls, announced: Any) -> Self:
        """From what the bus brings (`jobs.Announced`)."""
        return cls(announced.id, announced.name, announced.occurred_at, announced.payload.root)


@dataclass(frozen=True, slots=True)
class Effects:
    """What happens outside: `send` gives a request to the sender, `wake` a message to this worker in so many seconds.

    `write` sends the mails of an event about a subscription.
    """

    send: Callable[[Request], None]
    wake: Callable[[str, int], None]
    show: Tell
    write: Callable[[Caller, UUID, str, UUID], None]


def take_up(caller: Caller, heard: Heard, effects: Effects) -> None:
    """Any message may come twice: rows and leases decide what is still to be done."""
    if heard.name == TURN_DUE:
        _turn(caller, UUID(heard.payload["subscription_id"]), effects)
    elif heard.name == ATTEMPT_ENDED:
        outcome = Outcome.model_validate(heard.payload)
        with transaction(caller) as session:
            turn = turns.settle(session, caller, outcome)
        _carry_out(caller, outcome.subscription_id, turn, effects)
    elif heard.name in {FAILING, DISABLED}:
        effects.write(caller, heard.id, heard.name, UUID(heard.payload["subscription_id"]))
    else:
        with transaction(caller) as session:
            told = telling.tell(session, caller, heard.id, heard.name, heard.occurred_at, heard.payload, effects.show)
        _turns(caller, sorted(told), effects)


def _turns(caller: Caller, subscription_ids: list[UUID], effects: Effects) -> None:
    """One whose turn fails does not hold up the others; the message comes back for its sake."""
    problems: list[Exception] = []
    for subscription_id in subscription_ids:
        try:
            _turn(caller, subscription_id, effects)
        except Exception as problem:  # noqa: BLE001  # raised below, with the others
            problems.append(problem)
    if problems:
        raise ExceptionGroup("turns failed", problems)


def _turn(caller: Caller, subscription_id: UUID, effects: Effects) -> None:
    with transaction(caller) as session:
        turn = turns.take(session, caller, subscription_id)
    _carry_out(caller, subscription_id, turn, effects)


def _carry_out(caller: Caller, subscription_id: UUID, turn: Turn, effects: Effects) -> None:
    # Leased by now. What is lost between here and the queue is attempted again when the lease is over.
    for request in turn.requests:
        effects.send(request)
    if turn.wake_in is not None:
        effects.wake(turn_due(caller.organization_id, subscription_id), turn.wake_in)
