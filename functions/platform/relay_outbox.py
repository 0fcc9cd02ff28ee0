"""Queue relay-queue, each minute: publishes what waits in the outbox, kicked after a commit and swept."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from parley.kernel.outbound import event_bus
from parley.kernel.persistence import outbox
from parley.kernel.workers.sweeps import RowsDuty, Sweep


def publish(session: Session, rows: Sequence[Any]) -> None:
    outbox.settle(session, [event for _, _, event in rows], event_bus.publish)


# Ten at a time, each in a transaction of its own, until nothing is due or the function's time is nearly over.
sweep = Sweep(RowsDuty("events", outbox.due, publish, batch=outbox.BATCH))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    sweep(event, context)
    return {"batchItemFailures": []}
