"""A new organization with its owner, and new members of it."""

from typing import Any

from sqlalchemy.orm import Session

from parley.identity.accounts import user_accounts
from parley.identity.declared import IdentityAction
from parley.identity.models import MemberRole, Organization, OrganizationMember, User
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict


class OrganizationSlugTaken(Conflict):
    """Another organization has this slug."""


def create_organization(
    session: Session, caller: Caller, *, name: str, slug: str, owner_name: str, owner_email: str, **terms: Any
) -> Organization:
    """Found the organization of the session's caller, whose id becomes the new owner's. For seeds, tools and tests: nobody registers here.

    `terms` are further columns of the organization, as its plan. Raises `OrganizationSlugTaken`, `user_accounts.EmailTaken`.
    """
    user_accounts.create(session, id=caller.actor_id, name=owner_name, email=owner_email, email_verified_at=now())
    return create_organization_for(session, caller, name=name, slug=slug, **terms)


def create_organization_for(session: Session, caller: Caller, *, name: str, slug: str, **terms: Any) -> Organization:
    """Found the organization of the session's caller, an existing user who becomes its owner. Raises `OrganizationSlugTaken`."""
    assert caller.actor_id is not None
    organization = Organization(id=caller.organization_id, name=name, slug=slug, owner_id=caller.actor_id, **terms)
    session.add(organization)
    with violation_means("uq_organizations_slug", OrganizationSlugTaken("This slug is taken; choose another.")):
        session.flush()

    session.add(OrganizationMember(user_id=caller.actor_id, role=MemberRole.OWNER))
    audit.record(session, caller, IdentityAction.ORGANIZATION_CREATED, organization, new={"slug": slug})
    return organization


def add_member(session: Session, caller: Caller, *, name: str, email: str, role: MemberRole) -> User:
    """A new account that belongs to the caller's organization. For seeds, tools and tests: people are invited. Raises `EmailTaken`."""
    user = user_accounts.create(session, name=name, email=email, email_verified_at=now())
    session.add(OrganizationMember(user_id=user.id, role=role))
    audit.record(session, caller, IdentityAction.MEMBER_CREATED, user, new={"role": role.value})
    return user
