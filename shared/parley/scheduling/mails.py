"""The mails about a booking: text, HTML and an invitation, as one MIME message (RFC 2045, 5322; the calendar part RFC 6047)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from parley.kernel import mail
from parley.kernel.mail import Mail, is_deliverable, plain
from parley.kernel.mail_headers import mailbox
from parley.kernel.settings import setting
from parley.scheduling.invitations import Meeting, Method, Person, calendar
from parley.scheduling.models import RecipientKind
from parley.scheduling.pages import render, when, when_briefly

__all__ = ["Facts", "Mail", "compose", "is_deliverable", "subject"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What mails tell of a booking. `token` opens the invitee's page; `reason` is given when it was canceled."""

    booking_id: UUID
    sequence: int
    changed_at: datetime
    start: datetime
    end: datetime
    timezone: str
    location: str | None
    event_type_name: str
    organization_name: str
    host_name: str | None
    host_email: str | None
    host_timezone: str
    invitee_name: str
    invitee_email: str
    notes: str | None
    answers: list[tuple[str, str]]
    reason: str | None
    token: str


def _timezone(facts: Facts, to: RecipientKind) -> str:
    return facts.host_timezone if to is RecipientKind.HOST else facts.timezone


def subject(facts: Facts, to: RecipientKind, method: Method) -> str:
    said = "Canceled: " if method is Method.CANCEL else ""
    return plain(f"{said}{facts.event_type_name}, {when_briefly(facts.start, _timezone(facts, to))}")


def compose(facts: Facts, to: RecipientKind, method: Method) -> Mail:
    """The mail to the invitee or to the host. Without an address of the host's, the product's own stands for him."""
    is_host = to is RecipientKind.HOST
    host = Person(plain(facts.host_name or facts.organization_name), facts.host_email or setting("MAIL_FROM"))
    invitee = Person(plain(facts.invitee_name), facts.invitee_email)
    recipient = host if is_host else invitee
    link = None if is_host or method is Method.CANCEL else f"{setting('PUBLIC_URL').rstrip('/')}/bookings/{facts.token}"
    shown = {
        "facts": facts,
        "is_host": is_host,
        "is_canceled": method is Method.CANCEL,
        "when": when(facts.start, facts.end, _timezone(facts, to)),
        "link": link,
    }
    text = render("mail.txt", **shown)
    meeting = Meeting(
        booking_id=facts.booking_id,
        sequence=facts.sequence,
        stamp=facts.changed_at,
        start=facts.start,
        end=facts.end,
        summary=plain(f"{facts.event_type_name}: {facts.invitee_name} and {host.name}"),
        description=f"Cancel: {link}" if link else "",
        location=plain(facts.location, 500) if facts.location else None,
        organizer=host,
        attendee=invitee,
    )

    # The same for every copy of this notice.
    notice = f"{facts.booking_id}.{facts.sequence}.{to.value.lower()}"
    message = mail.letter(
        subject=subject(facts, to, method),
        sender=facts.organization_name,
        recipient=recipient.email,
        recipient_name=recipient.name,
        entity=notice,
    )
    if is_host:
        message["Reply-To"] = mailbox("Reply-To", invitee.name, invitee.email)
    elif facts.host_email:
        message["Reply-To"] = mailbox("Reply-To", host.name, facts.host_email)
    message.set_content(text)
    message.add_alternative(render("mail.html", **shown), subtype="html")
    invitation = calendar(method, meeting)
    message.add_alternative(invitation.decode(), subtype="calendar", params={"method": method.value})
    message.add_attachment(invitation, maintype="application", subtype="ics", filename="invite.ics")
    return Mail(recipient.email, message.as_bytes())
