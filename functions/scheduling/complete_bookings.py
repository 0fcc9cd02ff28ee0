"""Every few minutes: meetings that are over are completed, requests that nobody answered lapse, holds that are over go."""

from typing import Any

from aws_lambda_powertools import Logger

from parley.kernel.callers import system
from parley.kernel.db import sweep, transaction
from parley.scheduling import holds, sweeps

logger = Logger("parley")


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    settled = 0
    with sweep() as session:
        forgotten = holds.forget(session)
        waiting = sweeps.organizations_with_ended(session)
    # A batch a transaction. What is left when the time is nearly over is still due in a few minutes.
    for organization_id in waiting:
        taken = sweeps.BATCH
        while taken == sweeps.BATCH and context.get_remaining_time_in_millis() > 10_000:
            caller = system(organization_id)
            with transaction(caller) as session:
                taken = sweeps.settle(session, caller)
            settled += taken
    done = {"bookings": settled, "holds": forgotten}
    logger.info("settled", extra=done)
    return done
