"""To whom a workflow speaks, and what its variables are for each of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from parley.notifications import sms
from parley.notifications.email.email_message import display_name, is_deliverable
from parley.notifications.enums import NotificationChannel, RecipientKind
from parley.notifications.localization import languages
from parley.scheduling.common.time_formats import when
from parley.scheduling.notifications import workflow_templates
from parley.scheduling.notifications.booking_context import ERASED, BookingContext
from parley.scheduling.tables.workflow_models import Workflow


@dataclass(frozen=True, slots=True)
class Recipient:
    """`address` is that of a mailbox, or a number in E.164; empty when none is known."""

    kind: RecipientKind
    address: str
    name: str
    timezone: str
    locale: str = languages.DEFAULT


def recipients(workflow: Workflow, occasion: BookingContext) -> list[Recipient]:
    """Each once: an address that is named besides is left out where it is the invitee's, or a host's.

    A host without an address that mails reach gets none; an invitee without a number stands here without one.
    """
    recipients_by_key: dict[tuple[RecipientKind, str], Recipient] = {}
    for recipient in _named(workflow, occasion):
        is_reached = recipient.kind is RecipientKind.ADDRESS and any(
            address == recipient.address.lower() for _, address in recipients_by_key
        )
        if not is_reached:
            recipients_by_key.setdefault((recipient.kind, recipient.address.lower()), recipient)
    return list(recipients_by_key.values())


def _named(workflow: Workflow, occasion: BookingContext) -> Iterator[Recipient]:
    if workflow.channel is NotificationChannel.WEBHOOK:
        yield Recipient(RecipientKind.ENDPOINT, "", "", occasion.booking.timezone)
        return
    is_text = workflow.channel is NotificationChannel.SMS
    if RecipientKind.INVITEE in workflow.recipients and occasion.invitee.email:  # who was erased has none
        yield invitee(occasion, is_text=is_text)
    if RecipientKind.HOST in workflow.recipients and not is_text:
        for host in occasion.hosts:
            if host.email is not None and is_deliverable(host.email) and host.deleted_at is None:
                yield Recipient(RecipientKind.HOST, host.email, host.name or "", host.timezone, host.locale)
    home = occasion.hosts[0].timezone if occasion.hosts else occasion.organization.timezone
    for address in workflow.addresses:
        yield Recipient(RecipientKind.ADDRESS, address, "", home, languages.chosen(occasion.organization.locale))


def invitee(occasion: BookingContext, *, is_text: bool) -> Recipient:
    address = (sms.number(occasion.invitee.phone) or "") if is_text else occasion.invitee.email
    return Recipient(RecipientKind.INVITEE, address, occasion.invitee.name, occasion.booking.timezone, occasion.locale)


def values(occasion: BookingContext, to: Recipient, previous_start: datetime | None = None) -> dict[str, str]:
    """Every variable, cleaned, for one reader. The link is a mark that is replaced when the message leaves, and the invitee's alone."""
    booking, who, organization = occasion.booking, occasion.invitee, occasion.organization
    names = [host.name or organization.name for host in occasion.hosts]
    email = (occasion.hosts[0].email or "") if occasion.hosts else ""
    start, end = (moment.astimezone(ZoneInfo(to.timezone)) for moment in (booking.start_time, booking.end_time))
    variables = {
        "recipient.name": display_name(to.name) or to.address,
        "invitee.name": display_name(who.name) or ERASED,
        "invitee.first_name": (display_name(who.name).split() or [""])[0],
        "invitee.email": who.email,
        "invitee.phone": who.phone or "",
        "invitee.timezone": who.timezone,
        "invitee.notes": who.notes or "",
        "host.name": names[0] if names else organization.name,
        "host.email": email if is_deliverable(email) else "",
        "hosts.names": ", ".join(names),
        "organization.name": organization.name,
        "event_type.name": occasion.event_type.name,
        "booking.id": str(booking.id),
        "booking.start": moment(booking.start_time, to.timezone),
        "booking.end": moment(booking.end_time, to.timezone),
        "booking.date": f"{start:%Y-%m-%d}",
        "booking.start_time": f"{start:%H:%M}",
        "booking.end_time": f"{end:%H:%M}",
        "booking.timezone": to.timezone,
        "booking.when": when(booking.start_time, booking.end_time, to.timezone, to.locale),
        "booking.duration": str(int((booking.end_time - booking.start_time).total_seconds()) // 60),
        "booking.location": booking.location or "",
        "booking.answers": "\n".join(f"{label}: {value}" for label, value in occasion.answers),
        "booking.cancel_reason": booking.cancel_reason or "",
        "booking.previous_start": moment(previous_start, to.timezone) if previous_start else "",
    }
    link = {workflow_templates.LINK: workflow_templates.LINK_MARK if to.kind is RecipientKind.INVITEE else ""}
    return {name: workflow_templates.clean(value) for name, value in variables.items()} | link


def moment(instant: datetime, timezone: str) -> str:
    """`2026-12-07 10:00 (Europe/Berlin)`: the same in every language."""
    return f"{instant.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M} ({timezone})"
