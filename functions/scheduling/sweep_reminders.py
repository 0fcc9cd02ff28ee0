"""Each minute: gives the reminders that are due to their worker; forgets texts of messages after 30 days."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

from aws_lambda_powertools import Logger

from parley.kernel.clock import now
from parley.kernel.db import sweep
from parley.kernel.settings import setting
from parley.kernel.signed import send_message
from parley.scheduling.workflows import log, planning
from parley.webhooks.messages import envelope

logger = Logger("parley")
AT_ONCE, A_MESSAGE = 500, 10


def messages_of(taken: list[tuple[UUID, UUID]]) -> Iterator[str]:
    for organization_id, rows in groupby(sorted(taken), key=lambda row: row[0]):
        ids = [str(reminder_id) for _, reminder_id in rows]
        for at in range(0, len(ids), A_MESSAGE):
            yield envelope(planning.REMINDERS_DUE, organization_id, {"reminder_ids": ids[at : at + A_MESSAGE]})


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    queued, taken = 0, AT_ONCE
    # A portion a transaction, which ends when its messages are in the queue: what is lost between the two comes twice, and leaves once.
    while taken == AT_ONCE and context.get_remaining_time_in_millis() > 20_000:
        with sweep() as session:
            rows = planning.queue(session, now(), AT_ONCE)
            for message in messages_of(list(rows)):
                send_message(setting("WORKFLOWS_QUEUE_URL"), message)
        taken = len(rows)
        queued += taken
    with sweep() as session:
        forgotten = log.forget(session)
    done = {"queued": queued, "forgotten": forgotten}
    logger.info("swept", extra=done)
    return done
