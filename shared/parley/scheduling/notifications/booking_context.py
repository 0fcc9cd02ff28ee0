"""A booking with all that messages tell of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.members import member_profiles
from parley.identity.models import Organization, OrganizationMember, User
from parley.notifications.localization import languages
from parley.scheduling.common import queries
from parley.scheduling.tables.booking_models import Booking, BookingHost, Invitee
from parley.scheduling.tables.event_type_models import EventType

ERASED = "Somebody whose data were erased"


@dataclass(frozen=True, slots=True)
class BookedHost:
    """A host as the organization calls them, and where mail reaches them."""

    id: UUID
    name: str | None
    email: str | None
    timezone: str
    deleted_at: datetime | None
    locale: str


@dataclass(frozen=True, slots=True)
class BookingContext:
    """`hosts` begins with who answers for it. `answers` are labels and values, as text."""

    booking: Booking
    invitee: Invitee
    event_type: EventType
    organization: Organization
    hosts: Sequence[BookedHost]
    answers: list[tuple[str, str]]

    @property
    def locale(self) -> str:
        """Of the invitee."""
        return languages.chosen(self.invitee.locale, self.organization.locale)


def booked_host(session: Session, user_id: UUID) -> BookedHost | None:
    """One who had a booking, if their account is there. One query."""
    here = (OrganizationMember.organization_id == session.info["caller"].organization_id) & (OrganizationMember.user_id == User.id)
    columns = User.id, member_profiles.member_name(), member_profiles.member_email(), User.timezone, User.deleted_at, User.locale
    row = session.execute(select(*columns).outerjoin(OrganizationMember, here).where(User.id == user_id)).one_or_none()
    return BookedHost(*row) if row is not None else None


def load_booking_context(session: Session, booking_id: UUID) -> BookingContext | None:
    """As it is now, with an event type and hosts that are gone since. Three queries."""
    booking_row = session.execute(
        select(Booking, Invitee, EventType, Organization)
        .join(Invitee, Invitee.id == Booking.invitee_id)
        .join(EventType, EventType.id == Booking.event_type_id)
        .join(Organization, Organization.id == Booking.organization_id)
        .where(Booking.id == booking_id)
        .with_for_update(read=True, of=Invitee),  # who is being erased is waited for, and written of no more
        execution_options={"with_deleted": True},
    ).one_or_none()
    if booking_row is None:
        return None
    booking, invitee, event_type, organization = booking_row
    here = (OrganizationMember.organization_id == BookingHost.organization_id) & (OrganizationMember.user_id == BookingHost.host_id)
    query = (
        select(User.id, member_profiles.member_name(), member_profiles.member_email(), User.timezone, User.deleted_at, User.locale)
        .join(BookingHost, BookingHost.host_id == User.id)
        .outerjoin(OrganizationMember, here)
        .where(BookingHost.booking_id == booking_id)
        .order_by(BookingHost.host_id != booking.host_id, BookingHost.id)
    )
    hosts = [BookedHost(*row) for row in session.execute(query, execution_options={"with_deleted": True})]
    answers = [
        (label, ", ".join(value) if isinstance(value, list) else str(value)) for _, label, value in queries.answers(session, booking.id)
    ]
    return BookingContext(booking, invitee, event_type, organization, hosts, answers)
