"""Who the caller is."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.models import Organization, OrganizationMember, User
from parley.identity.organizations.schemas import CallerRead, OrganizationRead
from parley.identity.roles.role_policy import NoSuchMember
from parley.kernel.access.callers import Caller


def read_caller(session: Session, caller: Caller) -> CallerRead:
    """The caller, as a member of the organization if they have chosen one. One query. Raises `NoSuchMember`."""
    query = select(User, OrganizationMember.role, Organization).where(User.id == caller.actor_id)
    here = (OrganizationMember.user_id == User.id) & (OrganizationMember.organization_id == caller.organization_id)
    row = session.execute(
        query.outerjoin(OrganizationMember, here).outerjoin(Organization, Organization.id == OrganizationMember.organization_id)
    ).one_or_none()
    if row is None or (caller.has_organization and row[1] is None):
        raise NoSuchMember("You are not a member of this organization any more; log in again.")
    user, role, organization = row
    return CallerRead(
        user_id=user.id,
        name=user.name,
        email=user.email,
        username=user.username,
        timezone=user.timezone,
        locale=user.locale,
        avatar_url=user.avatar_url,
        role=role,
        scopes=sorted(caller.scopes),
        organization=OrganizationRead.model_validate(organization) if organization is not None else None,
    )
