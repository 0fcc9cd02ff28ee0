"""A booking in the hands of its host, who has not logged in but has the link of the mail."""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from parley.identity.models import Organization, OrganizationMember, User
from parley.identity.roles.scopes import SCOPES
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Forbidden, Refusal
from parley.scheduling.availability.live_busy_times import LiveBusyTimes
from parley.scheduling.bookings import rescheduling, state_machine
from parley.scheduling.bookings.booking_service import NoSuchBooking
from parley.scheduling.bookings.host_links import HostKey
from parley.scheduling.bookings.schemas import BookingMove
from parley.scheduling.common import queries
from parley.scheduling.common.branding import Brand
from parley.scheduling.tables.booking_models import Booking, BookingHost, Invitee
from parley.scheduling.tables.enums import STANDING_STATUSES, BookingStatus, CanceledBy, Change
from parley.scheduling.tables.event_type_models import EventType


class HostLinkEnded(Refusal):
    """The meeting is over, somebody else hosts it, or the host does not belong to the organization any more."""

    status = 410


class HostMayNotChange(Forbidden):
    """The host's role lets them look at bookings, and not change them."""


@dataclass(frozen=True, slots=True)
class HostedBooking:
    """A booking as its host's page shows it. `moved_to` is the record that took its place, where the same host has that one."""

    booking: Booking
    invitee: Invitee
    event_type: EventType
    host: User
    role: str
    brand: Brand
    answers: list[tuple[str, str]]
    moved_to: UUID | None

    @property
    def is_standing(self) -> bool:
        return self.booking.status in STANDING_STATUSES

    @property
    def may_change(self) -> bool:
        return "*" in SCOPES[self.role] or "bookings:write" in SCOPES[self.role]

    @property
    def choices(self) -> list[Change]:
        """What the host can make of it at this moment, beside moving it before it begins."""
        if not self.may_change or not self.is_standing:
            return []
        return [Change.CONFIRM, Change.DECLINE] if self.booking.status is BookingStatus.PENDING else [Change.CANCEL]

    @property
    def may_move(self) -> bool:
        return bool(self.choices) and self.booking.start_time > now()


def find(session: Session, key: HostKey) -> HostedBooking:
    """Two statements. Raises `HostLinkEnded`."""
    later, hosts_later = aliased(Booking), aliased(BookingHost)
    row = session.execute(
        select(Booking, Invitee, EventType, User, OrganizationMember.role, Organization, hosts_later.booking_id)
        .join(BookingHost, (BookingHost.booking_id == Booking.id) & (BookingHost.host_id == key.host_id))
        .join(Invitee, Invitee.id == Booking.invitee_id)
        .join(EventType, EventType.id == Booking.event_type_id)
        .join(User, (User.id == key.host_id) & User.deleted_at.is_(None))
        .join(OrganizationMember, (OrganizationMember.user_id == User.id) & OrganizationMember.deactivated_at.is_(None))
        .join(Organization, (Organization.id == Booking.organization_id) & Organization.deleted_at.is_(None))
        .outerjoin(later, later.rescheduled_from_id == Booking.id)
        .outerjoin(hosts_later, (hosts_later.booking_id == later.id) & (hosts_later.host_id == key.host_id))
        .where(
            Booking.id == key.booking_id,
            Booking.end_time > now(),
            OrganizationMember.organization_id == key.organization_id,
        ),
        execution_options={"with_deleted": True, "populate_existing": True},
    ).one_or_none()
    if row is None:
        raise HostLinkEnded("This link has ended: the meeting is over, or it is not yours any more.")
    booking, invitee, event_type, host, role, organization, moved_to = row
    answers = [
        (label, ", ".join(value) if isinstance(value, list) else str(value)) for _, label, value in queries.answers(session, booking.id)
    ]
    brand = Brand(organization.name, organization.slug, organization.logo_url, organization.brand_color, organization.locale)
    return HostedBooking(booking, invitee, event_type, host, role.value, brand, answers, moved_to)


def host_caller(visitor: Caller, hosted_booking: HostedBooking) -> Caller:
    """The host, with what their role lets them do at this moment; the trail names them. Raises `HostMayNotChange`."""
    if not hosted_booking.may_change:
        raise HostMayNotChange("Your role in this organization lets you look at bookings, and not change them.")
    return replace(
        visitor, actor_type=ActorType.USER, actor_id=hosted_booking.host.id, role=hosted_booking.role, scopes=SCOPES[hosted_booking.role]
    )


def change(session: Session, visitor: Caller, key: HostKey, wanted: Change, reason: str | None) -> None:
    """Confirm, decline or cancel. Raises `HostLinkEnded`, `HostMayNotChange`, and what `state_machine.change_booking` raises."""
    hosted_booking = find(session, key)
    state_machine.change_booking(session, host_caller(visitor, hosted_booking), hosted_booking.booking.id, wanted, reason)


def reschedule(session: Session, visitor: Caller, key: HostKey, wanted: BookingMove, fresh: LiveBusyTimes | None = None) -> HostKey:
    """Move it. The key of the new record: it opens nothing where others host that one.

    Raises `HostLinkEnded`, `HostMayNotChange`, `TooLate`, and what `rescheduling.reschedule` raises.
    """
    hosted_booking = find(session, key)
    if hosted_booking.is_standing:
        state_machine.check_not_begun(hosted_booking.booking)
    whole = queries.booking_to_move(session, key.booking_id)
    if whole is None:
        raise NoSuchBooking
    moved, _ = rescheduling.reschedule(session, host_caller(visitor, hosted_booking), whole, wanted, CanceledBy.HOST, fresh)
    return replace(key, booking_id=moved.booking.id)
