"""Which events in somebody's calendar are bookings of ours: their time is the booking's to keep, and free when the booking lets it go."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.scheduling.tables.booking_models import Booking, BookingHost
from parley.scheduling.tables.calendar_models import CalendarEvent

UID_ENDING = "@bookings.parley"


def event_uid(subject_id: UUID) -> str:
    """The UID of our events, as in our mails."""
    return f"{subject_id}{UID_ENDING}"


def _subject(event_uid: str | None) -> UUID | None:
    try:
        return UUID((event_uid or "").removesuffix(UID_ENDING)) if (event_uid or "").endswith(UID_ENDING) else None
    except ValueError:
        return None


class OwnEvents:
    """Knows them for a few connections. A UID of ours alone proves nothing: it may be a booking of another organization, or a colleague's,
    that the calendar's owner is invited to."""

    def __init__(self, session: Session, owners: dict[UUID, UUID], events: Iterable[tuple[str | None, str | None]]) -> None:
        """`owners` by connection; `events` are pairs of the provider's id and UID, of which the question is. Two statements at most."""
        pairs = list(events)
        subjects = {subject for _, event_uid in pairs if (subject := _subject(event_uid)) is not None}
        ids = {event_id for event_id, _ in pairs if event_id is not None}
        self._subjects: set[tuple[UUID, UUID]] = set()
        self._ids: set[tuple[UUID, str | None]] = set()
        if not pairs:
            return
        written = select(CalendarEvent.connection_id, CalendarEvent.subject_id, CalendarEvent.provider_event_id)
        condition = CalendarEvent.subject_id.in_(subjects) | CalendarEvent.provider_event_id.in_(ids)
        for connection_id, subject_id, event_id in session.execute(written.where(CalendarEvent.connection_id.in_(owners), condition)):
            self._subjects.add((connection_id, subject_id))
            self._ids.add((connection_id, event_id))
        if subjects:
            hosts = (
                select(BookingHost.host_id, Booking.calendar_uid)
                .join(Booking, Booking.id == BookingHost.booking_id)
                .where(Booking.calendar_uid.in_(subjects), BookingHost.host_id.in_(owners.values()))
            )
            booked = {(host_id, calendar_uid) for host_id, calendar_uid in session.execute(hosts)}
            self._subjects |= {(key, calendar_uid) for key, owner in owners.items() for host_id, calendar_uid in booked if host_id == owner}

    def is_own(self, connection_id: UUID, event_id: str | None, event_uid: str | None) -> bool:
        subject = _subject(event_uid)
        return (subject is not None and (connection_id, subject) in self._subjects) or (
            event_id is not None and (connection_id, event_id) in self._ids
        )
