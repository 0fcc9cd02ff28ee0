"""What the rest of identity knows of single sign-on: whom an organization makes use it, and what a session that it opened may not do.

An organization's identity provider speaks for the organization, and not for the accounts of its members: they may have others beside it. A
session that it opened therefore works for that organization alone; `admit_person` refuses it everything of the person's own. Nor does it
speak for the owner, who stands above whoever configures it: `sessions.chosen` gives such a session to nobody who is the owner, and `admit`
refuses one whose member has become it.
"""

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.orm import Session

from parley.identity.models import MemberRole, Organization, OrganizationMember, User
from parley.kernel.errors import Forbidden

APPROVE = "sso:approve"
"""The scope of who agrees to a source of identity; what its holder sets up is agreed to at once. It is the owner's alone."""

SAML_PROPOSED, SCIM_PROPOSED = "identity.saml_connection_proposed", "identity.scim_token_proposed"
"""Announced when something waits for that agreement."""

DOMAIN_LOST = "identity.saml_domain_lost"
"""Announced when DNS proves a domain no more."""

METHOD = "saml"
"""In the `methods` of a session that an organization's identity provider opened."""


class SingleSignOnRequired(Forbidden):
    """The organization lets members with this address in by its identity provider alone."""


def require(session: Session, organization: Organization, domains: list[str] | None) -> None:
    """Whose addresses must come in by single sign-on, proven domains; None: nobody must."""
    organization.sso_domains = domains


def is_not_required() -> ColumnElement[bool]:
    """Of an organization, a member of it and their account: that the member may come in by any way (`Organization.sso_domains`).

    The owner may: somebody has to get in when the identity provider is away or was set up wrong.
    """
    domain = func.split_part(func.lower(User.email.cast(TEXT)), "@", 2)
    return or_(
        Organization.sso_domains.is_(None),
        OrganizationMember.role == MemberRole.OWNER,
        User.email.is_(None),
        ~func.jsonb_exists(Organization.sso_domains, domain),
    )
