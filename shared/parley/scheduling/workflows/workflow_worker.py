"""What the worker does with a message: an event of a booking, reminders that are due, a workflow that was changed, a row of the log."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from parley.kernel.access.callers import Caller
from parley.kernel.persistence.transactions import transaction
from parley.notifications import sms
from parley.notifications.delivery.sender import Deliver, LoggedMessage, Sender, send_logged
from parley.notifications.enums import NotificationChannel
from parley.scheduling.declared import SchedulingEvent
from parley.scheduling.notifications import address_agreements, agreement_page, workflow_messages
from parley.scheduling.notifications.workflow_messages import WorkflowMessage
from parley.scheduling.workflows import notification_retry, reminders, triggers, workflow_webhooks
from parley.webhooks.declared import WebhooksEvent
from parley.webhooks.queue_messages import envelope

BOOKINGS = (
    SchedulingEvent.BOOKING_CREATED,
    SchedulingEvent.BOOKING_CONFIRMED,
    SchedulingEvent.BOOKING_RESCHEDULED,
    SchedulingEvent.BOOKING_CANCELED,
)
# Of the rows that a workflow leaves behind, in one message. What is then still there is for the next one.
_PRUNINGS = 10


@dataclass(frozen=True, slots=True)
class WorkflowEffects:
    """What happens outside: `deliver` sends mails and texts, `wake` gives a message to this worker."""

    deliver: Deliver
    wake: Callable[[str], None]


def handle_message(caller: Caller, name: str, occurred_at: datetime, payload: dict[str, Any], effects: WorkflowEffects) -> None:
    """Any message may come twice and in any order: rows decide what is still to be done. Raises `StillSending`, `NotSent`."""
    if name in BOOKINGS:
        _of_booking(caller, name, occurred_at, payload, effects)
    elif name == SchedulingEvent.REMINDERS_DUE:
        _each(payload["reminder_ids"], lambda reminder_id: _remind(caller, UUID(reminder_id), effects))
    elif name == SchedulingEvent.WORKFLOW_CHANGED:
        _follow(caller, payload, effects)
    elif name == SchedulingEvent.NOTIFICATION_DUE:
        with transaction(caller) as session:
            message = notification_retry.message_of_log(session, UUID(payload["notification_id"]))
        _send(caller, [message] if message is not None else [], effects)
    elif name == SchedulingEvent.ADDRESS_ASKED:
        _ask(caller, UUID(payload["agreement_id"]), effects)
    elif name == WebhooksEvent.DELIVERY_ENDED:
        with transaction(caller) as session:
            workflow_webhooks.settle(session, UUID(payload["event_id"]))


def _ask(caller: Caller, agreement_id: UUID, effects: WorkflowEffects) -> None:
    """Ask an address or a number, once: nothing is locked meanwhile, and a claim that has committed decides who sends (decision 51)."""
    with transaction(caller) as session:
        question = address_agreements.question(session, agreement_id)
        if question is None or (question[0].channel is NotificationChannel.SMS and not sms.is_offered()):
            return
        message = agreement_page.question(*question)
    if not Sender(caller, agreement_id, effects.deliver)(workflow_messages.compose(message)):
        return
    with transaction(caller) as session:
        address_agreements.note_asked(session, agreement_id)


def _of_booking(caller: Caller, name: str, occurred_at: datetime, payload: dict[str, Any], effects: WorkflowEffects) -> None:
    booking_id, before = UUID(payload["booking_id"]), payload.get("from_booking_id")
    previous = datetime.fromisoformat(payload["from_start_time"]) if payload.get("from_start_time") else None
    with transaction(caller) as session:
        if before is not None:
            reminders.follow_booking(session, UUID(before), occurred_at)
        reminders.follow_booking(session, booking_id, occurred_at)
    with transaction(caller) as session:
        messages = triggers.fire(session, caller, name, occurred_at, booking_id, previous)
    _send(caller, messages, effects)


def _remind(caller: Caller, reminder_id: UUID, effects: WorkflowEffects) -> None:
    with transaction(caller) as session:
        messages = triggers.remind(session, caller, reminder_id)
    if messages:
        _send(caller, messages, effects)
        with transaction(caller) as session:
            reminders.delete_reminder(session, reminder_id)


def _follow(caller: Caller, payload: dict[str, Any], effects: WorkflowEffects) -> None:
    """One step, and a message for the next one: a workflow of a large organization keeps no worker for long."""
    workflow_id, cursor = UUID(payload["workflow_id"]), payload.get("after")
    after = (datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else None
    with transaction(caller) as session:
        following = reminders.follow_workflow(session, workflow_id, payload["revision"], after)
    if following is not None:
        effects.wake(
            envelope(
                SchedulingEvent.WORKFLOW_CHANGED,
                caller.organization_id,
                payload | {"after": [following[0].isoformat(), str(following[1])]},
            )
        )
        return
    for _ in range(_PRUNINGS):
        with transaction(caller) as session:
            has_more = reminders.prune(session, workflow_id)
        if not has_more:
            return
    effects.wake(envelope(SchedulingEvent.WORKFLOW_CHANGED, caller.organization_id, payload))


def _send(caller: Caller, outgoing: Iterable[WorkflowMessage], effects: WorkflowEffects) -> None:
    logged = (
        LoggedMessage(message.id, message.channel, message.recipient, partial(workflow_messages.compose, message)) for message in outgoing
    )
    send_logged(caller, effects.deliver, logged)


def _each(ids: Iterable[str], work: Callable[[str], None]) -> None:
    """One that fails does not hold up the others; the message comes back for its sake."""
    problems: list[Exception] = []
    for id_ in ids:
        try:
            work(id_)
        except Exception as problem:  # noqa: BLE001  # raised below, with the others
            problems.append(problem)
    if problems:
        raise ExceptionGroup("reminders failed", problems)
