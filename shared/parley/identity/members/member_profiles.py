"""What an organization says of its members, and members who have not come yet.

A directory provisions people; whether somebody has an account here is none of its business. So a member who is provisioned begins with an
account of their own that has neither address nor way in: address and name stand in the membership, seen in that organization alone. When
the person comes and says yes, by the link of a mail or through the identity provider, the membership goes over to the account that is
theirs.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Text, cast, delete, func, select, text
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityDirectory
from parley.identity.models import OrganizationMember, TeamMember, User
from parley.kernel.persistence.directory import DirectoryEntry
from parley.kernel.postgres.deferred import execute_later

# Every column of the organization's tables that names a person, but those that this module writes and the trail, which nobody does.
_NAMES_A_PERSON = text(
    "SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c "
    "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
    "WHERE c.confrelid = 'users'::regclass AND c.contype = 'f' AND cardinality(c.conkey) = 1 "
    "AND c.conrelid <> ALL (ARRAY['organization_members', 'team_members', 'organizations', 'user_sessions']::regclass[]) "
    "AND has_table_privilege(c.conrelid, 'UPDATE') "
    "AND EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = c.conrelid AND o.attname = 'organization_id') ORDER BY 1, 2"
)


def member_name() -> ColumnElement[str | None]:
    """How a member is called in the organization: as it says itself, else as the person does. Of `OrganizationMember` and `User`."""
    return func.coalesce(OrganizationMember.display_name, User.name)


def member_email() -> ColumnElement[str | None]:
    """Where mail reaches a member: at their account's address; as long as they have not come, where the organization says."""
    return func.coalesce(User.email, OrganizationMember.email)


def name_and_email(member: OrganizationMember | None, user: User) -> tuple[str | None, str | None]:
    """The same of rows that were read: name and address."""
    if member is None:
        return user.name, user.email
    return member.display_name or user.name, user.email or member.email


def is_of_proven_domain(organization_id: UUID, address: Any) -> ScalarSelect[bool]:
    """Whether the organization has proven the domain of an address, which may be a column's. A subquery."""
    domain = func.split_part(func.lower(cast(address, Text)), "@", 2)
    entry = (
        DirectoryEntry.kind == IdentityDirectory.SAML_DOMAIN,
        DirectoryEntry.key == domain,
        DirectoryEntry.organization_id == organization_id,
    )
    return select(select(DirectoryEntry.key).where(*entry).exists()).scalar_subquery()


def is_waiting(user: User) -> bool:
    """Whether it is the account of a member who has not come yet. One without an address may be somebody's: a provider opens it."""
    return user.email is None and user.last_login_at is None


def waiting_member(session: Session, organization_id: UUID, address: str) -> OrganizationMember | None:
    """The member who was provisioned with this address and has not come yet. One query."""
    return session.scalar(
        select(OrganizationMember).where(OrganizationMember.organization_id == organization_id, OrganizationMember.email == address)
    )


def transfer_membership(session: Session, member: OrganizationMember, user: User) -> None:
    """Give a waiting membership to the person who has come: their places in teams, and whatever of the organization names them, too."""
    old, organization_id = member.user_id, member.organization_id
    here = TeamMember.organization_id == organization_id, TeamMember.user_id == old
    teams = session.execute(select(TeamMember.team_id, TeamMember.role).where(*here)).all()
    execute_later(session, delete(TeamMember).where(*here))
    member.user_id, member.email = user.id, None
    session.flush()
    session.add_all(TeamMember(organization_id=organization_id, team_id=team_id, user_id=user.id, role=role) for team_id, role in teams)
    moved: dict[str, Any] = {"new": user.id, "old": old, "here": organization_id}
    for table, column in session.execute(_NAMES_A_PERSON).all():
        change = f"UPDATE {table} SET {column} = :new WHERE organization_id = :here AND {column} = :old"  # noqa: S608  # names of the catalogue
        execute_later(session, text(change).bindparams(**moved))
