"""Queue scheduling-workflows: sends what workflows have to send, and makes what is due of them follow bookings."""

from typing import Any

from pydantic import RootModel

from parley.kernel.access.callers import Caller
from parley.kernel.aws.aws_requests import send_message
from parley.kernel.values.settings import setting
from parley.kernel.workers.jobs import BusEvent, worker
from parley.notifications.delivery.channels import deliver
from parley.scheduling.workflows import workflow_worker

EFFECTS = workflow_worker.WorkflowEffects(deliver, wake=lambda message: send_message(setting("WORKFLOWS_QUEUE_URL"), message))


def take_up(caller: Caller, event: BusEvent[RootModel[dict[str, Any]]]) -> None:
    workflow_worker.handle_message(caller, event.name, event.occurred_at, event.payload.root, EFFECTS)


lambda_handler = worker(RootModel[dict[str, Any]], take_up)
