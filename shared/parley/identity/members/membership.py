"""Who belongs to an organization, with which role; how somebody leaves it. All changes wait for each other (`lock_organization`)."""

from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityAction, IdentityEvent
from parley.identity.members import invitations
from parley.identity.members.schemas import MemberRead
from parley.identity.models import ApiKey, MemberRole, OrganizationMember, User
from parley.identity.roles import organization_lock, role_policy
from parley.identity.roles.role_policy import NoSuchMember
from parley.identity.sessions import session_revocation
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.persistence.pagination import Page, joined_page
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.declarations import AuditAction


def read(member: OrganizationMember, user: User) -> MemberRead:
    return MemberRead(
        user_id=user.id,
        name=member.display_name or user.name,
        email=user.email or member.email,
        role=member.role,
        is_active=member.deactivated_at is None,
        joined_at=member.joined_at,
    )


def members(session: Session, *, role: MemberRole | None, limit: int, cursor: str | None) -> Page[MemberRead]:
    """A page of members, the newest first. One query."""
    wanted = select(OrganizationMember, User).join(User, User.id == OrganizationMember.user_id)
    if role is not None:
        wanted = wanted.where(OrganizationMember.role == role)
    rows, following = joined_page(session, wanted, [OrganizationMember.id], cursor=cursor, limit=limit)
    return Page(items=[read(member, user) for member, user in rows], next_cursor=following)


def member(session: Session, user_id: UUID) -> MemberRead:
    """One query. Raises `NoSuchMember`."""
    wanted = select(OrganizationMember, User).join(User, User.id == OrganizationMember.user_id)
    row = session.execute(wanted.where(OrganizationMember.user_id == user_id)).one_or_none()
    if row is None:
        raise NoSuchMember("There is no such member.")
    return read(*row)


def change_role(session: Session, caller: Caller, user_id: UUID, role: MemberRole) -> MemberRead:
    """Raises `NoSuchMember`, `MemberAboveYou`, `OwnerStays`, `RoleAboveYours`, `OwnerByTransferOnly`."""
    organization_lock.lock_organization(session)
    own, other = role_policy.role_and_member(session, caller, user_id)
    role_policy.require_may_change(own, other)
    role_policy.require_may_grant(own, role)
    old = other.role
    if role is not old:
        other.role = role
        invitations.end_of(session, caller, user_id, role)
        action = IdentityAction.MEMBER_PROMOTED if role_policy.rank(role) > role_policy.rank(old) else IdentityAction.MEMBER_DEMOTED
        audit.record(session, caller, action, other, old={"role": old.value}, new={"role": role.value}, target_user_id=user_id)
        outbox.announce(session, IdentityEvent.MEMBER_ROLE_CHANGED, user_id=user_id, role=role.value)
    return member(session, user_id)


def remove(session: Session, caller: Caller, user_id: UUID) -> None:
    """Out of the organization and its teams, sessions and keys ended. Raises `NoSuchMember`, `MemberAboveYou`, `OwnerStays`."""
    organization_lock.lock_organization(session)
    own, other = role_policy.role_and_member(session, caller, user_id)
    role_policy.require_may_change(own, other)
    end_membership(session, caller, other, IdentityAction.MEMBER_DELETED, because="removed")


def leave(session: Session, caller: Caller) -> None:
    """The caller goes by themself. Raises `OwnerStays`."""
    assert caller.actor_id is not None
    organization_lock.lock_organization(session)
    own, other = role_policy.role_and_member(session, caller, caller.actor_id)
    role_policy.require_may_change(own, other)
    end_membership(session, caller, other, IdentityAction.MEMBER_LEFT, because="left")


def end_sessions(session: Session, caller: Caller, user_id: UUID) -> None:
    """End every session in which the member works for this organization. Raises `NoSuchMember`, `MemberAboveYou`."""
    organization_lock.lock_organization(session)
    own, other = role_policy.role_and_member(session, caller, user_id)
    if user_id != caller.actor_id and role_policy.rank(other.role) > role_policy.rank(own):
        raise role_policy.MemberAboveYou("This member's role is above yours; ask somebody with a higher one.")
    session_revocation.revoke_in_organization(session, user_id, because="administrator")
    audit.record(session, caller, IdentityAction.MEMBER_SESSIONS_ENDED, other, target_user_id=user_id)
    outbox.announce(session, IdentityEvent.MEMBER_SESSIONS_ENDED, user_id=user_id)


def end_membership(session: Session, caller: Caller, member: OrganizationMember, action: AuditAction, *, because: str) -> None:
    """End a membership that `lock_organization` holds, and the sessions, keys and places in teams that hang on it. Asks nobody's leave."""
    user_id, role = member.user_id, member.role
    session_revocation.revoke_in_organization(session, user_id, because=because)
    # An invitation that brings the person back does not bring their keys back.
    keys = update(ApiKey).where(ApiKey.organization_id == member.organization_id, ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    execute_later(session, keys.values(revoked_at=now()))
    invitations.end_of(session, caller, user_id, None)
    audit.record(session, caller, action, member, old={"role": role.value}, target_user_id=user_id)
    outbox.announce(session, IdentityEvent.MEMBER_LEFT, user_id=user_id, because=because)
    # Their places in teams go with it: the keys say so.
    conditions = OrganizationMember.organization_id == member.organization_id, OrganizationMember.user_id == user_id
    execute_later(session, delete(OrganizationMember).where(*conditions))
