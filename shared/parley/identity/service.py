"""Who the caller is."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.models import Organization, OrganizationMember, User
from parley.identity.schemas import CallerRead, OrganizationRead
from parley.kernel.callers import Caller
from parley.kernel.errors import NotFound


class NoSuchMember(NotFound):
    """The caller has left the organization since the token was made."""


def caller(session: Session, caller: Caller) -> CallerRead:
    """The caller as a member of the organization. One query. Raises `NoSuchMember`."""
    found = session.execute(
        select(User, OrganizationMember, Organization)
        .join(OrganizationMember, OrganizationMember.user_id == User.id)
        .join(Organization, Organization.id == OrganizationMember.organization_id)
        .where(User.id == caller.actor_id)
    ).one_or_none()
    if found is None:
        raise NoSuchMember("You are not a member of this organization any more; log in again.")
    user, member, organization = found
    return CallerRead(
        user_id=user.id,
        name=user.name,
        email=user.email,
        role=member.role,
        scopes=sorted(caller.scopes),
        organization=OrganizationRead.model_validate(organization),
    )
