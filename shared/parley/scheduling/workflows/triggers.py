"""From an event, or a reminder that is due, to messages that this worker has to send."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.values import clock
from parley.notifications import sms
from parley.notifications.delivery import log
from parley.notifications.enums import NotificationChannel, NotificationStatus, RecipientKind
from parley.notifications.limits import daily_quotas
from parley.scheduling.declared import SchedulingEvent
from parley.scheduling.notifications import address_agreements, booking_context, workflow_messages, workflow_templates
from parley.scheduling.notifications.booking_context import BookingContext
from parley.scheduling.notifications.workflow_messages import WorkflowMessage
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.enums import BookingStatus, WorkflowTrigger
from parley.scheduling.tables.workflow_models import Reminder, Workflow
from parley.scheduling.workflows import recipients, reminders, sending_rights, workflow_webhooks
from parley.scheduling.workflows.notification_log import NO_NUMBER, NOT_OFFERED, ORGANIZATION_DELETED, OVERDUE
from parley.scheduling.workflows.recipients import Recipient

# Later than this, a reminder is not sent as if it were on time.
LATE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class NotificationCause:
    """Why something is sent: the same for every time that it is heard of. `error` says why it is not, if so."""

    workflow: Workflow
    occasion: BookingContext
    id: UUID
    status: NotificationStatus = NotificationStatus.PENDING
    error: str | None = None
    previous_start: datetime | None = None


def cause_id(workflow: Workflow, booking_id: UUID) -> UUID:
    """One for a workflow, its trigger and minutes, and a booking: a record that was moved has another id."""
    minutes = workflow.minutes_before or workflow.minutes_after or 0
    return uuid5(workflow.id, f"{workflow.trigger.value}|{booking_id}|{minutes}")


def trigger_of(event: str, booking: Booking) -> WorkflowTrigger | None:
    """What an event means for workflows, as the booking stands now.

    Who asks for a booking is told when it is confirmed, and of its end only if it ever was. A booking that was canceled before its
    creation was heard of was never made.
    """
    if event == SchedulingEvent.BOOKING_CANCELED:
        was_made = booking.status is BookingStatus.CANCELED and booking.confirmed_at is not None
        return WorkflowTrigger.BOOKING_CANCELED if was_made else None
    if booking.status not in reminders.CERTAIN:
        return None
    return WorkflowTrigger.BOOKING_CREATED if booking.rescheduled_from_id is None else WorkflowTrigger.BOOKING_RESCHEDULED


def fire(
    session: Session, caller: Caller, event: str, occurred_at: datetime, booking_id: UUID, previous_start: datetime | None
) -> list[WorkflowMessage]:
    """The messages of the workflows that an event sets off, and that nobody has sent. Raises `StillSending`.

    A workflow that is younger than the event has nothing to do with it.
    """
    occasion = booking_context.load_booking_context(session, booking_id)
    trigger = trigger_of(event, occasion.booking) if occasion is not None else None
    if occasion is None or trigger is None or occasion.organization.deleted_at is not None:
        return []
    messages: list[WorkflowMessage] = []
    for workflow in reminders.active_workflows(session, occasion.event_type, trigger):
        if workflow.effective_from <= occurred_at:
            cause = NotificationCause(workflow, occasion, cause_id(workflow, booking_id), previous_start=previous_start)
            messages += _claimed(session, caller, cause)
    return messages


def remind(session: Session, caller: Caller, reminder_id: UUID) -> list[WorkflowMessage]:
    """The messages of a reminder that is due. When there are none, it was seen to. Raises `StillSending`.

    Booking and workflow are looked at as they stand now. What is over `LATE`, or would come after the meeting has begun, is logged as
    FAILED, `overdue`; what the booking does not want any more as CANCELED.
    """
    row = session.scalars(select(Reminder).where(Reminder.id == reminder_id)).one_or_none()
    if row is None:
        return []
    workflow = session.scalars(select(Workflow).where(Workflow.id == row.workflow_id, Workflow.is_active)).one_or_none()
    occasion = booking_context.load_booking_context(session, row.booking_id)
    if workflow is None or occasion is None or not reminders.is_for(workflow, occasion.event_type):
        reminders.delete_reminder(session, reminder_id)
        return []
    due, at = reminders.due_at(workflow, occasion.booking), clock.now()
    if due is not None and due > at:
        reminders.postpone(session, reminder_id, due)
        return []
    cause = NotificationCause(workflow, occasion, cause_id(workflow, row.booking_id))
    is_begun = workflow.trigger is WorkflowTrigger.BEFORE_MEETING and occasion.booking.start_time <= at
    if occasion.organization.deleted_at is not None:
        cause = NotificationCause(workflow, occasion, cause.id, NotificationStatus.CANCELED, ORGANIZATION_DELETED)
    elif due is None:
        cause = NotificationCause(
            workflow, occasion, cause.id, NotificationStatus.CANCELED, f"booking_{occasion.booking.status.value.lower()}"
        )
    elif is_begun or at > due + LATE:
        cause = NotificationCause(workflow, occasion, cause.id, NotificationStatus.FAILED, OVERDUE)
    messages = _claimed(session, caller, cause)
    if not messages:
        reminders.delete_reminder(session, reminder_id)
    return messages


def _claimed(session: Session, caller: Caller, cause: NotificationCause) -> list[WorkflowMessage]:
    messages = [
        message for to in recipients.recipients(cause.workflow, cause.occasion) if (message := _one(session, caller, cause, to)) is not None
    ]
    if cause.status is NotificationStatus.PENDING:
        log.check_nobody_else_sends(session, cause.id, {message.id for message in messages})
    return messages


def _one(session: Session, caller: Caller, cause: NotificationCause, to: Recipient) -> WorkflowMessage | None:
    """A message to one recipient: its row in the log, and the message itself if it is to be sent by this worker, now."""
    workflow, occasion = cause.workflow, cause.occasion
    values = recipients.values(occasion, to, cause.previous_start)
    subject, text = workflow_templates.subject(workflow.subject, values), workflow_templates.render(workflow.body, values)
    log_id = log.claim(
        session,
        event_id=cause.id,
        event=workflow.trigger.value,
        booking_id=occasion.booking.id,
        workflow_id=workflow.id,
        recipient_kind=to.kind,
        recipient=to.address,
        channel=workflow.channel,
        status=NotificationStatus.PENDING,
        subject=subject or None,
        body=text or None,
    )
    if log_id is None:
        return None
    error = _hindrance(session, cause, to)
    if error is not None:
        log.end(session, log_id, cause.status if cause.error else NotificationStatus.FAILED, error)
        return None
    if workflow.channel is NotificationChannel.WEBHOOK:
        workflow_webhooks.deliver(
            session,
            caller,
            workflow,
            log_id,
            occasion.booking.id,
            workflow_webhooks.webhook_body(session, workflow, occasion.booking.id, subject, text),
        )
        return None
    return outgoing(session, workflow, occasion, to, log_id, subject, text)


def _hindrance(session: Session, cause: NotificationCause, to: Recipient) -> str | None:
    """Why it is not sent, if so."""
    if cause.error is not None:
        return cause.error
    if to.kind in sending_rights.OUTSIDE and not session.scalar(select(sending_rights.may_send_outside(cause.workflow))):
        return sending_rights.MAKER_LEFT
    if cause.workflow.channel is NotificationChannel.SMS and not (to.address and sms.is_offered()):
        return NOT_OFFERED if to.address else NO_NUMBER
    if cause.workflow.channel is NotificationChannel.WEBHOOK and (
        trouble := workflow_webhooks.undeliverable_reason(session, cause.workflow)
    ):
        return trouble
    if to.kind is RecipientKind.ADDRESS and not address_agreements.has_agreed(session, cause.workflow.channel, to.address):
        return address_agreements.NOT_AGREED
    has_left = daily_quotas.spend(session, cause.occasion.organization, cause.workflow.channel)
    return None if has_left else daily_quotas.EXHAUSTED


def outgoing(
    session: Session, workflow: Workflow, occasion: BookingContext, to: Recipient, log_id: UUID, subject: str, text: str
) -> WorkflowMessage:
    """A message as it leaves."""
    whole = address_agreements.with_stop_link(
        session, workflow.channel, to.kind, to.address, workflow_messages.text_with_link(text, occasion, to.kind), to.locale
    )
    return WorkflowMessage(
        id=log_id,
        channel=workflow.channel,
        recipient=to.address,
        recipient_name=to.name,
        subject=workflow_messages.text_with_link(subject, occasion, to.kind),
        text=sms.fitted(whole) if workflow.channel is NotificationChannel.SMS else whole,
        sender=occasion.organization.name,
        reply_to=workflow_messages.reply_to(occasion, to.kind),
        locale=to.locale,
        entity=f"{log_id}.{workflow.trigger.value.lower()}",
    )
