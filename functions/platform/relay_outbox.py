"""Publishes what waits in the outbox: kicked by a queue after a commit, and swept by schedule."""

from typing import Any

from aws_lambda_powertools import Logger

from parley.kernel import bus, outbox
from parley.kernel.db import sweep

logger = Logger("parley")


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    published = 0
    # Ten at a time, each in a transaction of its own, until nothing is due or the function's time is nearly over.
    while context.get_remaining_time_in_millis() > 10_000:
        with sweep() as session:
            taken = outbox.relay(session, bus.publish)
        published += taken
        if taken < outbox.BATCH:
            break
    logger.info("relayed", events=published)
    return {"batchItemFailures": []}
