"""Whose account a provisioned member has.

An organization may add people; it may not take over their accounts. So an account that somebody has proven to be theirs joins only if the
organization speaks for the domain of its address, and nothing of it is ever changed: what the organization says of them stands in the
organization's own rows. An account that nobody has proven yet is no one's: it has no password
and no way in.
"""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from parley.identity import accounts
from parley.identity.models import TeamMember, User
from parley.kernel import directory
from parley.kernel.callers import Caller
from parley.kernel.directory import DirectoryEntry, Kind
from parley.kernel.gather import later
from parley.scim.errors import AccountElsewhere
from parley.scim.persons import Person, Wanted


def account(session: Session, wanted: Wanted) -> UUID:
    """The account with the wanted address, made if there is none. Raises `accounts.EmailTaken` when two make it at once."""
    if wanted.address is not None:
        key = directory.personal(wanted.address)
        known = session.scalar(select(DirectoryEntry.user_id).where(DirectoryEntry.kind == Kind.EMAIL.value, DirectoryEntry.key == key))
        if known is not None:
            return known
    return accounts.create(session, email=wanted.address, name=wanted.name).id


def joinable(session: Session, caller: Caller, user_id: UUID, wanted: Wanted) -> User:
    """The account, which its membership has just made visible. Raises `AccountElsewhere`."""
    user = session.scalar(select(User).where(User.id == user_id).with_for_update(read=True))
    if user is None:
        raise AccountElsewhere("The account with this address was deleted at this moment; try again.")
    if not _is_unproven(user) and not _speaks_for(session, caller, wanted.address or ""):
        raise AccountElsewhere(
            "A person with this address has an account, and your organization has not proven that it speaks for the domain; invite them."
        )
    return user


def follow(session: Session, caller: Caller, person: Person, wanted: Wanted) -> None:
    """Give the member the account of a new address, as long as nobody has proven the present one. Raises as `account` and `joinable`.

    The account itself is left as it is: another organization may have added the same person, and must not find somebody else there.
    """
    address = wanted.address
    if address is None or address.lower() == (person.user.email or "").lower() or not _is_unproven(person.user):
        return
    old, new = person.user.id, account(session, wanted)
    teams = session.execute(select(TeamMember.team_id, TeamMember.role).where(TeamMember.user_id == old)).all()
    later(session, delete(TeamMember).where(TeamMember.user_id == old))
    person.member.user_id = new
    session.flush()
    session.add_all(TeamMember(team_id=team_id, user_id=new, role=role) for team_id, role in teams)
    person.user = joinable(session, caller, new, wanted)


def _is_unproven(user: User) -> bool:
    return user.email_verified_at is None and user.last_login_at is None and user.password_hash is None


def _speaks_for(session: Session, caller: Caller, address: str) -> bool:
    domain = address.rpartition("@")[2].lower()
    named = select(DirectoryEntry.organization_id).where(DirectoryEntry.kind == Kind.SAML_DOMAIN.value, DirectoryEntry.key == domain)
    return session.scalar(named) == caller.organization_id
