"""Accounts: a user and the names that the directory knows them by, written together."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityDirectory
from parley.identity.models import AuthProviderType, OrganizationMember, User, UserStatus, UserTotp
from parley.kernel.access.admission import SessionEnded
from parley.kernel.persistence import directory
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.errors import Conflict


class EmailTaken(Conflict):
    """An account with this address exists."""


def create(session: Session, *, email: str | None, name: str | None, email_verified_at: datetime | None = None, **columns: object) -> User:
    """A new account, flushed. Address and directory entry are unique together. Raises `EmailTaken`.

    The row is visible once it is a member of the session's organization, or to the person themself (`transactions.personal`, `person=`).
    """
    user = User(email=email, name=name, email_verified_at=email_verified_at, **columns)
    session.add(user)
    taken = EmailTaken("An account with this address exists.")
    with violation_means("uq_users_email", taken), violation_means(directory.UNIQUE, taken):
        session.flush()
        if email is not None:
            directory.enter_person(session, IdentityDirectory.EMAIL, email, user.id)
            session.flush()
    return user


def provider_account_name(provider_type: AuthProviderType, subject: str) -> str:
    """The directory's name of an account at a provider. In hexadecimal: the directory takes letters of either case for the same."""
    return f"{provider_type.value} {subject.encode().hex()}"


def lock(session: Session, user_id: UUID) -> None:
    """Lock a user, in a transaction of theirs: of two requests that change the same thing of one account at once, one waits.

    Raises `SessionEnded` when the account was deleted meanwhile.
    """
    if session.scalar(select(User.id).where(User.id == user_id).with_for_update(key_share=True)) is None:
        raise SessionEnded("This account was deleted.")


def is_undeleted(user_id: UUID) -> ColumnElement[bool]:
    """For an UPDATE that may have waited for the account's deletion: nothing is written into what was emptied."""
    return (User.id == user_id) & User.deleted_at.is_(None)


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the ways in see them. `has_second_factor`: a confirmed one. `witness_id` is the organization that is told of failures."""

    user: User
    has_second_factor: bool
    witness_id: UUID | None


def active_account(session: Session, user_id: UUID) -> Account | None:
    """An active user, in a transaction of theirs. One query."""
    witness = (
        select(OrganizationMember.organization_id)
        .where(OrganizationMember.user_id == user_id)
        .order_by(OrganizationMember.organization_id.is_not_distinct_from(User.last_organization_id).desc(), OrganizationMember.joined_at)
        .limit(1)
        .correlate(User)
        .scalar_subquery()
    )
    row = session.execute(
        select(User, UserTotp.confirmed_at, witness).outerjoin(UserTotp, UserTotp.user_id == User.id).where(User.id == user_id)
    ).one_or_none()
    if row is None or row[0].status is not UserStatus.ACTIVE:
        return None
    return Account(row[0], row[1] is not None, row[2])


def current_account(session: Session) -> Account:
    account = active_account(session, session.info["user_id"])
    if account is None:
        raise SessionEnded("This session has ended; log in again.")
    return account
