"""This was not me: what the link of a security alert undoes.

Whoever reads the address that the alert went to may take the account back to the state before the fault: sessions, password, API keys,
second factor, linked providers and address that are younger go. What is older stays, a second factor too, and is asked for at the next
log-in. The link is good once. A new password is chosen behind a link of its own, which goes to the account's address: who was only shown
the alert, as a forwarded mail, can disturb, and does not get in.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.identity.accounts import credential_removal, email_links, security_alerts, user_accounts
from parley.identity.accounts.email_links import Link, LinkNotValid
from parley.identity.declared import IdentityAction, IdentityDirectory
from parley.identity.keys import api_keys
from parley.identity.models import OrganizationMember, User, VerificationKind
from parley.identity.models import VerificationToken as Token
from parley.identity.sessions import session_revocation
from parley.identity.sessions.log_in_sessions import as_user
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory, transactions
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now


def undo(caller: Caller, link: Link) -> None:
    """Undo what is younger than the fault, and have a link to a new password sent.

    Keys go first, an organization at a time: if that breaks off, the link is still good. Raises `LinkNotValid`, `EmailTaken`.
    """
    assert link.user_id is not None
    person = as_user(caller, link.user_id)
    with transactions.personal(person) as session:
        here = select(OrganizationMember.organization_id).where(OrganizationMember.user_id == link.user_id)
        places = session.scalars(here.order_by(OrganizationMember.organization_id)).all()
    for organization_id in places:
        with transactions.joining(person, organization_id) as session:
            api_keys.revoke_made_since(session, session.info["caller"], link.user_id, link.created_at)
    with transactions.personal(person) as session:
        _undo(session, person, link, link.user_id)


def _undo(session: Session, caller: Caller, link: Link, user_id: UUID) -> None:
    user_accounts.lock(session, user_id)
    account = user_accounts.active_account(session, user_id)
    since, at = link.created_at, now()
    earlier = _earlier_address(session, user_id, since)
    email_links.use(session, link)
    if account is None:
        raise LinkNotValid("This account is not active; ask an administrator of your organization.")
    user = account.user
    session_revocation.revoke_all(session, user_id, because="this was not me")
    credential_removal.drop_younger(session, caller, user_id, since)
    newer = Token.id >= credential_removal.least_id(since)
    execute_later(session, update(Token).where(Token.user_id == user_id, Token.used_at.is_(None), newer).values(used_at=at))
    if earlier is not None:
        _take_back(session, user, *earlier, at)
    user.password_hash, user.password_changed_at = None, at  # links, challenges and log-ins from before are void
    session.flush()
    who = as_user(caller, user_id, account.witness_id)
    audit.record(
        session, who, IdentityAction.USER_UPDATED, user, changed=["password", *(["email"] if earlier else [])], because="this was not me"
    )
    if user.email is not None:
        email_links.ask(session, VerificationKind.PASSWORD_RESET, user.email, user_id=user_id)


def _earlier_address(session: Session, user_id: UUID, since: datetime) -> tuple[str, datetime | None] | None:
    """The address from before the fault, and when it was proved, if it has been changed since."""
    query = select(Token.wanted).where(
        Token.user_id == user_id,
        Token.kind == VerificationKind.SECURITY_ALERT,
        Token.created_at >= since,
        Token.wanted.has_key("old_email"),
    )
    wanted = session.scalar(query.order_by(Token.created_at).limit(1))
    if wanted is None:
        return None
    proved_at = wanted.get("old_verified_at")
    return wanted["old_email"], datetime.fromisoformat(proved_at) if proved_at else None


def _take_back(session: Session, user: User, email: str, verified_at: datetime | None, at: datetime) -> None:
    """Raises `EmailTaken`."""
    taken = user_accounts.EmailTaken("This address has another account by now: delete that one, then open this link again.")
    if user.email is not None:
        directory.leave_person(session, IdentityDirectory.EMAIL, user.email)
        security_alerts.keep_address(session, user.id, user.email)
        security_alerts.tell(session, user.id, security_alerts.SecurityChange.EMAIL_TAKEN_BACK, at, to=user.email)
    directory.enter_person(session, IdentityDirectory.EMAIL, email, user.id)
    user.email, user.email_verified_at = email, verified_at
    with violation_means("uq_users_email", taken), violation_means(directory.UNIQUE, taken):
        session.flush()
