"""Which mails an event asks for, and the log that keeps them from being sent twice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.notifications.delivery import log
from parley.notifications.email.email_message import display_name
from parley.notifications.enums import NotificationChannel, NotificationStatus, RecipientKind
from parley.notifications.models import NotificationLog
from parley.scheduling.bookings.booking_service import management_token
from parley.scheduling.bookings.host_links import HostKey
from parley.scheduling.common.branding import Brand
from parley.scheduling.declared import SchedulingEvent
from parley.scheduling.notifications import booking_context
from parley.scheduling.notifications.booking_context import ERASED, BookedHost
from parley.scheduling.notifications.booking_mails import BookingMailFacts, BookingMailKind, MailRecipient, is_deliverable, subject
from parley.scheduling.notifications.icalendar import CalendarUser, ItipMethod
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.enums import STANDING_STATUSES, BookingStatus, CanceledBy

_TOLD: dict[str, BookingMailKind] = {
    SchedulingEvent.BOOKING_CREATED: BookingMailKind.BOOKED,
    SchedulingEvent.BOOKING_CONFIRMED: BookingMailKind.CONFIRMED,
    SchedulingEvent.BOOKING_RESCHEDULED: BookingMailKind.MOVED,
    SchedulingEvent.BOOKING_REASSIGNED: BookingMailKind.HOST_CHANGED,
    SchedulingEvent.BOOKING_CANCELED: BookingMailKind.CANCELED,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail that this worker, and no other, has to send now."""

    id: UUID
    reader: MailRecipient
    news: BookingMailKind
    facts: BookingMailFacts

    @property
    def content(self) -> tuple[BookingMailFacts, MailRecipient, BookingMailKind]:
        """What `booking_mails.compose` makes the mail of."""
        return self.facts, self.reader, self.news


@dataclass(frozen=True, slots=True)
class _Record:
    """A record as mails tell of it, with its hosts: those who can be told among them are `readers`."""

    booking: Booking
    facts: BookingMailFacts
    hosts: Sequence[BookedHost]

    @property
    def readers(self) -> list[MailRecipient]:
        return [_reader(self.booking, host) for host in self.hosts if is_deliverable(host.email)]


def notices_to_send(session: Session, event_id: UUID, event_name: str, booking_id: UUID, from_host_id: UUID | None = None) -> list[Notice]:
    """The mails that the event asks for and that nobody has sent. `from_host_id` had the booking before. Raises `StillSending`.

    Events come in any order. A booking that does not stand any more is not confirmed to anybody, however late its creation is heard of;
    that it ended, or went to others, is always told, for it carries a higher sequence than whatever was sent before.
    """
    news = _TOLD.get(event_name)
    present = _record(session, booking_id) if news else None
    if present is None or news is None:
        return []
    if news is BookingMailKind.BOOKED and present.facts.is_pending:
        news = BookingMailKind.REQUESTED
    elif (
        news is BookingMailKind.CANCELED and present.booking.confirmed_at is None and present.booking.canceled_by is not CanceledBy.INVITEE
    ):
        news = BookingMailKind.DECLINED

    past = _past(session, event_id, news, present, from_host_id)
    facts = present.facts if past is None else replace(present.facts, before=(past.facts.start, past.facts.end))
    invitees = [_invitee(facts)] if facts.invitee_email else []
    readers: list[tuple[MailRecipient, BookingMailKind, BookingMailFacts, UUID | None]] = [
        (reader, news, facts, None) for reader in (*invitees, *present.readers)
    ]
    if past is not None:
        kept = {host.id for host in present.hosts}
        former_hosts = [host for host in past.hosts if host.id not in kept and is_deliverable(host.email)]
        readers += [(_former(host), BookingMailKind.HANDED_OVER, past.facts, host.id) for host in former_hosts]
    notices: list[Notice] = []
    for reader, what, of, former in readers:
        is_wanted = present.booking.status in STANDING_STATUSES or what.method is ItipMethod.CANCEL
        line = subject(of, reader, what)
        log_id = _claim(session, event_id, event_name, booking_id, reader, line, is_wanted=is_wanted, from_host_id=former)
        if log_id is not None and is_wanted:
            notices.append(Notice(log_id, reader, what, of))
    log.check_nobody_else_sends(session, event_id, {notice.id for notice in notices})
    return notices


def _invitee(facts: BookingMailFacts) -> MailRecipient:
    return MailRecipient(RecipientKind.INVITEE, facts.invitee_name, facts.invitee_email, facts.timezone, "invitee", locale=facts.locale)


def _reader(booking: Booking, host: BookedHost) -> MailRecipient:
    key = "host" if host.id == booking.host_id else f"host-{host.id}"
    link = HostKey(booking.organization_id, booking.id, host.id).address
    return MailRecipient(RecipientKind.HOST, host.name or "", host.email or "", host.timezone, key, link, host.locale)


def _former(host: BookedHost) -> MailRecipient:
    """Who does not have it any more, and can do nothing with it."""
    return MailRecipient(RecipientKind.HOST, host.name or "", host.email or "", host.timezone, f"host-{host.id}", locale=host.locale)


def _past(session: Session, event_id: UUID, news: BookingMailKind, present: _Record, from_host_id: UUID | None) -> _Record | None:
    """The meeting as it was before it was moved, or given to another host: who has lost it is told of the one that they had.

    The record that was moved is still there. One that changed hands is the same one, but for the host, whom the event names, and the log
    where the event comes from there.
    """
    booking = present.booking
    if news is BookingMailKind.MOVED and booking.rescheduled_from_id is not None:
        was = _record(session, booking.rescheduled_from_id)
        return was and replace(was, facts=replace(was.facts, booking_id=booking.id, changed_at=booking.created_at))
    if news is not BookingMailKind.HOST_CHANGED:
        return None
    if from_host_id is None:
        named = select(NotificationLog.from_host_id).where(NotificationLog.event_id == event_id, NotificationLog.from_host_id.is_not(None))
        from_host_id = session.scalars(named.limit(1)).one_or_none()
    host = booking_context.booked_host(session, from_host_id) if from_host_id is not None else None
    if host is None:
        return None
    others = [other for other in present.facts.hosts[1:] if other.email != host.email]
    return _Record(booking, replace(present.facts, hosts=[_person(host, present.facts.organization_name), *others]), [host])


def _claim(
    session: Session,
    event_id: UUID,
    event: str,
    booking_id: UUID,
    reader: MailRecipient,
    line: str,
    *,
    is_wanted: bool,
    from_host_id: UUID | None,
) -> UUID | None:
    return log.claim(
        session,
        event_id=event_id,
        event=event,
        booking_id=booking_id,
        recipient_kind=reader.kind,
        recipient=reader.email,
        channel=NotificationChannel.EMAIL,
        status=NotificationStatus.PENDING if is_wanted else NotificationStatus.CANCELED,
        subject=line,
        from_host_id=from_host_id,
    )


def _person(host: BookedHost, organization_name: str) -> CalendarUser:
    return CalendarUser(host.name or organization_name, (host.email or "") if is_deliverable(host.email) else "")


def _record(session: Session, booking_id: UUID) -> _Record | None:
    context = booking_context.load_booking_context(session, booking_id)
    if context is None:
        return None
    booking, invitee, organization_name = context.booking, context.invitee, context.organization.name
    organization, event_type = context.organization, context.event_type
    is_offered = event_type.is_active and event_type.deleted_at is None
    facts = BookingMailFacts(
        booking_id=booking.id,
        calendar_uid=booking.calendar_uid,
        sequence=booking.sequence,
        changed_at=booking.canceled_at or booking.confirmed_at or booking.created_at,
        start=booking.start_time,
        end=booking.end_time,
        timezone=booking.timezone,
        locale=context.locale,
        location=booking.location,
        event_type_name=context.event_type.name,
        organization_name=organization_name,
        hosts=[_person(host, organization_name) for host in context.hosts],
        invitee_name=display_name(invitee.name) or ERASED,
        invitee_email=invitee.email,
        notes=invitee.notes,
        answers=context.answers,
        reason=booking.cancel_reason,
        is_pending=booking.status is BookingStatus.PENDING,
        token=management_token(booking),
        page=Brand(organization.name, organization.slug, None, None).address(event_type.slug) if is_offered else None,
    )
    return _Record(booking, facts, context.hosts)
