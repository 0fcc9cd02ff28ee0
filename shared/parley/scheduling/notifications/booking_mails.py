"""The mails about a booking: text, HTML and an invitation, as one MIME message (RFC 2045, 5322; the calendar part RFC 6047)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from parley.kernel.values.settings import setting
from parley.notifications.email import email_message
from parley.notifications.email.email_headers import mailbox
from parley.notifications.email.email_message import Mail, display_name, is_deliverable, single_line
from parley.notifications.enums import RecipientKind
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _
from parley.scheduling.common.page_templates import render, when, when_briefly
from parley.scheduling.notifications.icalendar import CalendarUser, InvitationEvent, ItipMethod, calendar_text

__all__ = ["BookingMailFacts", "BookingMailKind", "Mail", "MailRecipient", "compose", "is_deliverable", "subject"]

DOMAIN = "scheduling"


class BookingMailKind(StrEnum):
    """What a mail tells."""

    BOOKED = "BOOKED"
    REQUESTED = "REQUESTED"
    CONFIRMED = "CONFIRMED"
    MOVED = "MOVED"
    HOST_CHANGED = "HOST_CHANGED"
    HANDED_OVER = "HANDED_OVER"
    DECLINED = "DECLINED"
    CANCELED = "CANCELED"

    @property
    def method(self) -> ItipMethod:
        return (
            ItipMethod.CANCEL
            if self in (BookingMailKind.CANCELED, BookingMailKind.DECLINED, BookingMailKind.HANDED_OVER)
            else ItipMethod.REQUEST
        )


_SUBJECTS = {
    BookingMailKind.REQUESTED: _("Requested: %(what)s"),
    BookingMailKind.CONFIRMED: _("Confirmed: %(what)s"),
    BookingMailKind.MOVED: _("Moved: %(what)s"),
    BookingMailKind.HOST_CHANGED: _("New host: %(what)s"),
    BookingMailKind.HANDED_OVER: _("Canceled: %(what)s"),
    BookingMailKind.DECLINED: _("Declined: %(what)s"),
    BookingMailKind.CANCELED: _("Canceled: %(what)s"),
}
_HEADINGS = {
    BookingMailKind.BOOKED: (_("You are booked"), _("New booking")),
    BookingMailKind.REQUESTED: (_("Your request was sent"), _("Please confirm")),
    BookingMailKind.CONFIRMED: (_("You are booked"), _("Confirmed")),
    BookingMailKind.MOVED: (_("Moved"), _("Moved")),
    BookingMailKind.HOST_CHANGED: (_("Somebody else will meet you"), _("New booking, taken over")),
    BookingMailKind.HANDED_OVER: (_("Canceled"), _("Handed over to a colleague")),
    BookingMailKind.DECLINED: (_("Declined"), _("Declined")),
    BookingMailKind.CANCELED: (_("Canceled"), _("Canceled")),
}


@dataclass(frozen=True, slots=True)
class MailRecipient:
    """Somebody who is told: `key` names them in the log of mails and tells copies from other mails. `link` is a host's page."""

    kind: RecipientKind
    name: str
    email: str
    timezone: str
    key: str
    link: str | None = None
    locale: str = languages.DEFAULT


@dataclass(frozen=True, slots=True)
class BookingMailFacts:
    """What mails tell of a booking. `token` opens the invitee's page, `page` is where to book anew, `reason` why it was canceled.

    `before` are start and end that it had before it was moved.
    """

    booking_id: UUID
    calendar_uid: UUID
    sequence: int
    changed_at: datetime
    start: datetime
    end: datetime
    timezone: str
    location: str | None
    event_type_name: str
    organization_name: str
    hosts: Sequence[CalendarUser]
    invitee_name: str
    invitee_email: str
    notes: str | None
    answers: list[tuple[str, str]]
    reason: str | None
    is_pending: bool
    token: str
    page: str | None
    before: tuple[datetime, datetime] | None = None
    locale: str = languages.DEFAULT

    @property
    def host_name(self) -> str | None:
        """Of the first host."""
        return self.hosts[0].name if self.hosts else None

    @property
    def host_email(self) -> str | None:
        """Of the first host, if mail programs can take it."""
        return (self.hosts[0].email or None) if self.hosts else None


def subject(facts: BookingMailFacts, to: MailRecipient, news: BookingMailKind) -> str:
    what = f"{facts.event_type_name}, {when_briefly(facts.start, to.timezone, to.locale)}"
    return single_line(Words(DOMAIN, to.locale)(_SUBJECTS[news], what=what) if news in _SUBJECTS else what)


def compose(facts: BookingMailFacts, to: MailRecipient, news: BookingMailKind) -> Mail:
    """The mail to the invitee or to a host. Without an address of the first host's, the product's own stands for him."""
    words = Words(DOMAIN, to.locale)
    is_host = to.kind is RecipientKind.HOST
    organizer = CalendarUser(display_name(facts.host_name or facts.organization_name), facts.host_email or setting("MAIL_FROM"))
    invitee = CalendarUser(display_name(facts.invitee_name), facts.invitee_email)
    is_over = news.method is ItipMethod.CANCEL
    link = None if is_host or is_over else f"{setting('PUBLIC_URL').rstrip('/')}/bookings/{facts.token}"
    decisions = words("Confirm, decline or move it") if facts.is_pending else words("Move or cancel it")
    is_free = news in (BookingMailKind.CANCELED, BookingMailKind.DECLINED) and not is_host
    shown: dict[str, Any] = {
        "facts": facts,
        "again": facts.page if is_free else None,
        "heading": words(_HEADINGS[news][is_host]),
        "is_host": is_host,
        "is_canceled": is_over,
        "when": when(facts.start, facts.end, to.timezone, to.locale),
        "before": when(*facts.before, to.timezone, to.locale) if facts.before else None,
        "link": link,
        "host_link": to.link if is_host and not is_over else None,
        "decisions": decisions,
    }
    text = render("mail.txt", to.locale, **shown)
    others = [CalendarUser(display_name(host.name), host.email) for host in facts.hosts[1:] if host.email]
    meeting = InvitationEvent(
        uid=facts.calendar_uid,
        sequence=facts.sequence,
        stamp=facts.changed_at,
        start=facts.start,
        end=facts.end,
        summary=single_line(f"{facts.event_type_name}: {words('%(invitee)s and %(host)s', invitee=invitee.name, host=organizer.name)}"),
        description=words("Change or cancel: %(link)s", link=link) if link else "",
        location=single_line(facts.location, 500) if facts.location else None,
        organizer=organizer,
        attendees=[invitee, *others] if invitee.email else others,
        is_tentative=facts.is_pending,
    )

    message = email_message.draft(
        subject=subject(facts, to, news),
        sender=facts.organization_name,
        recipient=to.email,
        recipient_name=to.name,
        entity=f"{facts.booking_id}.{facts.sequence}.{to.key}",  # the same for every copy of this notice
    )
    if is_host and invitee.email:
        message["Reply-To"] = mailbox("Reply-To", invitee.name, invitee.email)
    elif not is_host and facts.host_email:
        message["Reply-To"] = mailbox("Reply-To", organizer.name, facts.host_email)
    message.set_content(text)
    message.add_alternative(render("mail.html", to.locale, **shown), subtype="html")
    invitation = calendar_text(news.method, meeting)
    message.add_alternative(invitation.decode(), subtype="calendar", params={"method": news.method.value})
    message.add_attachment(invitation, maintype="application", subtype="ics", filename="invite.ics")
    return email_message.finished(message, to.email, to.locale)
