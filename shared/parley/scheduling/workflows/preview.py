"""Looking at a template before it is used: a preview, and a message to oneself."""

from uuid import UUID

from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.values.errors import Conflict, TooManyRequests, Unprocessable
from parley.kernel.values.ids import new_id
from parley.notifications import sms
from parley.notifications.email.email_message import is_deliverable
from parley.notifications.enums import NotificationChannel, NotificationStatus, RecipientKind
from parley.notifications.limits import daily_quotas
from parley.notifications.models import NotificationLog
from parley.scheduling.bookings.booking_service import NoSuchBooking
from parley.scheduling.common import queries
from parley.scheduling.declared import SchedulingAction, SchedulingEvent
from parley.scheduling.notifications import address_agreements, booking_context, workflow_templates
from parley.scheduling.notifications.address_agreements import AddressNotAgreed
from parley.scheduling.notifications.booking_context import BookingContext
from parley.scheduling.workflows import recipients, sample_bookings, sending_rights, workflow_service, workflow_webhooks
from parley.scheduling.workflows.recipients import Recipient
from parley.scheduling.workflows.schemas import NotificationRead, PreviewRead, PreviewWanted, TrialWanted, VariableRead


class DailyLimit(TooManyRequests):
    """Workflows have sent today what the plan allows."""

    def __init__(self) -> None:
        super().__init__("Workflows have sent as many messages today (UTC) as your plan allows.")


class NumberNeeded(Unprocessable):
    """A test of an SMS needs a number in E.164; other tests take none."""


class NothingToTest(Conflict):
    """Who asks has no address, or the endpoint takes nothing."""


def preview(session: Session, caller: Caller, wanted: PreviewWanted) -> PreviewRead:
    """A template filled in. Nothing is sent. Raises `UnknownVariable`, `BrokenTemplate`, `NoSuchBooking`."""
    workflow_templates.check("subject", wanted.subject)
    workflow_templates.check("body", wanted.body)
    occasion: BookingContext | None
    if wanted.booking_id is None:
        occasion, _ = sample_bookings.sample(session, caller, None)
    else:
        occasion = booking_context.load_booking_context(session, wanted.booking_id)
        if occasion is None:
            raise NoSuchBooking
    values = recipients.values(occasion, _reader(occasion, wanted.recipient, wanted.channel))
    body = workflow_templates.text_for_log(workflow_templates.render(wanted.body, values)) or ""
    is_text = wanted.channel is NotificationChannel.SMS
    return PreviewRead(
        subject=workflow_templates.text_for_log(workflow_templates.subject(wanted.subject, values)) if wanted.subject is not None else None,
        body=sms.fitted(body) if is_text else body,
        segments=sms.segments(sms.fitted(body)) if is_text else None,
        variables=[VariableRead(name=name, description=description) for name, description in workflow_templates.VARIABLES.items()],
    )


def _reader(occasion: BookingContext, kind: RecipientKind, channel: NotificationChannel) -> Recipient:
    if kind is RecipientKind.INVITEE or not occasion.hosts:
        return recipients.invitee(occasion, is_text=channel is NotificationChannel.SMS)
    host = occasion.hosts[0]
    return Recipient(RecipientKind.HOST, host.email or "", host.name or "", host.timezone)


def send_test(session: Session, caller: Caller, workflow_id: UUID, wanted: TrialWanted) -> NotificationRead:
    """Send it once, about a booking that we make up: a mail to who asks, a webhook to its endpoint, a text to the number named.

    Raises `NoSuchWorkflow`, `NotYours`, `NumberNeeded`, `NothingToTest`, `DailyLimit`, `TextsNotOffered`,
    `AddressNotAgreed`.
    """
    workflow = workflow_service.own(session, caller, workflow_id)
    event_type = queries.event_type(session, workflow.event_type_id) if workflow.event_type_id else None
    occasion, asker = sample_bookings.sample(session, caller, event_type)
    is_text, is_webhook = workflow.channel is NotificationChannel.SMS, workflow.channel is NotificationChannel.WEBHOOK
    if is_text != (wanted.address is not None) or (is_text and sms.number(wanted.address) != wanted.address):
        raise NumberNeeded("Name a number in E.164, like +491700000001." if is_text else "An address is for tests of an SMS alone.")
    if is_text:
        sms.check_offered()
        if not address_agreements.has_agreed(session, NotificationChannel.SMS, wanted.address or ""):
            raise AddressNotAgreed("This number has not agreed to messages of yours: name it in the workflow's addresses, and it is asked.")
        to = Recipient(RecipientKind.ADDRESS, wanted.address or "", "", occasion.booking.timezone)
    elif is_webhook:
        if trouble := workflow_webhooks.undeliverable_reason(session, workflow):
            raise NothingToTest("The webhook subscription of this workflow is disabled or deleted.", reason=trouble)
        to = Recipient(RecipientKind.ENDPOINT, "", "", occasion.booking.timezone)
    elif asker is None or asker.email is None or not is_deliverable(asker.email):
        raise NothingToTest("A test goes to your own address, and you have none that mails reach.")
    else:
        to = Recipient(RecipientKind.ADDRESS, asker.email, asker.name or "", asker.timezone)
    if not daily_quotas.spend(session, occasion.organization, workflow.channel):
        raise DailyLimit

    values = recipients.values(occasion, to)
    subject, text = workflow_templates.subject(workflow.subject, values), workflow_templates.render(workflow.body, values)
    row = NotificationLog(
        event_id=new_id(),
        event=sending_rights.TEST,
        workflow_id=workflow.id,
        recipient_kind=to.kind,
        recipient=to.address,
        channel=workflow.channel,
        status=NotificationStatus.PENDING,
        subject=f"Test: {subject}"[:200] if subject else None,
        body=text or None,
    )
    session.add(row)
    if is_webhook:
        workflow_webhooks.deliver(
            session,
            caller,
            workflow,
            row.id,
            None,
            workflow_webhooks.workflow_payload(workflow, sample_bookings.sample_payload(occasion), subject, text),
        )
    else:
        outbox.announce(session, SchedulingEvent.NOTIFICATION_DUE, notification_id=row.id)
    audit.record(session, caller, SchedulingAction.WORKFLOW_TESTED, workflow, new={"channel": workflow.channel.value})
    return NotificationRead.model_validate(row)
