"""Messages of workflows as they leave: a mail with two bodies, or a text."""

from dataclasses import dataclass
from uuid import UUID

from parley.kernel.values.settings import setting
from parley.notifications.delivery.sender import Message
from parley.notifications.email import email_message
from parley.notifications.email.email_headers import mailbox
from parley.notifications.email.email_message import display_name, single_line
from parley.notifications.enums import NotificationChannel, RecipientKind
from parley.notifications.localization import languages
from parley.notifications.sms import SmsMessage
from parley.scheduling.bookings.booking_service import management_token
from parley.scheduling.common.page_templates import render
from parley.scheduling.notifications import workflow_templates
from parley.scheduling.notifications.booking_context import BookingContext


@dataclass(frozen=True, slots=True)
class WorkflowMessage:
    """A message that this worker, and no other, has to send now. `entity` is the same for every copy of it."""

    id: UUID
    channel: NotificationChannel
    recipient: str
    recipient_name: str
    subject: str
    text: str
    sender: str
    reply_to: tuple[str, str] | None
    entity: str
    locale: str = languages.DEFAULT


def link(occasion: BookingContext) -> str:
    """Where the invitee changes or cancels the booking. It is a secret."""
    return f"{setting('PUBLIC_URL').rstrip('/')}/bookings/{management_token(occasion.booking)}"


def reply_to(occasion: BookingContext, kind: RecipientKind) -> tuple[str, str] | None:
    """Answers go from the invitee to the first host, and from everybody else to the invitee."""
    if kind is not RecipientKind.INVITEE:
        name, address = occasion.invitee.name, occasion.invitee.email
    else:
        host = occasion.hosts[0] if occasion.hosts else None
        name, address = (host.name or "", host.email or "") if host else ("", "")
    return (display_name(name), address) if email_message.is_deliverable(address) else None


def compose(message: WorkflowMessage) -> Message:
    """The text, or the mail. In HTML everything is escaped: a workflow's body is text."""
    if message.channel is NotificationChannel.SMS:
        return SmsMessage(message.recipient, message.text)
    made = email_message.draft(
        subject=message.subject,
        sender=message.sender,
        recipient=message.recipient,
        recipient_name=message.recipient_name,
        entity=message.entity,
    )
    if message.reply_to is not None:
        made["Reply-To"] = mailbox("Reply-To", *message.reply_to)
    paragraphs = [part.split("\n") for part in message.text.split("\n\n") if part.strip()]
    made.set_content(message.text)
    made.add_alternative(
        render("workflow.html", subject=single_line(message.subject), paragraphs=paragraphs, sender=message.sender), subtype="html"
    )
    return email_message.finished(made, message.recipient, message.locale)


def text_with_link(text: str, occasion: BookingContext | None, kind: RecipientKind) -> str:
    """The text with the invitee's link in the place of its mark."""
    if workflow_templates.LINK_MARK not in text:
        return text
    return workflow_templates.with_link(text, link(occasion) if occasion is not None and kind is RecipientKind.INVITEE else "")
