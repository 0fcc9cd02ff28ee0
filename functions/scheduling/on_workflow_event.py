"""Queue scheduling-workflows: sends what workflows have to send, and makes what is due of them follow bookings."""

from typing import Any

from pydantic import RootModel

from parley.kernel.callers import Caller
from parley.kernel.jobs import Announced, worker
from parley.kernel.settings import setting
from parley.kernel.signed import send_message
from parley.notifications.channels import deliver
from parley.scheduling.workflows import steps

EFFECTS = steps.Effects(deliver, wake=lambda message: send_message(setting("WORKFLOWS_QUEUE_URL"), message))


def take_up(caller: Caller, event: Announced[RootModel[dict[str, Any]]]) -> None:
    steps.take_up(caller, event.name, event.occurred_at, event.payload.root, EFFECTS)


lambda_handler = worker(RootModel[dict[str, Any]], take_up)
