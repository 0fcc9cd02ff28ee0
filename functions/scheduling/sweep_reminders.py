"""Each minute: gives the reminders that are due to their worker; forgets texts of messages after 30 days."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session

from parley.kernel.aws.aws_requests import send_message
from parley.kernel.persistence.sweep_retries import Due
from parley.kernel.values.clock import now, of_database
from parley.kernel.values.settings import setting
from parley.kernel.workers.sweeps import CrossTenantDuty, RowsDuty, Sweep
from parley.scheduling.declared import SchedulingEvent
from parley.scheduling.workflows import notification_log, reminders
from parley.webhooks.queue_messages import envelope

A_MESSAGE = 10


def due() -> Due:
    return reminders.due_reminders(of_database())


def queue(session: Session, rows: Sequence[Any]) -> None:
    """The messages leave before the transaction ends: what is lost between the two comes twice, and is sent once."""
    taken = sorted((row[0], row[1]) for row in rows)
    reminders.mark_queued(session, taken, now())
    for organization_id, of_one in groupby(taken, key=lambda row: row[0]):
        ids = [str(reminder_id) for _, reminder_id in of_one]
        for at in range(0, len(ids), A_MESSAGE):
            message = envelope(SchedulingEvent.REMINDERS_DUE, organization_id, {"reminder_ids": ids[at : at + A_MESSAGE]})
            send_message(setting("WORKFLOWS_QUEUE_URL"), message)


lambda_handler = Sweep(RowsDuty("queued", due, queue, batch=500), CrossTenantDuty("forgotten", notification_log.forget))
