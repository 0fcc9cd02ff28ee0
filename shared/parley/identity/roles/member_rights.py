"""What a member may at this moment, asked when a thing of theirs is used: the right to have made it is not enough.

One rule for all that outlives a request: who made it is an active member of the organization, and their role of now covers the scope that
making it takes. Nothing has to hear of a demotion for it to count.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Select, SQLColumnExpression, Uuid, literal_column, select
from sqlalchemy.orm import Session

from parley.identity.models import MemberRole, OrganizationMember, User, UserStatus
from parley.identity.roles import role_policy
from parley.identity.roles.scopes import SCOPES, is_within
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.postgres.row_level_security import TENANT

ADMINISTRATORS = (MemberRole.OWNER, MemberRole.ADMIN)
# When somebody joined and when they made a thing were read from clocks of two machines.
_CLOCKS_APART = timedelta(minutes=1)


@cache
def roles_with(scope: str) -> tuple[MemberRole, ...]:
    """The roles that cover a scope."""
    return tuple(role for role in MemberRole if is_within([scope], SCOPES[role.value]))


def holds(user_id: SQLColumnExpression[Any] | UUID, scope: str, *, since: datetime) -> ColumnElement[bool]:
    """Whether a user, by their role of now, may do what this scope lets do. False for who is suspended, was removed, or is not known.

    `since`: when they made the thing, or took it over. Who left after that, and came back, does not answer for it any more.
    """
    return _is_member_with(user_id, roles_with(scope), since)


def is_administrator(user_id: SQLColumnExpression[Any] | UUID, *, since: datetime) -> ColumnElement[bool]:
    """Whether a user administers the organization now, and has belonged to it all the time since."""
    return _is_member_with(user_id, ADMINISTRATORS, since)


def role_of(user_id: SQLColumnExpression[Any] | UUID) -> ScalarSelect[MemberRole]:
    """A user's role of now in the transaction's organization, as a subquery; null for who is no active member."""
    return _membership(user_id, OrganizationMember.role).scalar_subquery()


def _is_member_with(user_id: SQLColumnExpression[Any] | UUID, roles: tuple[MemberRole, ...], since: datetime) -> ColumnElement[bool]:
    is_entitled = OrganizationMember.role.in_(roles), OrganizationMember.joined_at <= since + _CLOCKS_APART
    return _membership(user_id, OrganizationMember.id).where(*is_entitled).exists()


def _membership(user_id: SQLColumnExpression[Any] | UUID, column: Any) -> Select[Any]:
    """In the transaction's organization: where a person acts for themself, their other memberships can be seen as well."""
    return (
        select(column)
        .join(User, User.id == OrganizationMember.user_id)
        .where(
            OrganizationMember.organization_id == literal_column(f"({TENANT})", Uuid),
            OrganizationMember.user_id == user_id,
            OrganizationMember.deactivated_at.is_(None),
            User.status == UserStatus.ACTIVE,
        )
    )


def could_invite(role: MemberRole | None, new_role: MemberRole) -> bool:
    """Whether somebody with this role of now may invite somebody as `given`."""
    return (
        role in roles_with("invitations:write")
        and role_policy.rank(new_role) <= role_policy.rank(role)
        and new_role is not MemberRole.OWNER
    )


def administers(session: Session, caller: Caller) -> bool:
    """Whether the caller administers the organization now. A key does if its maker does; that is looked up: one query.

    The role of a person was compared with the database's as the request began (`kernel.access.admission`).
    """
    if caller.actor_type is ActorType.USER:
        return caller.role in {role.value for role in ADMINISTRATORS}
    return role_policy.own_role(session, caller) in ADMINISTRATORS
