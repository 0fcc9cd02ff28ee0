"""Every few minutes: meetings that are over are completed, requests that nobody answered lapse, holds that are over go, erasures go on."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from aws_lambda_powertools import Logger
from sqlalchemy.orm import Session

from parley.kernel.callers import Caller, system
from parley.kernel.db import sweep, transaction
from parley.scheduling import erasure, holds, sweeps

logger = Logger("parley")


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    with sweep() as session:
        forgotten = holds.forget(session)
        ended, leaving = sweeps.organizations_with_ended(session), erasure.organizations_waiting(session)
    settled = _each(context, ended, sweeps.settle, sweeps.BATCH)
    erased = _each(context, leaving, erasure.go_on, erasure.BATCH)
    done = {"bookings": settled, "holds": forgotten, "erased": erased}
    logger.info("settled", extra=done)
    return done


def _each(context: Any, waiting: Sequence[UUID], settle: Callable[[Session, Caller], int], batch: int) -> int:
    """A batch a transaction. What is left when the time is nearly over is still due in a few minutes."""
    settled = 0
    for organization_id in waiting:
        taken = batch
        while taken == batch and context.get_remaining_time_in_millis() > 10_000:
            caller = system(organization_id)
            with transaction(caller) as session:
                taken = settle(session, caller)
            settled += taken
    return settled
