"""A booking that we make up, for previews and tests."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.members import member_profiles
from parley.identity.models import Organization, OrganizationMember, User
from parley.kernel.access.callers import Caller
from parley.kernel.values import clock
from parley.scheduling.bookings import booking_service
from parley.scheduling.common.queries import BookingDetails
from parley.scheduling.notifications.booking_context import BookedHost, BookingContext
from parley.scheduling.tables.booking_models import Booking, Invitee
from parley.scheduling.tables.enums import BookingStatus
from parley.scheduling.tables.event_type_models import EventType

NAME = "Grace Hopper"
EMAIL = "grace.hopper@example.com"
_NOBODY = UUID(int=0)


def sample(session: Session, caller: Caller, event_type: EventType | None) -> tuple[BookingContext, BookedHost | None]:
    """Half an hour from tomorrow's noon on (UTC) with somebody who does not exist, and who asks. Nothing is stored. One query."""
    here = (OrganizationMember.organization_id == Organization.id) & (OrganizationMember.user_id == User.id)
    columns = User.id, member_profiles.member_name(), member_profiles.member_email(), User.timezone, User.deleted_at, User.locale
    query = (
        select(Organization, *columns)
        .select_from(Organization)
        .outerjoin(User, User.id == caller.person_id)
        .outerjoin(OrganizationMember, here)
    )
    row = session.execute(query.where(Organization.id == caller.organization_id)).one()
    organization, person = row[0], row[1:]
    asker = BookedHost(*person) if person[0] is not None else None
    at = clock.now()
    start = at.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    zone = asker.timezone if asker else organization.timezone
    invitee = Invitee(
        id=_NOBODY, email=EMAIL, name=NAME, phone="+15555550100", timezone="America/New_York", notes="I have a question about compilers."
    )
    booking = Booking(
        id=_NOBODY,
        organization_id=organization.id,
        event_type_id=event_type.id if event_type else _NOBODY,
        host_id=asker.id if asker else _NOBODY,
        status=BookingStatus.CONFIRMED,
        start_time=start,
        end_time=start + timedelta(minutes=event_type.duration if event_type else 30),
        timezone=zone,
        location=(event_type.location_value if event_type else None) or "https://meet.example.com/abc",
        cancel_reason="Something came up.",
        confirmed_at=at,
        created_at=at,
        updated_at=at,
    )
    shown = event_type or EventType(name="Introduction")
    return BookingContext(booking, invitee, shown, organization, [asker] if asker else [], [("What is it about?", "Compilers")]), asker


def sample_payload(occasion: BookingContext) -> dict[str, Any]:
    """It as the API shows a booking, with `is_test`."""
    whole = BookingDetails(occasion.booking, occasion.invitee, [occasion.booking.host_id], None)
    return booking_service.read(whole).model_dump(mode="json") | {"cancel_reason": None, "is_test": True}
