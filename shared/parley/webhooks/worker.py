"""What the worker does with a message: tell an event, take a turn, note an outcome, write to the keepers of an endpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from parley.kernel.access.callers import Caller
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import attempts, fan_out
from parley.webhooks.attempts import AttemptBatch
from parley.webhooks.declared import WebhooksEvent
from parley.webhooks.fan_out import PayloadReader
from parley.webhooks.queue_messages import AttemptOutcome, AttemptRequest, turn_due


@dataclass(frozen=True, slots=True)
class WorkerMessage:
    """A message: an event of the bus, or one of ours."""

    id: UUID
    name: str
    occurred_at: datetime
    payload: dict[str, Any]

    @classmethod
    def of(cls, announced: Any) -> Self:
        """From what the bus brings (`jobs.BusEvent`)."""
        return cls(announced.id, announced.name, announced.occurred_at, announced.payload.root)


@dataclass(frozen=True, slots=True)
class WorkerEffects:
    """What happens outside: `send` gives a request to the sender, `wake` a message to this worker in so many seconds.

    `write` sends the mails of an event about a subscription.
    """

    send: Callable[[AttemptRequest], None]
    wake: Callable[[str, int], None]
    show: PayloadReader
    write: Callable[[Caller, UUID, str, UUID], None]


def handle_message(caller: Caller, heard: WorkerMessage, effects: WorkerEffects) -> None:
    """Any message may come twice: rows and leases decide what is still to be done."""
    if heard.name == WebhooksEvent.TURN_DUE:
        _turn(caller, UUID(heard.payload["subscription_id"]), effects)
    elif heard.name == WebhooksEvent.ATTEMPT_ENDED:
        outcome = AttemptOutcome.model_validate(heard.payload)
        with transaction(caller) as session:
            turn = attempts.record_outcome(session, caller, outcome)
        _carry_out(caller, outcome.subscription_id, turn, effects)
    elif heard.name in {WebhooksEvent.SUBSCRIPTION_FAILING, WebhooksEvent.SUBSCRIPTION_DISABLED}:
        effects.write(caller, heard.id, heard.name, UUID(heard.payload["subscription_id"]))
    else:
        with transaction(caller) as session:
            subscription_ids = fan_out.create_deliveries(
                session, caller, heard.id, heard.name, heard.occurred_at, heard.payload, effects.show
            )
        _turns(caller, sorted(subscription_ids), effects)


def _turns(caller: Caller, subscription_ids: list[UUID], effects: WorkerEffects) -> None:
    """One whose turn fails does not hold up the others; the message comes back for its sake."""
    problems: list[Exception] = []
    for subscription_id in subscription_ids:
        try:
            _turn(caller, subscription_id, effects)
        except Exception as problem:  # noqa: BLE001  # raised below, with the others
            problems.append(problem)
    if problems:
        raise ExceptionGroup("turns failed", problems)


def _turn(caller: Caller, subscription_id: UUID, effects: WorkerEffects) -> None:
    with transaction(caller) as session:
        turn = attempts.lease(session, caller, subscription_id)
    _carry_out(caller, subscription_id, turn, effects)


def _carry_out(caller: Caller, subscription_id: UUID, turn: AttemptBatch, effects: WorkerEffects) -> None:
    # Leased by now. What is lost between here and the queue is attempted again when the lease is over.
    for request in turn.requests:
        effects.send(request)
    if turn.wake_in is not None:
        effects.wake(turn_due(caller.organization_id, subscription_id), turn.wake_in)
