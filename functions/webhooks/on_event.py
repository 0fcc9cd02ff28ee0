"""Queue webhook-events: writes the deliveries of events, signs what is due for the sender, and notes what became of it."""

from typing import Any
from uuid import UUID

from pydantic import RootModel
from sqlalchemy.orm import Session

from parley.kernel.callers import Caller
from parley.kernel.jobs import worker
from parley.kernel.settings import setting
from parley.kernel.signed import send_message
from parley.webhooks.catalogue import CATALOGUE
from parley.webhooks.steps import Effects, Heard, take_up


def show(session: Session, event: str, entity_id: UUID) -> dict[str, Any] | None:
    """The thing as its domain's API shows it. Only the domain that is asked is imported."""
    match CATALOGUE[event].domain:
        case "scheduling":
            from parley.scheduling.told import show as told
        case "inbox":
            from parley.inbox.told import show as told
        case "recordings":
            from parley.recordings.told import show as told
        case _:
            return None
    return told(session, event, entity_id)


def write(caller: Caller, event_id: UUID, event: str, subscription_id: UUID) -> None:
    from parley.notifications.sender import Sender
    from parley.notifications.ses import send
    from parley.webhooks import letters

    letters.write(caller, event, subscription_id, Sender(caller, event_id, send))


EFFECTS = Effects(
    send=lambda request: send_message(setting("WEBHOOK_REQUESTS_QUEUE_URL"), request.model_dump_json()),
    wake=lambda message, seconds: send_message(setting("WEBHOOK_EVENTS_QUEUE_URL"), message, delay_seconds=seconds),
    show=show,
    write=write,
)
lambda_handler = worker(RootModel[dict[str, Any]], lambda caller, it: take_up(caller, Heard.of(it), EFFECTS))
