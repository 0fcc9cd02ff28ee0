"""A new organization with its owner."""

from sqlalchemy.orm import Session

from parley.identity.models import MemberRole, Organization, OrganizationMember, User
from parley.kernel import audit
from parley.kernel.callers import Caller
from parley.kernel.errors import Conflict
from parley.kernel.verdicts import violation_means


class SlugTaken(Conflict):
    """Another organization has this slug."""


class EmailTaken(Conflict):
    """An account with this address exists."""


def found(session: Session, caller: Caller, *, name: str, slug: str, owner_name: str, owner_email: str) -> Organization:
    """Found the organization of the session's caller, whose id becomes the owner's. Raises `SlugTaken`, `EmailTaken`."""
    owner = User(id=caller.actor_id, name=owner_name, email=owner_email)
    organization = Organization(id=caller.organization_id, name=name, slug=slug, owner_id=owner.id)
    session.add_all([owner, organization])
    with (
        violation_means("uq_organizations_slug", SlugTaken("This slug is taken; choose another.")),
        violation_means("uq_users_email", EmailTaken("An account with this address exists; log in with it.")),
    ):
        session.flush()

    member = OrganizationMember(user_id=owner.id, role=MemberRole.OWNER)
    session.add(member)
    audit.record(session, caller, "organization.created", organization, new={"slug": slug})
    return organization


def join(session: Session, caller: Caller, *, name: str, email: str, role: MemberRole) -> User:
    """A new account that belongs to the caller's organization. Raises `EmailTaken`."""
    caller.require("members:write")

    user = User(name=name, email=email)
    session.add(user)
    with violation_means("uq_users_email", EmailTaken("An account with this address exists; invite it instead.")):
        session.flush()

    session.add(OrganizationMember(user_id=user.id, role=role))
    audit.record(session, caller, "member.created", user, new={"role": role.value})
    return user
