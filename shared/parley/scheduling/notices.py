"""Which mails an event asks for, and the log that keeps them from being sent twice."""

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
from parley.scheduling.invitations import Method
from parley.scheduling.mails import Facts, is_deliverable, subject
from parley.scheduling.models import (
    STANDING,
    Booking,
    EventType,
    Invitee,
    NotificationChannel,
    NotificationLog,
    NotificationStatus,
    RecipientKind,
)

CREATED, CANCELED = "scheduling.booking_created", "scheduling.booking_canceled"

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
    kind: RecipientKind
    method: Method
    facts: Facts


def take_up(session: Session, event_id: UUID, event_name: str, booking_id: UUID) -> list[Notice]:
    """The mails that the event asks for and that nobody has sent. Raises `StillSending`.

    Events come in any order. A booking that does not stand any more is not confirmed to anybody, however late its creation is heard of;
    its cancellation is always told, for it carries a higher sequence than whatever was sent before.
    """
    found = _facts(session, booking_id)
    if found is None:
        return []
    facts, is_standing = found
    method = Method.CANCEL if event_name == CANCELED else Method.REQUEST
    is_wanted = is_standing or method is Method.CANCEL
    recipients = {RecipientKind.INVITEE: facts.invitee_email} | ({RecipientKind.HOST: facts.host_email} if facts.host_email else {})

    notices: list[Notice] = []
    for kind, address in recipients.items():
        log_id = _claim(session, event_id, booking_id, kind, address, subject(facts, kind, method), is_wanted=is_wanted)
        if log_id is not None and is_wanted:
            notices.append(Notice(log_id, kind, method, facts))
    pending = select(NotificationLog.id).where(NotificationLog.event_id == event_id, NotificationLog.status == NotificationStatus.PENDING)
    if is_wanted and set(session.scalars(pending)) - {notice.id for notice in notices}:
        raise StillSending(f"The mails of event {event_id} are in another worker's hands.")
    return notices


def _claim(
    session: Session, event_id: UUID, booking_id: UUID, kind: RecipientKind, address: str, line: str, *, is_wanted: bool
) -> UUID | None:
    """The log's row, when it is this worker's turn: it is new, it failed before, or whoever had it has stopped long ago."""
    at = now()
    fresh = insert(NotificationLog).values(
        organization_id=session.info["caller"].organization_id,
        id=new_id(),
        booking_id=booking_id,
        event_id=event_id,
        recipient_kind=kind,
        recipient=address,
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
        index_elements=["organization_id", "event_id", "recipient_kind"],
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


def _facts(session: Session, booking_id: UUID) -> tuple[Facts, bool] | None:
    """What mails tell of the booking as it is now, and whether it still stands."""
    found = session.execute(
        select(Booking, Invitee, EventType.name, Organization.name, User)
        .join(Invitee, Invitee.id == Booking.invitee_id)
        .join(EventType, EventType.id == Booking.event_type_id)
        .join(Organization, Organization.id == Booking.organization_id)
        .outerjoin(User, User.id == Booking.host_id)
        .where(Booking.id == booking_id),
        execution_options={"with_deleted": True},
    ).one_or_none()
    if found is None:
        return None
    booking, invitee, event_type_name, organization_name, host = found
    answers = [
        (label, ", ".join(value) if isinstance(value, list) else str(value)) for _, label, value in queries.answers(session, booking.id)
    ]
    facts = Facts(
        booking_id=booking.id,
        sequence=booking.sequence,
        changed_at=booking.canceled_at or booking.created_at,
        start=booking.start_time,
        end=booking.end_time,
        timezone=booking.timezone,
        location=booking.location,
        event_type_name=event_type_name,
        organization_name=organization_name,
        host_name=host.name if host else None,
        host_email=host.email if host and is_deliverable(host.email) else None,
        host_timezone=host.timezone if host else booking.timezone,
        invitee_name=invitee.name,
        invitee_email=invitee.email,
        notes=invitee.notes,
        answers=answers,
        reason=booking.cancel_reason,
        token=management_token(booking),
    )
    return facts, booking.status in STANDING
