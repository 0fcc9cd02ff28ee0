"""A person deletes their account: what is known of them goes, what they did stays in the trail, under an id that says nothing more.

Organizations are left first, one transaction each, and the account goes last: a deletion that breaks off is asked for again. Who gives
somebody a membership or a way in holds the account's row until the commit (`user_accounts.lock`), and so does the end of the account,
before it looks for memberships a last time: an account that is gone is given nothing. The order of locks is everybody's: an organization,
its members; a person, their sessions, the tokens of these.
"""

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from parley.identity.accounts import email_links, user_accounts
from parley.identity.declared import IdentityAction, IdentityEvent
from parley.identity.log_in import reauthentication
from parley.identity.members import membership
from parley.identity.models import (
    AuthProvider,
    Invitation,
    InvitationStatus,
    MemberRole,
    Organization,
    OrganizationMember,
    RecoveryCode,
    User,
    UserSession,
    UserStatus,
    UserTotp,
    VerificationToken,
)
from parley.identity.roles import organization_lock
from parley.identity.roles.role_policy import OwnerStays
from parley.identity.sessions.log_in_sessions import as_user
from parley.kernel.access.admission import SessionEnded
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory, outbox, transactions
from parley.kernel.persistence.column_encryption import UserKey
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now

_OWN = (AuthProvider, UserTotp, RecoveryCode, UserKey, VerificationToken)
_NOTHING: dict[str, Any] = {
    "timezone": "UTC",
    "locale": "en",
    "status": UserStatus.INACTIVE,
    **dict.fromkeys(("email", "username", "name", "avatar_url", "password_hash", "password_changed_at")),
    **dict.fromkeys(("email_verified_at", "last_login_at", "last_organization_id")),
}


def delete_account(caller: Caller, password: str | None, code: str | None) -> None:
    """Delete the caller's account, with the password or a code; without either in the account, in a session that has just begun.

    Raises `OwnerStays`, `WrongPassword`, `NoPassword`, `InvalidCode`, `LogInAgain`, `TooManyAttempts`, `SessionEnded`.
    """
    with transactions.personal(caller) as session:
        account = user_accounts.current_account(session)
        places = _places(session)
        refusal = reauthentication.prove(session, caller, account, password, code)
    if refusal is not None:
        raise refusal
    while True:
        for organization_id in places:
            with transactions.joining(caller, organization_id) as session:
                _leave(session, account.user)
        if account.user.email is not None:
            with transactions.sweep() as session:
                email_links.forget_address(session, account.user.email)
        with transactions.personal(caller) as session:
            places = empty_account(session, caller)
        if not places:
            return


def _places(session: Session) -> list[UUID]:
    """The organizations that the person belongs to, deleted ones too. One query. Raises `OwnerStays`."""
    query = (
        select(OrganizationMember.organization_id, OrganizationMember.role, Organization.name, Organization.deleted_at)
        .join(Organization, Organization.id == OrganizationMember.organization_id)
        .where(OrganizationMember.user_id == session.info["user_id"])
        .order_by(OrganizationMember.organization_id)
    )
    rows = session.execute(query, execution_options={"with_deleted": True}).all()
    owned = [{"id": str(row.organization_id), "name": row.name} for row in rows if row.role is MemberRole.OWNER and row.deleted_at is None]
    if owned:
        raise OwnerStays("You own organizations: hand them over or delete them first, then delete your account.", organizations=owned)
    return [row.organization_id for row in rows]


def _leave(session: Session, user: User) -> None:
    """Leave the session's organization; again, it changes nothing. One that was deleted can be restored by nobody after that.

    Raises `OwnerStays`.
    """
    caller: Caller = session.info["caller"]
    organization = organization_lock.lock_organization(session, with_deleted=True)
    here = OrganizationMember.organization_id == organization.id, OrganizationMember.user_id == user.id
    member = session.scalar(select(OrganizationMember).where(*here))
    if member is None:
        return
    if member.role is MemberRole.OWNER and organization.deleted_at is None:
        owned = [{"id": str(organization.id), "name": organization.name}]
        raise OwnerStays("You own an organization: hand it over or delete it first, then delete your account.", organizations=owned)
    membership.end_membership(session, caller, member, IdentityAction.MEMBER_LEFT, because="account deleted")
    if user.email is not None:
        # Those that wait belong to whoever has the address.
        answered = Invitation.email == user.email, Invitation.status != InvitationStatus.PENDING
        execute_later(session, delete(Invitation).where(Invitation.organization_id == organization.id, *answered))
    audit.record(session, caller, IdentityAction.USER_DELETED, user, target_user_id=user.id)
    outbox.announce(
        session, IdentityEvent.USER_DELETED, user_id=user.id, address_key=directory.personal(user.email) if user.email else None
    )


def empty_account(session: Session, caller: Caller) -> list[UUID]:
    """Empty the account, and let go of all that is its; or the organizations that it has come into meanwhile.

    Raises `OwnerStays`, `SessionEnded`.
    """
    user = session.scalar(select(User).where(User.id == session.info["user_id"]).with_for_update(key_share=True))
    if user is None:
        raise SessionEnded("This account was deleted.")
    places = _places(session)
    if places:
        return places
    execute_later(session, delete(UserSession).where(UserSession.user_id == user.id))  # their refresh tokens go with them
    for table in _OWN:
        execute_later(session, delete(table).where(table.user_id == user.id))
    directory.forget_person(session, user.id)
    if user.email is not None:
        outbox.announce(session, IdentityEvent.ACCOUNT_DELETED, token_id=email_links.note_old_address(session, user.email))
    for name, value in _NOTHING.items():
        setattr(user, name, value)
    user.deleted_at = now()
    nowhere = replace(as_user(caller, user.id), ip_address=None, user_agent=None)
    audit.record(session, nowhere, IdentityAction.USER_DELETED, user)
    audit.forget_person(session, user.id)
    return []
