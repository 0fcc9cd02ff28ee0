"""What stands behind one event in a host's calendar: a chain of bookings, or a session with all its seats."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.calendar_providers.provider_protocol import Attendee, BookingEvent
from parley.identity.models import User
from parley.scheduling.calendars.own_events import event_uid
from parley.scheduling.tables.booking_models import Booking, BookingHost, Invitee
from parley.scheduling.tables.calendar_models import CalendarEvent
from parley.scheduling.tables.enums import BookingStatus, EventTypeKind
from parley.scheduling.tables.event_type_models import EventType

# A request that waits for confirmation is in nobody's calendar yet: it keeps the host's time with us.
_SHOWN = (BookingStatus.CONFIRMED, BookingStatus.COMPLETED, BookingStatus.NO_SHOW)


@dataclass(frozen=True, slots=True)
class EventSeat:
    """A booking that is to be seen, and who comes."""

    booking: Booking
    invitee: Invitee


@dataclass(frozen=True, slots=True)
class EventSubject:
    """`seats` are empty when there is nothing to show. `hosts` are who should see it."""

    id: UUID
    booking_id: UUID
    event_type: EventType
    seats: Sequence[EventSeat]
    hosts: frozenset[UUID]


def subjects(session: Session, booking_id: UUID) -> list[EventSubject]:
    """Of a booking, and of the one that it was moved from, where that is another one (another session)."""
    event_subject = subject(session, booking_id)
    if event_subject is None:
        return []
    before = session.scalar(select(Booking.rescheduled_from_id).where(Booking.id == booking_id))
    former = subject(session, before) if before is not None and event_subject.event_type.kind is EventTypeKind.GROUP else None
    return [event_subject, former] if former is not None and former.id != event_subject.id else [event_subject]


def subject(session: Session, booking_id: UUID) -> EventSubject | None:
    """As it is now, whatever the event said that made somebody look. Three statements."""
    booking_row = session.execute(
        select(Booking, EventType, BookingHost.session_id)
        .join(EventType, EventType.id == Booking.event_type_id)
        .join(BookingHost, BookingHost.booking_id == Booking.id)
        .where(Booking.id == booking_id)
        .limit(1),
        execution_options={"with_deleted": True, "populate_existing": True},
    ).one_or_none()
    if booking_row is None:
        return None
    booking, event_type, session_id = booking_row
    is_session = event_type.kind is EventTypeKind.GROUP
    same = (
        (Booking.event_type_id == event_type.id) & (Booking.start_time == booking.start_time)
        if is_session
        else Booking.calendar_uid == booking.calendar_uid
    )
    shown = select(Booking, Invitee).join(Invitee, Invitee.id == Booking.invitee_id).where(same, Booking.status.in_(_SHOWN))
    seats = [EventSeat(*row) for row in session.execute(shown.order_by(Booking.id), execution_options={"populate_existing": True})]
    query = select(BookingHost.host_id).where(BookingHost.booking_id.in_([seat.booking.id for seat in seats]))
    hosts = frozenset(session.scalars(query)) if seats else frozenset()
    return EventSubject(session_id if is_session else booking.calendar_uid, booking_id, event_type, seats, hosts)


def event(session: Session, subject: EventSubject, row: CalendarEvent, host: User) -> BookingEvent | None:
    """What the row's calendar should show of it; None for nothing."""
    if not subject.seats or host.id not in subject.hosts:
        return None
    # It brings the templates of mails along, which a sweep and a sync do without.
    from parley.notifications.email.email_message import display_name, single_line

    first = subject.seats[0].booking
    names = [display_name(seat.invitee.name) or "Somebody" for seat in subject.seats]
    is_session = subject.event_type.kind is EventTypeKind.GROUP
    about = f"{len(names)} coming" if is_session else names[0]
    return BookingEvent(
        id=event_id(row),
        provider_event_id=row.provider_event_id,
        uid=event_uid(subject.id),
        sequence=sum(seat.booking.sequence for seat in subject.seats),
        title=f"{single_line(subject.event_type.name)}: {about}",
        description="\n".join(line for seat in subject.seats for line in _lines(seat)),
        location=first.location,
        start=first.start_time,
        end=first.end_time,
        timezone=host.timezone,
        attendees=[
            Attendee(name=display_name(seat.invitee.name), email=seat.invitee.email) for seat in subject.seats if seat.invitee.email
        ],
        stamp=max(seat.booking.updated_at for seat in subject.seats),
    )


def _lines(seat: EventSeat) -> list[str]:
    from parley.notifications.email.email_message import display_name

    invitee = seat.invitee
    who = " · ".join(part for part in (display_name(invitee.name), invitee.email, invitee.phone or "") if part)
    return [line for line in (who, (invitee.notes or "")[:2000]) if line]


def event_id(row: CalendarEvent) -> str:
    """The same for the same booking, organization and connection, and for nothing else."""
    key = f"{row.organization_id}|{row.connection_id}|{row.subject_id}"
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def digest(event: BookingEvent) -> str:
    """Of what can be seen of it; when it was changed is not."""
    return hashlib.sha256(event.model_dump_json(exclude={"stamp", "provider_event_id"}).encode()).hexdigest()
