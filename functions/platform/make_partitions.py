"""The daily upkeep of tables: next months' partitions of the audit trail; old idempotency keys, receipts of messages,
sessions, links, throttles and claims of mails are forgotten."""

from typing import Any

from aws_lambda_powertools import Logger
from sqlalchemy import text

from parley.identity import links, sessions, throttles
from parley.inbox import receipts
from parley.kernel import idempotency, mail_claims, rate_limits
from parley.kernel.db import sweep

logger = Logger("parley")
MONTHS_AHEAD = 3


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    with sweep() as session:
        made = session.scalar(text("SELECT make_audit_partitions(:months)"), {"months": MONTHS_AHEAD}) or 0
        done: dict[str, int] = {
            "partitions": made,
            "idempotency_keys": idempotency.forget(session),
            "receipts": receipts.forget(session),
            "sessions": sessions.forget(session),
            "links": links.forget(session),
            "throttles": throttles.forget(session),
            "rate_limits": rate_limits.forget(session),
            "mail_claims": mail_claims.forget(session),
        }
    logger.info("upkeep", extra=done)
    return done
