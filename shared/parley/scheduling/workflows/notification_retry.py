"""Sending what stands in the log: tests, and what failed before."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.notifications import sms
from parley.notifications.delivery import log
from parley.notifications.delivery.retry import StillSending
from parley.notifications.enums import NotificationChannel, NotificationStatus, RecipientKind
from parley.notifications.localization import languages
from parley.notifications.models import NotificationLog
from parley.scheduling.notifications import address_agreements, booking_context, workflow_messages
from parley.scheduling.notifications.booking_context import BookingContext
from parley.scheduling.notifications.workflow_messages import WorkflowMessage
from parley.scheduling.workflows import resend_requests, sending_rights


def message_of_log(session: Session, notification_id: UUID) -> WorkflowMessage | None:
    """A message of the log to be sent now, as it stands there. None when it was sent, or is not wanted any more. Raises `StillSending`."""
    row = log.take(session, notification_id)
    if row is None:
        left = session.scalars(select(NotificationLog.status).where(NotificationLog.id == notification_id)).one_or_none()
        if left is NotificationStatus.PENDING:
            raise StillSending(f"Notification {notification_id} is in another worker's hands.")
        return None
    # The row of somebody who was erased has no text, and no address.
    if row.body is None or not resend_requests.is_still_wanted(session, row):
        log.end(session, row.id, NotificationStatus.CANCELED, "booking_over")
        return None
    if not sending_rights.may_still_be_sent(session, row):
        log.end(session, row.id, NotificationStatus.FAILED, sending_rights.MAKER_LEFT)
        return None
    if row.recipient_kind is RecipientKind.ADDRESS and not address_agreements.has_agreed(session, row.channel, row.recipient):
        log.end(session, row.id, NotificationStatus.FAILED, address_agreements.NOT_AGREED)
        return None
    occasion = booking_context.load_booking_context(session, row.booking_id) if row.booking_id is not None else None
    locale = _locale(occasion, row.recipient_kind, row.recipient)
    text = workflow_messages.text_with_link(row.body or "", occasion, row.recipient_kind)
    text = address_agreements.with_stop_link(session, row.channel, row.recipient_kind, row.recipient, text, locale)
    return WorkflowMessage(
        id=row.id,
        channel=row.channel,
        recipient=row.recipient,
        recipient_name="",
        subject=workflow_messages.text_with_link(row.subject or "", occasion, row.recipient_kind),
        text=sms.fitted(text) if row.channel is NotificationChannel.SMS else text,
        sender=occasion.organization.name if occasion is not None else "Parley",
        reply_to=workflow_messages.reply_to(occasion, row.recipient_kind) if occasion is not None else None,
        locale=locale,
        entity=f"{row.id}.{(row.event or '').lower()}",
    )


def _locale(occasion: BookingContext | None, kind: RecipientKind, address: str) -> str:
    if occasion is None:
        return languages.DEFAULT
    if kind is RecipientKind.INVITEE:
        return occasion.locale
    hosts = {(host.email or "").lower(): host.locale for host in occasion.hosts} if kind is RecipientKind.HOST else {}
    return languages.chosen(hosts.get(address.lower(), occasion.organization.locale))
