"""The bus: outbox events become EventBridge entries."""

import json
import logging
from collections.abc import Sequence

from parley.kernel.aws import aws_requests
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.values.settings import setting

log = logging.getLogger(__name__)


def publish(events: Sequence[OutboxEvent]) -> list[bool]:
    """Put at most ten events on the bus; says for each whether it was accepted. Raises when the bus does not answer at all.

    A request that the bus does not take as a whole (too large together, or one entry is) is halved until only the culprit is left.
    """
    try:
        answer = aws_requests.call("events", "PutEvents", {"Entries": [_entry(event) for event in events]})
    except aws_requests.CallFailed as refused:
        # These two alone blame the entries, not the bus, the network or a permission; 413 comes with an empty body.
        if refused.kind != "ValidationException" and refused.status != 413:
            raise
        if len(events) == 1:
            log.error("event %s (%s) can't be published: %s", events[0].id, events[0].name, refused)
            return [False]
        middle = len(events) // 2
        return publish(events[:middle]) + publish(events[middle:])
    accepted = ["EventId" in entry for entry in answer["Entries"]]
    for event, entry in zip(events, answer["Entries"], strict=True):
        if "EventId" not in entry:
            log.error("event %s (%s) was not accepted: %s %s", event.id, event.name, entry.get("ErrorCode"), entry.get("ErrorMessage"))
    return accepted


def _entry(event: OutboxEvent) -> dict[str, str]:
    detail = {
        "id": str(event.id),
        "organization_id": str(event.organization_id),
        "occurred_at": event.occurred_at.isoformat(),
        "payload": event.payload,
    }
    return {"EventBusName": setting("EVENT_BUS_NAME"), "Source": "parley", "DetailType": event.name, "Detail": json.dumps(detail)}
