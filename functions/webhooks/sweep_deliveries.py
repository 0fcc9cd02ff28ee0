"""Each minute: wakes what waited for longer than a message can, or was lost on its way; forgets deliveries after 30 days."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from parley.kernel.aws.aws_requests import send_message
from parley.kernel.values.settings import setting
from parley.kernel.workers.sweeps import CrossTenantDuty, RowsDuty, Sweep
from parley.webhooks import deliveries, queries
from parley.webhooks.queue_messages import turn_due


def wake(session: Session, rows: Sequence[Any]) -> None:
    for organization_id, subscription_id in rows:
        send_message(setting("WEBHOOK_EVENTS_QUEUE_URL"), turn_due(organization_id, subscription_id))


# They are due until somebody has taken their turn: one batch a run, or the same ones would be woken again.
lambda_handler = Sweep(
    RowsDuty("woken", queries.waiting_subscriptions, wake, batch=1000, locks=False, again=False),
    CrossTenantDuty("forgotten", deliveries.forget_old),
)
