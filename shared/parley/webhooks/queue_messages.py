"""What workers of webhooks say to each other, through queues."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from parley.kernel.values import clock
from parley.kernel.values.ids import new_id
from parley.webhooks.declared import WebhooksEvent


class AttemptRequest(BaseModel):
    """An attempt for the sender, which knows nothing but this: signed and complete."""

    organization_id: UUID
    subscription_id: UUID
    delivery_id: UUID
    attempt_id: UUID
    url: str
    headers: dict[str, str]
    body: str
    not_after: datetime


class AttemptOutcome(BaseModel):
    """What became of an attempt: a status, or an error (`http_client.RequestFailed`)."""

    subscription_id: UUID
    delivery_id: UUID
    attempt_id: UUID
    started_at: datetime
    duration_ms: int
    status_code: int | None = None
    error: str | None = None
    response_body: str | None = None
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        return self.error is None and self.status_code is not None and 200 <= self.status_code < 300


def envelope(name: str, organization_id: UUID, payload: dict[str, Any]) -> str:
    """A message of the form that events of the bus have, so that one worker takes both."""
    detail = {"id": str(new_id()), "organization_id": str(organization_id), "occurred_at": clock.now().isoformat(), "payload": payload}
    return json.dumps({"detail-type": name, "detail": detail})


def turn_due(organization_id: UUID, subscription_id: UUID) -> str:
    return envelope(WebhooksEvent.TURN_DUE, organization_id, {"subscription_id": str(subscription_id)})
