"""A booking in the hands of its invitee, who has no account but the link of the mail."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from parley.identity.members import member_profiles
from parley.identity.models import Organization, OrganizationMember, User
from parley.kernel.access.callers import Caller
from parley.kernel.persistence import directory
from parley.kernel.values import secret_hashes
from parley.scheduling.availability.live_busy_times import LiveBusyTimes
from parley.scheduling.bookings import rescheduling, state_machine
from parley.scheduling.bookings.booking_service import TOKEN, NoSuchBooking
from parley.scheduling.bookings.schemas import BookingMove, ManagedBookingRead
from parley.scheduling.common import queries
from parley.scheduling.common.branding import Brand
from parley.scheduling.declared import SchedulingDirectory
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.enums import CanceledBy
from parley.scheduling.tables.event_type_models import EventType


@dataclass(frozen=True, slots=True)
class ManagementKey:
    """What a management token opens: the organization, and the hash by which it knows the booking."""

    organization_id: UUID
    token_hash: str


def key_of(token: str) -> ManagementKey:
    """Raises `NoSuchBooking` for a token that opens nothing."""
    token_hash = secret_hashes.digest(TOKEN, token)
    organization_id = directory.organization_of(SchedulingDirectory.MANAGEMENT_TOKEN, token_hash)
    if organization_id is None:
        raise NoSuchBooking
    return ManagementKey(organization_id, token_hash)


@dataclass(frozen=True, slots=True)
class ManagedBooking:
    """A booking as its invitee's page shows it. `host` is the host's name and address, `moved_to` the record that took its place."""

    booking: Booking
    shown: ManagedBookingRead
    brand: Brand
    event_type_slug: str | None
    host: tuple[str, str] | None
    moved_to: UUID | None


def managed_booking(session: Session, key: ManagementKey) -> ManagedBookingRead:
    """Raises `NoSuchBooking`."""
    return find(session, key).shown


def cancel(session: Session, caller: Caller, key: ManagementKey, reason: str | None) -> ManagedBookingRead:
    """The invitee gives the time back. Raises `NoSuchBooking`, `IllegalTransition`, `TooLate`."""
    booking_details = find(session, key)
    state_machine.cancel(session, caller, booking_details.booking, CanceledBy.INVITEE, reason)
    return _shown_again(booking_details.shown, booking_details.booking)


def reschedule(
    session: Session, caller: Caller, key: ManagementKey, wanted: BookingMove, fresh: LiveBusyTimes | None = None
) -> tuple[ManagedBookingRead, Booking]:
    """The invitee moves it; the link of the new record is in the mail about it. The new record as its invitee sees it, and itself.

    Raises `NoSuchBooking`, and what `rescheduling.reschedule` raises.
    """
    locked_booking = queries.booking_to_move(session, token_hash=key.token_hash)
    moved, offer = rescheduling.reschedule(session, caller, locked_booking, wanted, CanceledBy.INVITEE, fresh)
    new, names = moved.booking, {host_schedule.user_id: host_schedule.name for host_schedule in offer.places}
    values = {"event_type_name": offer.event_type.name, "host_name": names.get(new.host_id), "organization_name": offer.organization_name}
    values |= {name: getattr(new, name) for name in ManagedBookingRead.model_fields if name not in values}
    return ManagedBookingRead.model_validate(values), new


def _shown_again(shown: ManagedBookingRead, booking: Booking) -> ManagedBookingRead:
    names = ("status", "start_time", "end_time", "location", "canceled_at", "cancel_reason", "canceled_by")
    return shown.model_copy(update={name: getattr(booking, name) for name in names})


def find(session: Session, key: ManagementKey) -> ManagedBooking:
    """One statement. Raises `NoSuchBooking`."""
    # An event type or a host that is gone since takes nothing from the invitee's right to see the booking and to cancel it.
    later = aliased(Booking)
    row = session.execute(
        select(Booking, EventType, User, Organization, later.id, OrganizationMember)
        .join(EventType, EventType.id == Booking.event_type_id)
        .join(Organization, Organization.id == Booking.organization_id)
        .outerjoin(User, User.id == Booking.host_id)
        .outerjoin(
            OrganizationMember,
            (OrganizationMember.organization_id == Booking.organization_id) & (OrganizationMember.user_id == Booking.host_id),
        )
        .outerjoin(later, later.rescheduled_from_id == Booking.id)
        .where(Booking.management_token_hash == key.token_hash),
        execution_options={"with_deleted": True},
    ).one_or_none()
    if row is None:
        raise NoSuchBooking
    booking, event_type, host, organization, moved_to, member = row
    host_name, host_email = member_profiles.name_and_email(member, host) if host is not None else (None, None)
    names = {"event_type_name": event_type.name, "host_name": host_name, "organization_name": organization.name}
    names |= {name: getattr(booking, name) for name in ManagedBookingRead.model_fields if name not in names}
    return ManagedBooking(
        booking,
        ManagedBookingRead.model_validate(names),
        Brand(organization.name, organization.slug, organization.logo_url, organization.brand_color, organization.locale),
        event_type.slug if event_type.is_active and event_type.deleted_at is None else None,
        (host_name or organization.name, host_email or "") if host is not None else None,
        moved_to,
    )
