"""The log of deliveries: looking, sending again, forgetting."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.persistence.pagination import Page, page
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values import clock
from parley.kernel.values.errors import Conflict, NotFound
from parley.webhooks import queries, retry_policy
from parley.webhooks.declared import WebhooksAction, WebhooksEvent, WebhookType
from parley.webhooks.models import DeliveryStatus, WebhookDelivery
from parley.webhooks.schemas import AttemptRead, DeliveryDetailRead, DeliveryRead
from parley.webhooks.subscriptions import NoSuchSubscription

_FORGOTTEN_AT_ONCE = 5000


class NoSuchDelivery(NotFound):
    """There is none, or it is another organization's."""

    def __init__(self) -> None:
        super().__init__("There is no such delivery.")


class SubscriptionDisabled(Conflict):
    """Nothing is sent to it. Enabling it sends what was held."""

    def __init__(self) -> None:
        super().__init__("The subscription is disabled or deleted; enable it first.")


class NothingToReplay(Conflict):
    """What was to be sent was erased, an attempt is being made this moment, or it is a challenge."""


def deliveries(
    session: Session,
    *,
    subscription_id: UUID | None,
    status: DeliveryStatus | None,
    event: str | None,
    limit: int,
    cursor: str | None,
) -> Page[DeliveryRead]:
    """A page of the log, newest first. One query."""
    wanted = queries.deliveries(subscription_id, status, event)
    rows, following = page(session, wanted, [WebhookDelivery.id], cursor=cursor, limit=limit)
    return Page(items=[DeliveryRead.model_validate(row) for row in rows], next_cursor=following)


def delivery(session: Session, caller: Caller, delivery_id: UUID) -> DeliveryDetailRead:
    """With what was sent and answered. Raises `NoSuchDelivery`.

    A challenge is the endpoint's to know: else it could be made to agree by who has it give back something else. An answer is a look into
    the receiver: it is shown to who may change webhooks.
    """
    row = queries.delivery(session, delivery_id)
    if row is None:
        raise NoSuchDelivery
    shown: dict[str, Any] = DeliveryRead.model_validate(row).model_dump()
    return DeliveryDetailRead(
        **shown,
        payload=json.loads(row.payload) if row.payload is not None and row.event != WebhookType.CHALLENGE else None,
        request_headers=row.request_headers,
        response_body=row.response_body if caller.may("webhooks:write") and row.event != WebhookType.CHALLENGE else None,
        attempts=[AttemptRead.model_validate(attempt) for attempt in row.attempts],
    )


def replay(session: Session, caller: Caller, delivery_id: UUID) -> WebhookDelivery:
    """Send a message again, now, under the id that it has; a new round of attempts begins.

    Raises `NoSuchDelivery`, `SubscriptionDisabled`, `NothingToReplay`.
    """
    row = queries.delivery(session, delivery_id)
    if row is None:
        raise NoSuchDelivery
    subscription = queries.subscription(session, row.subscription_id, to_change=True)
    if subscription is None or not subscription.is_active:
        raise SubscriptionDisabled
    if row.event == WebhookType.CHALLENGE:
        raise NothingToReplay("A challenge is not sent again; ping the subscription for a new one.")
    at = clock.now()
    is_free = WebhookDelivery.attempt_id.is_(None) | (WebhookDelivery.next_retry_at <= at)
    statement = update(WebhookDelivery).where(WebhookDelivery.id == row.id, WebhookDelivery.payload.is_not(None), is_free)
    again = session.execute(
        statement.values(_again(at)).returning(WebhookDelivery), execution_options={"populate_existing": True}
    ).scalar_one_or_none()
    if again is None:
        raise NothingToReplay("What was to be sent was erased, or it is being sent this moment.")

    audit.record(session, caller, WebhooksAction.WEBHOOK_DELIVERY_REPLAYED, again)
    outbox.announce(session, WebhooksEvent.TURN_DUE, subscription_id=again.subscription_id)
    return again


def _again(at: datetime) -> dict[str, Any]:
    return {
        "status": DeliveryStatus.RETRYING,
        "step": 0,
        "round_began_at": None,
        "attempt_id": None,
        "next_retry_at": at,
        "delivered_at": None,
        "updated_at": at,
    }


def replay_failed(session: Session, caller: Caller, subscription_id: UUID, since: datetime) -> int:
    """Send everything again that was given up since then. Returns how many. Raises `NoSuchSubscription`, `SubscriptionDisabled`."""
    subscription = queries.subscription(session, subscription_id, to_change=True)
    if subscription is None:
        raise NoSuchSubscription
    if not subscription.is_active:
        raise SubscriptionDisabled
    given_up = update(WebhookDelivery).where(
        WebhookDelivery.subscription_id == subscription_id,
        WebhookDelivery.status == DeliveryStatus.FAILED,
        WebhookDelivery.event != WebhookType.CHALLENGE,
        WebhookDelivery.created_at >= since,
        WebhookDelivery.payload.is_not(None),
    )
    result = session.execute(given_up.values(_again(clock.now())), execution_options={"synchronize_session": False})
    count: int = result.rowcount  # type: ignore[attr-defined]  # an UPDATE's result has it
    if count:
        audit.record(
            session, caller, WebhooksAction.WEBHOOK_DELIVERY_REPLAYED, subscription, new={"since": since.isoformat(), "count": count}
        )
        outbox.announce(session, WebhooksEvent.TURN_DUE, subscription_id=subscription_id)
    return count


def forget(session: Session, entity_ids: Sequence[UUID]) -> None:
    """Empty every delivery that tells of these things: bodies, headers, answers. What was not sent yet never is. It travels with the next
    statement.
    """
    condition = WebhookDelivery.own() & WebhookDelivery.entity_id.in_(entity_ids)
    ended = update(WebhookDelivery).where(condition, WebhookDelivery.status.in_(queries.OPEN))
    at = clock.now()
    execute_later(session, ended.values(status=DeliveryStatus.FAILED, error="erased", next_retry_at=None, attempt_id=None, updated_at=at))
    execute_later(
        session, update(WebhookDelivery).where(condition).values(payload=None, request_headers=None, response_body=None, updated_at=at)
    )


def forget_old(session: Session) -> int:
    """Delete a portion of what is older than 30 days, in a sweep, held or not. Returns how many."""
    old = select(WebhookDelivery.organization_id, WebhookDelivery.id).where(
        WebhookDelivery.created_at < clock.of_database() - retry_policy.RETENTION
    )
    portion = old.order_by(WebhookDelivery.created_at).limit(_FORGOTTEN_AT_ONCE).cte("portion")
    condition = (WebhookDelivery.organization_id == portion.c.organization_id) & (WebhookDelivery.id == portion.c.id)
    result = session.execute(delete(WebhookDelivery).where(condition), execution_options={"synchronize_session": False})
    count: int = result.rowcount  # type: ignore[attr-defined]  # a DELETE's result has it
    return count
