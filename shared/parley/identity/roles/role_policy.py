"""Who may touch whom: nobody raises a role above their own, nor touches somebody above; the owner is changed by a transfer alone.

Asked of rows in an organization that `lock_organization` holds: of two who change each other, the second sees what the first has done.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, or_, select
from sqlalchemy.orm import Session

from parley.identity.models import ApiKey, MemberRole, OrganizationMember
from parley.identity.roles.scopes import RANKS
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.values.errors import Conflict, Forbidden, NotFound


class NoSuchMember(NotFound):
    """Nobody of that id belongs to the organization."""


class MemberAboveYou(Forbidden):
    """The other one's role is above the caller's."""


class RoleAboveYours(Forbidden):
    """The role to be given is above the caller's own."""


class OwnerStays(Conflict):
    """The owner can't be demoted or removed, and can't leave."""


class OwnerByTransferOnly(Conflict):
    """OWNER is no role to be given."""


def rank(role: MemberRole) -> int:
    return RANKS.index(role.value)


def is_actor(caller: Caller) -> ColumnElement[bool]:
    """Whether a membership is the caller's own: an API key stands where its maker stands."""
    if caller.actor_type is ActorType.API_KEY:
        return OrganizationMember.user_id == select(ApiKey.user_id).where(ApiKey.id == caller.actor_id).scalar_subquery()
    return OrganizationMember.user_id == caller.actor_id


def role_of(caller: Caller) -> ScalarSelect[MemberRole]:
    """The caller's role as a subquery; null for who is no active member."""
    own = select(OrganizationMember.role).where(
        OrganizationMember.organization_id == caller.organization_id, is_actor(caller), OrganizationMember.deactivated_at.is_(None)
    )
    return own.scalar_subquery()


def own_role(session: Session, caller: Caller) -> MemberRole:
    """The caller's role as it is now. One query."""
    if caller.actor_type is ActorType.SYSTEM:
        return MemberRole.OWNER
    return session.scalar(select(role_of(caller))) or MemberRole.VIEWER


def role_and_member(session: Session, caller: Caller, user_id: UUID) -> tuple[MemberRole, OrganizationMember]:
    """The caller's role as it is now, and another's membership. One query. Raises `NoSuchMember`."""
    rows = session.execute(
        select(OrganizationMember, is_actor(caller))
        .where(OrganizationMember.organization_id == caller.organization_id)
        .where(or_(OrganizationMember.user_id == user_id, is_actor(caller)))
        .execution_options(populate_existing=True)
    ).all()
    other = next((member for member, _ in rows if member.user_id == user_id), None)
    if other is None:
        raise NoSuchMember("There is no such member.")
    if caller.actor_type is ActorType.SYSTEM:
        return MemberRole.OWNER, other
    return next((member.role for member, is_caller in rows if is_caller and member.deactivated_at is None), MemberRole.VIEWER), other


def require_may_change(role: MemberRole, other: OrganizationMember) -> None:
    """Raises `MemberAboveYou`, `OwnerStays`."""
    if rank(other.role) > rank(role):
        raise MemberAboveYou("This member's role is above yours; ask somebody with a higher one.")
    if other.role is MemberRole.OWNER:
        raise OwnerStays("The owner's role stays until the organization is transferred: POST /v1/identity/organization/transfer.")


def require_may_grant(role: MemberRole, new_role: MemberRole) -> None:
    """Raises `RoleAboveYours`, `OwnerByTransferOnly`."""
    if rank(new_role) > rank(role):
        raise RoleAboveYours("You can't give a role above your own.")
    if new_role is MemberRole.OWNER:
        raise OwnerByTransferOnly("An organization has one owner; transfer it instead: POST /v1/identity/organization/transfer.")
