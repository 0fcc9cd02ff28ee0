"""WEBHOOK workflows: what they tell goes out as a delivery of their own subscription, signed and logged like every other webhook.

Reminders are stale after a while: they are tried four times within 40 minutes, not for a day.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.persistence import outbox
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values import clock
from parley.notifications.enums import NotificationStatus
from parley.notifications.models import NotificationLog
from parley.scheduling.bookings import booking_service
from parley.scheduling.common import queries
from parley.scheduling.tables.workflow_models import Workflow
from parley.webhooks import deliveries, fan_out
from parley.webhooks import queries as webhooks
from parley.webhooks.declared import WebhooksEvent, WebhookType
from parley.webhooks.models import DeliveryStatus, WebhookDelivery

_ATTEMPTS = 4


def undeliverable_reason(session: Session, workflow: Workflow) -> str | None:
    """Why nothing can be sent to its endpoint, if so."""
    endpoint = webhooks.subscription(session, workflow.subscription_id) if workflow.subscription_id else None
    if endpoint is None:
        return "endpoint_deleted"
    return None if endpoint.is_active else "endpoint_disabled"


def webhook_body(session: Session, workflow: Workflow, booking_id: UUID, subject: str, text: str) -> dict[str, Any]:
    """What the body says: the workflow, its text, and the booking as the API shows it."""
    details = queries.booking_details(session, booking_id, to_tell=True)
    return workflow_payload(workflow, booking_service.read(details).model_dump(mode="json") if details else None, subject, text)


def workflow_payload(workflow: Workflow, booking: dict[str, Any] | None, subject: str, text: str) -> dict[str, Any]:
    shown = {"id": str(workflow.id), "name": workflow.name, "trigger": workflow.trigger.value}
    return {"workflow": shown, "subject": subject or None, "body": text or None, "booking": booking}


def deliver(session: Session, caller: Caller, workflow: Workflow, log_id: UUID, booking_id: UUID | None, payload: dict[str, Any]) -> None:
    """Have it sent, under the id of the log's row."""
    assert workflow.subscription_id is not None
    body = fan_out.body(WebhookType.WORKFLOW, clock.now(), payload)
    row = fan_out.new_delivery(caller, workflow.subscription_id, log_id, WebhookType.WORKFLOW, booking_id, body, most=_ATTEMPTS)
    execute_later(session, insert(WebhookDelivery).values(row).on_conflict_do_nothing())
    outbox.announce(session, WebhooksEvent.TURN_DUE, subscription_id=workflow.subscription_id)


def settle(session: Session, log_id: UUID) -> None:
    """Note how a delivery has ended, as it says itself."""
    delivery = _delivery(session, log_id)
    if delivery is None or delivery.status not in (DeliveryStatus.SUCCESS, DeliveryStatus.FAILED):
        return
    at = clock.now()
    if delivery.status is DeliveryStatus.SUCCESS:
        ending: dict[str, Any] = {"status": NotificationStatus.SENT, "sent_at": delivery.delivered_at, "error_message": None}
    else:
        error = delivery.error or f"http_{delivery.status_code}"
        ending = {"status": NotificationStatus.FAILED, "failed_at": at, "error_message": error}
    statement = update(NotificationLog).where(NotificationLog.id == log_id, NotificationLog.status != NotificationStatus.CANCELED)
    session.execute(statement.values(updated_at=at, **ending))


def _delivery(session: Session, log_id: UUID) -> WebhookDelivery | None:
    endpoint = select(Workflow.subscription_id).join(NotificationLog, NotificationLog.workflow_id == Workflow.id)
    subscription_id = endpoint.where(NotificationLog.id == log_id).scalar_subquery()
    chosen = select(WebhookDelivery).where(WebhookDelivery.subscription_id == subscription_id, WebhookDelivery.event_id == log_id)
    return session.scalars(
        chosen.where(WebhookDelivery.event == WebhookType.WORKFLOW), execution_options={"with_deleted": True}
    ).one_or_none()


def send_again(session: Session, caller: Caller, row: NotificationLog) -> None:
    """The same message; or the first one, of what never left: its endpoint was disabled, or the day had none left.

    Raises `SubscriptionDisabled`, `NothingToReplay`.
    """
    delivery = _delivery(session, row.id)
    if delivery is not None:
        deliveries.replay(session, caller, delivery.id)
        return
    workflow = session.scalars(select(Workflow).where(Workflow.id == row.workflow_id)).one_or_none()
    if workflow is None or row.booking_id is None or undeliverable_reason(session, workflow):
        raise deliveries.SubscriptionDisabled
    deliver(
        session,
        caller,
        workflow,
        row.id,
        row.booking_id,
        webhook_body(session, workflow, row.booking_id, row.subject or "", row.body or ""),
    )
