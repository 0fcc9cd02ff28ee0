"""Queue webhook-events: writes the deliveries of events, signs what is due for the sender, and notes what became of it."""

from typing import Any
from uuid import UUID

from pydantic import RootModel
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.aws.aws_requests import send_message
from parley.kernel.values.settings import setting
from parley.kernel.workers.jobs import worker
from parley.webhooks.event_catalogue import CATALOGUE
from parley.webhooks.worker import WorkerEffects, WorkerMessage, handle_message


def show(session: Session, event: str, entity_id: UUID) -> dict[str, Any] | None:
    """The thing as its domain's API shows it. Only the domain that is asked is imported."""
    match CATALOGUE[event].domain:
        case "scheduling":
            from parley.scheduling.booking_payloads import webhook_payload as told
        case "inbox":
            from parley.inbox.message_payloads import webhook_payload as told
        case "recordings":
            from parley.recordings.recording_payloads import webhook_payload as told
        case _:
            return None
    return told(session, event, entity_id)


def write(caller: Caller, event_id: UUID, event: str, subscription_id: UUID) -> None:
    from parley.notifications.delivery.sender import Sender
    from parley.notifications.email.ses import send
    from parley.webhooks import letters

    letters.write(caller, event, subscription_id, Sender(caller, event_id, send))


EFFECTS = WorkerEffects(
    send=lambda request: send_message(setting("WEBHOOK_REQUESTS_QUEUE_URL"), request.model_dump_json()),
    wake=lambda message, seconds: send_message(setting("WEBHOOK_EVENTS_QUEUE_URL"), message, delay_seconds=seconds),
    show=show,
    write=write,
)
lambda_handler = worker(RootModel[dict[str, Any]], lambda caller, it: handle_message(caller, WorkerMessage.of(it), EFFECTS))
