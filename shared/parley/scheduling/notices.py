"""Which mails an event asks for, and the log that keeps them from being sent twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.identity.models import Organization, User
from parley.kernel.clock import now
from parley.kernel.ids import new_id
from parley.scheduling import queries
from parley.scheduling.bookings import management_token
from parley.scheduling.invitations import Method, Person
from parley.scheduling.kinds import STANDING, BookingStatus, NotificationChannel, NotificationStatus, RecipientKind
from parley.scheduling.mails import Facts, News, Reader, is_deliverable, subject
from parley.scheduling.models import Booking, BookingHost, EventType, Invitee, NotificationLog

_TOLD = {
    "scheduling.booking_created": News.BOOKED,
    "scheduling.booking_confirmed": News.CONFIRMED,
    "scheduling.booking_rescheduled": News.MOVED,
    "scheduling.booking_reassigned": News.HOST_CHANGED,
    "scheduling.booking_canceled": News.CANCELED,
}

ERASED = "Somebody whose data were erased"

# Longer than the worker may run: who took a notice up before that is not working on it any more.
_GIVEN_UP = timedelta(minutes=2)


class StillSending(Exception):
    """Another worker has this notice in hand; the message comes back, to see whether it succeeded."""


class NotSent(Exception):
    """A mail could not be sent, and the message comes back. It names the failure's type: the failure's text may hold an address."""


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
        log_id = _claim(session, event_id, booking_id, reader, subject(facts, reader, news), is_wanted=is_wanted)
        if log_id is not None and is_wanted:
            notices.append(Notice(log_id, reader, news, facts))
    pending = select(NotificationLog.id).where(NotificationLog.event_id == event_id, NotificationLog.status == NotificationStatus.PENDING)
    if is_wanted and set(session.scalars(pending)) - {notice.id for notice in notices}:
        raise StillSending(f"The mails of event {event_id} are in another worker's hands.")
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


def _claim(session: Session, event_id: UUID, booking_id: UUID, reader: Reader, line: str, *, is_wanted: bool) -> UUID | None:
    """The log's row, when it is this worker's turn: it is new, it failed before, or whoever had it has stopped long ago."""
    at = now()
    fresh = insert(NotificationLog).values(
        organization_id=session.info["caller"].organization_id,
        id=new_id(),
        booking_id=booking_id,
        event_id=event_id,
        recipient_kind=reader.kind,
        recipient=reader.email,
        channel=NotificationChannel.EMAIL,
        status=NotificationStatus.PENDING if is_wanted else NotificationStatus.CANCELED,
        subject=line,
        attempted_at=at,
        created_at=at,
        updated_at=at,
    )
    is_due = or_(
        NotificationLog.status == NotificationStatus.FAILED,
        (NotificationLog.status == NotificationStatus.PENDING) & (NotificationLog.attempted_at < at - _GIVEN_UP),
    )
    claimed = fresh.on_conflict_do_update(
        index_elements=["organization_id", "event_id", "recipient_kind", "recipient"],
        set_={"status": fresh.excluded.status, "attempted_at": at, "updated_at": at},
        where=is_due,
    )
    return session.execute(claimed.returning(NotificationLog.id)).scalar_one_or_none()


def settle(session: Session, notice_id: UUID, failure: Exception | None) -> None:
    """Write down how the sending ended. After a failure the event's next delivery may take the notice up at once.

    Of a failure the type is kept: its text may hold an address.
    """
    ending: dict[str, Any] = {"status": NotificationStatus.SENT, "sent_at": now(), "error_message": None}
    if failure is not None:
        ending = {"status": NotificationStatus.FAILED, "failed_at": now(), "error_message": type(failure).__name__}
    mine = update(NotificationLog).where(NotificationLog.id == notice_id, NotificationLog.status == NotificationStatus.PENDING)
    session.execute(mine.values(**ending))


def _found(session: Session, booking_id: UUID) -> tuple[Facts, list[Reader], BookingStatus, bool] | None:
    """What mails tell of the booking as it is now; its hosts who can be told; its status, and whether it was ever confirmed."""
    found = session.execute(
        select(Booking, Invitee, EventType.name, Organization.name)
        .join(Invitee, Invitee.id == Booking.invitee_id)
        .join(EventType, EventType.id == Booking.event_type_id)
        .join(Organization, Organization.id == Booking.organization_id)
        .where(Booking.id == booking_id)
        .with_for_update(read=True, of=Invitee),  # who is being erased is waited for, and written of no more
        execution_options={"with_deleted": True},
    ).one_or_none()
    if found is None:
        return None
    booking, invitee, event_type_name, organization_name = found
    there = (
        select(User)
        .join(BookingHost, BookingHost.host_id == User.id)
        .where(BookingHost.booking_id == booking_id)
        .order_by(BookingHost.host_id != booking.host_id, BookingHost.id)
    )
    hosts = session.scalars(there, execution_options={"with_deleted": True}).all()
    answers = [
        (label, ", ".join(value) if isinstance(value, list) else str(value)) for _, label, value in queries.answers(session, booking.id)
    ]
    facts = Facts(
        booking_id=booking.id,
        calendar_uid=booking.calendar_uid,
        sequence=booking.sequence,
        changed_at=booking.canceled_at or booking.confirmed_at or booking.created_at,
        start=booking.start_time,
        end=booking.end_time,
        timezone=booking.timezone,
        location=booking.location,
        event_type_name=event_type_name,
        organization_name=organization_name,
        hosts=[Person(host.name or organization_name, (host.email or "") if is_deliverable(host.email) else "") for host in hosts],
        invitee_name=invitee.name or ERASED,
        invitee_email=invitee.email,
        notes=invitee.notes,
        answers=answers,
        reason=booking.cancel_reason,
        is_pending=booking.status is BookingStatus.PENDING,
        token=management_token(booking),
    )
    readers = [_reader(host, is_first=host.id == booking.host_id) for host in hosts if is_deliverable(host.email)]
    return facts, readers, booking.status, booking.confirmed_at is not None
