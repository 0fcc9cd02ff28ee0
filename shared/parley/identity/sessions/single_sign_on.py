"""What the rest of identity knows of single sign-on: whom an organization makes use it, and what a session that it opened may not do.

An organization's identity provider speaks for the organization, and not for the accounts of its members: they may have others beside it. A
session that it opened therefore works for that organization alone; `admit_person` refuses it everything of the person's own. Nor does it
speak for the owner, who stands above whoever configures it: `log_in_sessions.choose_organization` gives such a session to nobody who is
the owner, and `admit` refuses one whose member has become it.
"""

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.orm import Session

from parley.identity.models import MemberRole, Organization, OrganizationMember, User, UserSession
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Forbidden

APPROVE = "sso:approve"
"""The scope of who agrees to a source of identity; what its holder sets up is agreed to at once. It is the owner's alone."""

ENFORCED = "single sign-on enforced"
"""Why sessions were ended."""

_AS_SENT = {"synchronize_session": False}

METHOD = "saml"
"""In the `methods` of a session that an organization's identity provider opened."""


class SingleSignOnRequired(Forbidden):
    """The organization lets members with this address in by its identity provider alone."""


def require(session: Session, organization: Organization, domains: list[str] | None) -> None:
    """Enforce single sign-on, for members with an address in these proven domains and for all who came by it; None: for nobody.

    Who must stays so, whatever their address is later. Their sessions here that were begun in another way end.
    """
    organization.sso_domains = domains
    if domains is None:
        return
    here = OrganizationMember.organization_id == organization.id
    domain = func.split_part(func.lower(User.email.cast(TEXT)), "@", 2)
    conditions = here, OrganizationMember.user_id == User.id, domain.in_(domains), OrganizationMember.is_sso_bound.is_(False)
    session.execute(update(OrganizationMember).where(*conditions).values(is_sso_bound=True), execution_options=_AS_SENT)
    bound = select(OrganizationMember.user_id).where(here, OrganizationMember.is_sso_bound, OrganizationMember.role != MemberRole.OWNER)
    others = UserSession.organization_id == organization.id, ~UserSession.methods.contains([METHOD]), UserSession.user_id.in_(bound)
    ended = update(UserSession).where(*others, UserSession.revoked_at.is_(None)).values(revoked_at=now(), revoked_because=ENFORCED)
    session.execute(ended, execution_options=_AS_SENT)


def is_not_required() -> ColumnElement[bool]:
    """Of an organization and a member of it: that the member may come in by any way. A property of the membership, not of an address.

    The owner may: somebody has to get in when the identity provider is away or was set up wrong.
    """
    return or_(Organization.sso_domains.is_(None), OrganizationMember.role == MemberRole.OWNER, OrganizationMember.is_sso_bound.is_(False))
