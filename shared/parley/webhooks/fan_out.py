"""From an event to deliveries: one row for each subscription that wants to hear of it, with the body frozen."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.values import clock
from parley.kernel.values.declarations import PublicEvent
from parley.kernel.values.ids import new_id
from parley.webhooks import queries
from parley.webhooks.event_catalogue import covers, events_of
from parley.webhooks.models import DeliveryStatus, WebhookDelivery
from parley.webhooks.retry_policy import WAITS

PayloadReader = Callable[[Session, PublicEvent, UUID], dict[str, Any] | None]
"""What a domain shows of a thing for a public event, as its API shows it; None when the thing is not there any more."""

# Of a body; the standard advises 20 kB. What is longer is told by its id, and can be asked for. Escaped, it must fit into a message of SQS.
LONGEST_BODY = 96 * 1024


def body(event: str, at: datetime, resource: dict[str, Any]) -> str:
    """The body of a webhook: type, the moment of the event, and the thing."""
    envelope = {"type": event, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": resource}
    text = json.dumps(envelope, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > LONGEST_BODY:
        return json.dumps(envelope | {"data": {"id": resource.get("id"), "is_shortened": True}}, separators=(",", ":"))
    return text


def create_deliveries(
    session: Session, caller: Caller, event_id: UUID, source: str, occurred_at: datetime, payload: dict[str, Any], show: PayloadReader
) -> set[UUID]:
    """Write the deliveries of an event of the bus. Returns the subscriptions that have something to send now.

    An event that comes again adds nothing. For a disabled subscription they are held.
    """
    events = events_of(source, payload)
    listeners = queries.listeners(session) if events else []
    rows: list[dict[str, Any]] = []
    for event in events:
        hearing = [listener for listener in listeners if covers(listener.events, event.name)]
        entity_id = UUID(str(payload[event.entity]))
        resource = show(session, event, entity_id) if hearing else None
        if resource is None:
            continue
        text = body(event.name, occurred_at, resource)
        rows += [
            new_delivery(caller, listener.id, event_id, event.name, entity_id, text, is_held=not listener.is_open) for listener in hearing
        ]
    if rows:
        session.execute(insert(WebhookDelivery).values(rows).on_conflict_do_nothing())
    return {row["subscription_id"] for row in rows if row["next_retry_at"] is not None}


def new_delivery(
    caller: Caller,
    subscription_id: UUID,
    event_id: UUID,
    event: str,
    entity_id: UUID | None,
    text: str,
    *,
    is_held: bool = False,
    most: int = len(WAITS),
) -> dict[str, Any]:
    """The values of a delivery that is due at once, or held."""
    at = clock.now()
    return {
        "organization_id": caller.organization_id,
        "id": new_id(),
        "subscription_id": subscription_id,
        "event_id": event_id,
        "event": event,
        "entity_id": entity_id,
        "payload": text,
        "status": DeliveryStatus.PENDING,
        "step": 0,
        "attempt_count": 0,
        "max_attempts": most,
        "attempts": [],
        "next_retry_at": None if is_held else at,
        "created_at": at,
        "updated_at": at,
    }
