"""Queue webhook-events: writes the deliveries of events, signs what is due for the sender, and notes what became of it."""

from pkgutil import resolve_name
from typing import Any
from uuid import UUID

from pydantic import RootModel
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.aws.aws_requests import send_message
from parley.kernel.values.declarations import PublicEvent
from parley.kernel.values.settings import setting
from parley.kernel.workers.jobs import worker
from parley.webhooks.worker import WorkerEffects, WorkerMessage, handle_message


def show(session: Session, event: PublicEvent, entity_id: UUID) -> dict[str, Any] | None:
    """The thing as its domain's API shows it. Only the domain that is asked is imported."""
    return resolve_name(event.payload_of)(session, event.name, entity_id) if event.payload_of else None


def write(caller: Caller, event_id: UUID, event: str, subscription_id: UUID) -> None:
    from parley.notifications.delivery.sender import Sender
    from parley.notifications.email.ses import send
    from parley.webhooks import alerts

    alerts.send_alerts(caller, event, subscription_id, Sender(caller, event_id, send))


EFFECTS = WorkerEffects(
    send=lambda request: send_message(setting("WEBHOOK_REQUESTS_QUEUE_URL"), request.model_dump_json()),
    wake=lambda message, seconds: send_message(setting("WEBHOOK_EVENTS_QUEUE_URL"), message, delay_seconds=seconds),
    show=show,
    write=write,
)
lambda_handler = worker(RootModel[dict[str, Any]], lambda caller, it: handle_message(caller, WorkerMessage.of(it), EFFECTS))
