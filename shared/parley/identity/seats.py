"""Seats: how many people an organization may have. A member and a pending invitation take one each."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from parley.identity.models import Invitation, InvitationStatus, Organization, OrganizationMember
from parley.kernel.clock import now
from parley.kernel.errors import NotFound
from parley.kernel.plans import PLANS, PlanLimit


class NoSuchOrganization(NotFound):
    """The organization is not there, or not the caller's."""


def lock(session: Session) -> Organization:
    """The caller's organization, locked until the commit: who changes members, roles or the owner waits here for each other.

    The organization is named by the session's caller. Raises `NoSuchOrganization`.
    """
    organization_id = session.info["caller"].organization_id
    found = session.scalar(
        select(Organization)
        .where(Organization.id == organization_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NoSuchOrganization("There is no such organization.")
    return found


def limit(organization: Organization) -> int:
    """How many seats it has."""
    return organization.seat_limit if organization.seat_limit is not None else PLANS[organization.plan].seats


def take(session: Session, organization: Organization, *, instead_of: UUID | None = None) -> None:
    """Refuse one more person when every seat is taken, in a locked organization. One query. Raises `PlanLimit`.

    `instead_of` is the invitation whose seat the person takes over.
    """
    members = select(func.count()).where(OrganizationMember.organization_id == organization.id, OrganizationMember.deactivated_at.is_(None))
    invited = select(func.count()).where(
        Invitation.organization_id == organization.id,
        Invitation.status == InvitationStatus.PENDING,
        Invitation.expires_at > now(),
        Invitation.team_id.is_(None),
        Invitation.id.is_distinct_from(instead_of),
    )
    taken = session.scalars(select(members.scalar_subquery() + invited.scalar_subquery())).one()
    seats = limit(organization)
    if taken >= seats:
        raise PlanLimit(
            f"All {seats} seats of this plan are taken, pending invitations included; choose a larger plan or free one.", limit="seats"
        )
