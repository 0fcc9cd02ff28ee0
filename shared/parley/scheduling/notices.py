"""Which mails an event asks for, and the log that keeps them from being sent twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.models import User
from parley.kernel.mail import called
from parley.scheduling import claims, occasions
from parley.scheduling.bookings import management_token
from parley.scheduling.brands import Brand
from parley.scheduling.invitations import Method, Person
from parley.scheduling.kinds import STANDING, BookingStatus, NotificationChannel, NotificationStatus, RecipientKind
from parley.scheduling.mails import Facts, News, Reader, is_deliverable, subject
from parley.scheduling.occasions import ERASED

_TOLD = {
    "scheduling.booking_created": News.BOOKED,
    "scheduling.booking_confirmed": News.CONFIRMED,
    "scheduling.booking_rescheduled": News.MOVED,
    "scheduling.booking_reassigned": News.HOST_CHANGED,
    "scheduling.booking_canceled": News.CANCELED,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail that this worker, and no other, has to send now."""

    id: UUID
    reader: Reader
    news: News
    facts: Facts


def take_up(session: Session, event_id: UUID, event_name: str, booking_id: UUID, from_host_id: UUID | None = None) -> list[Notice]:
    """The mails that the event asks for and that nobody has sent. `from_host_id` had the booking before. Raises `StillSending`.

    Events come in any order. A booking that does not stand any more is not confirmed to anybody, however late its creation is heard of;
    its cancellation is always told, for it carries a higher sequence than whatever was sent before.
    """
    told = _TOLD.get(event_name)
    found = _found(session, booking_id) if told else None
    if found is None or told is None:
        return []
    facts, hosts, status, was_confirmed = found
    is_standing = status in STANDING
    if told is News.BOOKED and facts.is_pending:
        told = News.REQUESTED
    elif told is News.CANCELED and not was_confirmed:
        told = News.DECLINED
    is_wanted = is_standing or told.method is Method.CANCEL

    invitees = [_invitee(facts)] if facts.invitee_email else []
    readers = [(reader, told) for reader in (*invitees, *hosts)]
    if told is News.HOST_CHANGED or told is News.MOVED:
        readers += [(reader, News.HANDED_OVER) for reader in _former(session, from_host_id, hosts)]
    notices: list[Notice] = []
    for reader, news in readers:
        log_id = _claim(session, event_id, event_name, booking_id, reader, subject(facts, reader, news), is_wanted=is_wanted)
        if log_id is not None and is_wanted:
            notices.append(Notice(log_id, reader, news, facts))
    if is_wanted:
        claims.check_nobody_else_sends(session, event_id, {notice.id for notice in notices})
    return notices


def _invitee(facts: Facts) -> Reader:
    return Reader(RecipientKind.INVITEE, facts.invitee_name, facts.invitee_email, facts.timezone, "invitee")


def _reader(host: User, is_first: bool) -> Reader:
    return Reader(RecipientKind.HOST, host.name or "", host.email or "", host.timezone, "host" if is_first else f"host-{host.id}")


def _former(session: Session, host_id: UUID | None, hosts: Sequence[Reader]) -> list[Reader]:
    """Who had it before, where that is not one of the hosts, to take it out of their calendar."""
    host = session.scalar(select(User).where(User.id == host_id)) if host_id is not None else None
    if host is None or not is_deliverable(host.email) or host.email in {reader.email for reader in hosts}:
        return []
    return [_reader(host, is_first=False)]


def _claim(session: Session, event_id: UUID, event: str, booking_id: UUID, reader: Reader, line: str, *, is_wanted: bool) -> UUID | None:
    return claims.claim(
        session,
        event_id=event_id,
        event=event,
        booking_id=booking_id,
        recipient_kind=reader.kind,
        recipient=reader.email,
        channel=NotificationChannel.EMAIL,
        status=NotificationStatus.PENDING if is_wanted else NotificationStatus.CANCELED,
        subject=line,
    )


def _found(session: Session, booking_id: UUID) -> tuple[Facts, list[Reader], BookingStatus, bool] | None:
    """What mails tell of the booking as it is now; its hosts who can be told; its status, and whether it was ever confirmed."""
    found = occasions.occasion(session, booking_id)
    if found is None:
        return None
    booking, invitee, organization_name = found.booking, found.invitee, found.organization.name
    organization, event_type = found.organization, found.event_type
    is_offered = event_type.is_active and event_type.deleted_at is None
    facts = Facts(
        booking_id=booking.id,
        calendar_uid=booking.calendar_uid,
        sequence=booking.sequence,
        changed_at=booking.canceled_at or booking.confirmed_at or booking.created_at,
        start=booking.start_time,
        end=booking.end_time,
        timezone=booking.timezone,
        location=booking.location,
        event_type_name=found.event_type.name,
        organization_name=organization_name,
        hosts=[Person(host.name or organization_name, (host.email or "") if is_deliverable(host.email) else "") for host in found.hosts],
        invitee_name=called(invitee.name) or ERASED,
        invitee_email=invitee.email,
        notes=invitee.notes,
        answers=found.answers,
        reason=booking.cancel_reason,
        is_pending=booking.status is BookingStatus.PENDING,
        token=management_token(booking),
        page=Brand(organization.name, organization.slug, None, None).address(event_type.slug) if is_offered else None,
    )
    readers = [_reader(host, is_first=host.id == booking.host_id) for host in found.hosts if is_deliverable(host.email)]
    return facts, readers, booking.status, booking.confirmed_at is not None
