"""Invitations, as who was invited sees them. The token proves that the mail was read; accepting also takes an account with its address."""

import base64
import binascii
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from parley.identity.billing import seat_limits
from parley.identity.declared import IdentityAction, IdentityEvent
from parley.identity.members import invitations, member_profiles
from parley.identity.members.invitations import AlreadyMember
from parley.identity.members.schemas import JoinedRead, OpenInvitationRead
from parley.identity.models import Invitation, InvitationStatus, MemberRole, Organization, OrganizationMember, Team, TeamMember, User
from parley.identity.roles import member_rights, organization_lock
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Forbidden, Refusal
from parley.kernel.values.ids import new_id
from parley.notifications.localization.catalogues import marked as _

_NAMED = 22
_LENGTH = _NAMED + 43
_ENDINGS = {
    InvitationStatus.ACCEPTED: "This invitation was accepted already.",
    InvitationStatus.DECLINED: "This invitation was declined.",
}


class InvitationNotValid(Refusal):
    """It was answered or taken back, its time is over, or there never was one."""

    status = 410


class InvitedSomebodyElse(Forbidden):
    """The account that would accept does not own the address."""


def organization_of(token: str) -> UUID:
    """The organization that a token names; whether it is one of its tokens, the database knows. Raises `InvitationNotValid`."""
    try:
        if len(token) == _LENGTH and token.isascii():
            return UUID(bytes=base64.b64decode(f"{token[:_NAMED]}==", altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        pass
    raise _not_valid(None)


def show(session: Session, token: str) -> OpenInvitationRead:
    """What the link is about. One query. Raises `InvitationNotValid`."""
    row = session.execute(
        select(
            Invitation,
            Organization.name,
            Organization.logo_url,
            Team.name,
            member_profiles.member_name(),
            member_rights.role_of(Invitation.invited_by),
        )
        .join(Organization, Organization.id == Invitation.organization_id)
        .outerjoin(Team, Team.id == Invitation.team_id)
        .outerjoin(User, User.id == Invitation.invited_by)
        .outerjoin(
            OrganizationMember,
            (OrganizationMember.organization_id == Invitation.organization_id) & (OrganizationMember.user_id == Invitation.invited_by),
        )
        .where(Invitation.token_hash == invitations.digest(token))
    ).one_or_none()
    if row is None:
        raise _not_valid(None)
    invitation, name, logo_url, team_name, inviter_name, inviter_role = row
    _must_be_open(invitation, inviter_role)
    return OpenInvitationRead(
        organization_name=name,
        organization_logo_url=logo_url,
        team_name=team_name,
        role=invitation.role,
        inviter_name=inviter_name,
        email=invitation.email,
        expires_at=invitation.expires_at,
    )


def accept(session: Session, caller: Caller, token: str) -> JoinedRead:
    """Join. In a transaction of `transactions.joining`; of many at once one joins.

    Raises `InvitationNotValid`, `InvitedSomebodyElse`, `AlreadyMember`, `PlanLimit`.
    """
    joiner: Caller = session.info["caller"]
    try:
        organization = organization_lock.lock_organization(session)
    except organization_lock.NoSuchOrganization:
        raise _not_valid(None) from None
    invitation, user, member, inviter_role, waiting, is_proven = _found(session, caller, organization, token)
    if user.email_verified_at is None or (user.email or "").lower() != invitation.email.lower():
        raise InvitedSomebodyElse("This invitation is for another address; log in with the account that has it, and accept again.")
    if member is not None and (invitation.team_id is None or member.deactivated_at is not None):
        raise AlreadyMember("You belong to this organization already.")
    _must_be_open(invitation, inviter_role)
    if waiting is not None and waiting.deactivated_at is not None:
        raise _not_valid(None)

    if member is None and waiting is not None:  # a directory has provisioned them, and now they have come
        member = waiting
        member_profiles.transfer_membership(session, member, user)
        audit.record(session, joiner, IdentityAction.MEMBER_JOINED, member, new={"role": member.role.value}, target_user_id=user.id)
    if member is None:
        seat_limits.require_free_seat(session, organization, address=invitation.email)
        member = OrganizationMember(organization_id=organization.id, user_id=user.id, role=invitation.role)
        member.is_sso_bound = is_proven
        session.add(member)
        audit.record(session, joiner, IdentityAction.MEMBER_JOINED, member, new={"role": member.role.value}, target_user_id=user.id)
        outbox.announce(session, IdentityEvent.MEMBER_JOINED, user_id=user.id, role=member.role.value, invitation_id=invitation.id)
    if invitation.team_id is not None:
        values = {"id": new_id(), "team_id": invitation.team_id, "user_id": user.id, "role": invitation.role, "joined_at": now()}
        session.execute(insert(TeamMember).values(organization_id=organization.id, **values).on_conflict_do_nothing())
        outbox.announce(session, IdentityEvent.TEAM_MEMBER_ADDED, team_id=invitation.team_id, user_id=user.id)
    invitation.status, invitation.accepted_at = InvitationStatus.ACCEPTED, now()
    audit.record(session, joiner, IdentityAction.INVITATION_ACCEPTED, invitation, team_id=invitation.team_id, target_user_id=user.id)
    return JoinedRead(
        organization_id=organization.id,
        organization_name=organization.name,
        organization_slug=organization.slug,
        role=member.role,
        team_id=invitation.team_id,
    )


def decline(session: Session, caller: Caller, token: str) -> None:
    """Say no, with the link alone. Raises `InvitationNotValid`."""
    query = select(Invitation).where(Invitation.token_hash == invitations.digest(token))
    is_there = select(Organization.id).where(Organization.id == Invitation.organization_id).exists()
    invitation = session.scalar(query.where(is_there).with_for_update())
    if invitation is None or invitation.status is not InvitationStatus.PENDING or invitation.expires_at <= now():
        raise _not_valid(invitation.status if invitation is not None else None)
    invitation.status = InvitationStatus.DECLINED
    audit.record(session, caller, IdentityAction.INVITATION_DECLINED, invitation, team_id=invitation.team_id)
    outbox.announce(session, IdentityEvent.INVITATION_DECLINED, invitation_id=invitation.id)


def _found(
    session: Session, caller: Caller, organization: Organization, token: str
) -> tuple[Invitation, User, OrganizationMember | None, MemberRole | None, OrganizationMember | None, bool]:
    waiting = aliased(OrganizationMember)
    is_proven = member_profiles.is_of_proven_domain(organization.id, Invitation.email)
    is_theirs = and_(waiting.organization_id == organization.id, waiting.email == Invitation.email)
    is_mine = and_(OrganizationMember.organization_id == organization.id, OrganizationMember.user_id == User.id)
    row = session.execute(
        select(Invitation, User, OrganizationMember, member_rights.role_of(Invitation.invited_by), waiting, is_proven)
        .select_from(Invitation)
        .join(User, User.id == caller.actor_id)
        .outerjoin(OrganizationMember, is_mine)
        .outerjoin(waiting, is_theirs)
        .where(Invitation.organization_id == organization.id, Invitation.token_hash == invitations.digest(token))
        .with_for_update(of=[Invitation, User], key_share=True)  # nobody joins whose account is being deleted
    ).one_or_none()
    if row is None:
        raise _not_valid(None)
    return row[0], row[1], row[2], row[3], row[4], row[5]


def _must_be_open(invitation: Invitation, inviter_role: MemberRole | None) -> None:
    """Nobody has answered it or taken it back, its time is not over, and who invited may still give that role."""
    if invitation.status is not InvitationStatus.PENDING or invitation.expires_at <= now():
        raise _not_valid(invitation.status)
    if not member_rights.could_invite(inviter_role, invitation.role):
        raise _not_valid(None)


def _not_valid(status: InvitationStatus | None) -> InvitationNotValid:
    message = _ENDINGS.get(status) if status else None
    return InvitationNotValid(message or _("This invitation is not valid any more; ask for a new one."))
