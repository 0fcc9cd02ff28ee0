"""People whom a directory provisions: members from the start, who come later.

Whether an address has an account is none of a directory's business, and no organization says anything of an account. So each member who is
provisioned begins with an account of their own, without address, name and way in; what the directory says stands in the membership. The
person is asked by mail, unless the organization's identity provider brings them, and then the membership goes over to the account that is
theirs.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.identity.accounts import user_accounts
from parley.identity.members import member_profiles, provisioning_invitations
from parley.identity.models import Invitation, InvitationStatus, OrganizationMember, User
from parley.kernel.access.callers import Caller
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.scim.errors import DuplicateResource
from parley.scim.user_mapping import ProvisionedUser, RequestedUser


def account(session: Session) -> User:
    """An account for somebody who has not come yet."""
    return user_accounts.create(session, email=None, name=None)


def refuse_member(session: Session, caller: Caller, wanted: RequestedUser, but: OrganizationMember | None = None) -> None:
    """One query. Raises `Taken` when a member has the address."""
    if wanted.address is None:
        return
    same = select(OrganizationMember.id).join(User, User.id == OrganizationMember.user_id)
    same = same.where(OrganizationMember.organization_id == caller.organization_id, member_profiles.member_email() == wanted.address)
    if but is not None:
        same = same.where(OrganizationMember.id != but.id)
    if session.scalar(same.limit(1)) is not None:
        raise DuplicateResource("This person is a member already.")


def ask(session: Session, caller: Caller, member: OrganizationMember) -> None:
    """Ask the person by mail, where no identity provider of the organization brings them."""
    if member.email is None or member.deactivated_at is not None:
        return
    if not session.scalar(select(member_profiles.is_of_proven_domain(caller.organization_id, member.email))):
        provisioning_invitations.invite_by_mail(session, caller, member.email, member.role, caller.person_id)


def take_back(session: Session, member: OrganizationMember) -> None:
    """Who is provisioned no more is asked no more. It travels with the next statement."""
    if member.email is not None:
        open_ones = update(Invitation).where(
            Invitation.organization_id == member.organization_id,
            Invitation.email == member.email,
            Invitation.team_id.is_(None),
            Invitation.status == InvitationStatus.PENDING,
        )
        execute_later(session, open_ones.values(status=InvitationStatus.EXPIRED, updated_at=now()))


def follow(session: Session, caller: Caller, person: ProvisionedUser, wanted: RequestedUser) -> None:
    """What the directory says of somebody is seen here at once; their address, as long as they have not come. Raises `Taken`."""
    person.member.display_name = wanted.name
    has_come = not member_profiles.is_waiting(person.user)
    if has_come or wanted.address is None or wanted.address.lower() == (person.member.email or "").lower():
        return
    refuse_member(session, caller, wanted, but=person.member)
    take_back(session, person.member)
    person.member.email = wanted.address
    ask(session, caller, person.member)
