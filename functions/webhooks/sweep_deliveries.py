"""Each minute: wakes what waited for longer than a message can, or was lost on its way; forgets deliveries after 30 days."""

from typing import Any

from aws_lambda_powertools import Logger

from parley.kernel.clock import now
from parley.kernel.db import sweep
from parley.kernel.settings import setting
from parley.kernel.signed import send_message
from parley.webhooks import deliveries, queries
from parley.webhooks.messages import turn_due

logger = Logger("parley")
AT_ONCE = 1000


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    with sweep() as session:
        due = queries.due_subscriptions(session, now(), AT_ONCE)
        forgotten = deliveries.forget_old(session)
    for organization_id, subscription_id in due:
        send_message(setting("WEBHOOK_EVENTS_QUEUE_URL"), turn_due(organization_id, subscription_id))
    done = {"woken": len(due), "forgotten": forgotten}
    logger.info("swept", extra=done)
    return done
