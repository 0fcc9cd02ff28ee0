"""Seats: how many people an organization may have. A member and a pending invitation take one each."""

from uuid import UUID

from sqlalchemy import ScalarSelect, func, or_, select
from sqlalchemy.orm import Session

from parley.identity.models import Invitation, InvitationStatus, Organization, OrganizationMember, User
from parley.kernel.access.plans import PLANS, PlanLimit
from parley.kernel.values.clock import now


def seat_limit(organization: Organization) -> int:
    """How many seats it has."""
    return organization.seat_limit if organization.seat_limit is not None else PLANS[organization.plan].seats


def seats_used(session: Session, organization: Organization, *, address: str | None = None) -> int:
    """How many seats are taken: by active members, and by the addresses that are invited and no member's yet. One query.

    `address` is somebody's who comes in now: what is kept for it does not count.
    """
    return session.scalars(select(seats_used_query(organization.id, address=address))).one()


def seats_used_query(organization_id: UUID, *, address: str | None = None) -> ScalarSelect[int]:
    """The same as a subquery. An address that is invited to the organization and to a team of it takes one seat."""
    members = select(func.count()).where(OrganizationMember.organization_id == organization_id, OrganizationMember.deactivated_at.is_(None))
    is_member = (
        select(User.id)
        .join(OrganizationMember, OrganizationMember.user_id == User.id)
        .where(OrganizationMember.organization_id == organization_id)
        .where(or_(User.email == Invitation.email, OrganizationMember.email == Invitation.email))
    )
    invited = select(func.count(Invitation.email.distinct())).where(
        Invitation.organization_id == organization_id,
        Invitation.status == InvitationStatus.PENDING,
        Invitation.expires_at > now(),
        Invitation.email.is_distinct_from(address),
        ~is_member.exists(),
    )
    return select(members.scalar_subquery() + invited.scalar_subquery()).scalar_subquery()


def require_free_seat(session: Session, organization: Organization, *, address: str | None = None) -> None:
    """Refuse one more person when every seat is taken, in a locked organization. One query. Raises `PlanLimit`.

    `address` is that person's: the seat that an invitation keeps for it is theirs.
    """
    refuse_beyond_limit(organization, seats_used(session, organization, address=address))


def refuse_beyond_limit(organization: Organization, seats_taken: int) -> None:
    """Raises `PlanLimit` when no seat is left."""
    seats = seat_limit(organization)
    if seats_taken >= seats:
        raise PlanLimit(
            f"All {seats} seats of this plan are taken, pending invitations included; choose a larger plan or free one.", limit="seats"
        )
