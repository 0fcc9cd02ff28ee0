"""The daily upkeep of the kernel's tables: next months' partitions of the audit trail, and old idempotency keys."""

from typing import Any

from aws_lambda_powertools import Logger
from sqlalchemy import text

from parley.kernel import idempotency
from parley.kernel.db import sweep

logger = Logger()
MONTHS_AHEAD = 3


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    with sweep() as session:
        made = session.scalar(text("SELECT make_audit_partitions(:months)"), {"months": MONTHS_AHEAD}) or 0
        forgotten = idempotency.forget(session)
    logger.info("upkeep", partitions=made, idempotency_keys=forgotten)
    return {"partitions": made, "idempotency_keys": forgotten}
