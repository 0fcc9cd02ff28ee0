"""Whose things these are: who may change them, and who can be a host."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.models import OrganizationMember, Team, User
from parley.identity.roles import member_rights
from parley.kernel.access.callers import Caller
from parley.kernel.values.errors import Forbidden, Unprocessable


class PersonNeeded(Forbidden):
    """A host is a person, and the caller is none."""


class NotYours(Forbidden):
    """It belongs to a colleague, and the caller administers nothing."""


class NotAHost(Unprocessable):
    """Somebody who is not a member of the organization, or not any more."""


class TeamNotThere(Unprocessable):
    """The team is not there."""


def person(caller: Caller) -> UUID:
    """The user who asks, or who made the key that asks. Raises `PersonNeeded`."""
    if caller.person_id is None:
        raise PersonNeeded("This makes something for the person who asks; log in as one.")
    return caller.person_id


def check(session: Session, caller: Caller, *user_ids: UUID | None) -> None:
    """One's own (`user_ids`), or anybody's for administrators. A key stands where its maker stands now. Raises `NotYours`."""
    if (caller.person_id is None or caller.person_id not in user_ids) and not member_rights.administers(session, caller):
        raise NotYours("This belongs to a colleague; ask them, or an administrator.")


def check_hosts(session: Session, user_ids: Collection[UUID]) -> None:
    """All of them work for the organization. Raises `NotAHost`."""
    wanted = set(user_ids)
    here = (
        select(OrganizationMember.user_id)
        .join(User, User.id == OrganizationMember.user_id)
        .where(OrganizationMember.user_id.in_(wanted), OrganizationMember.deactivated_at.is_(None))
    )
    if missing := wanted - set(session.scalars(here)):
        raise NotAHost("Hosts are members of the organization.", user_ids=sorted(str(user_id) for user_id in missing))


def check_team(session: Session, team_id: UUID | None) -> None:
    """Raises `TeamNotThere`."""
    if team_id is not None and session.scalar(select(Team.id).where(Team.id == team_id)) is None:
        raise TeamNotThere("There is no such team.")
