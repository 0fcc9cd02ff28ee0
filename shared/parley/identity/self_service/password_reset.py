"""A new password, and what goes with it: by a link in a mail for who forgot theirs, or set by who is logged in."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from parley.identity.accounts import credential_removal, passwords, security_alerts, user_accounts
from parley.identity.accounts.email_links import Link
from parley.identity.accounts.security_alerts import SecurityChange
from parley.identity.declared import IdentityAction
from parley.identity.models import User
from parley.identity.self_service import link_actions
from parley.identity.sessions import session_revocation
from parley.identity.sessions.log_in_sessions import as_user
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import transactions
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now


def reset_password(caller: Caller, link: Link, password: str, *, drops_older: bool = False) -> None:
    """A new password for whoever reads the address; every session ends, API keys and other ways in stay.

    `drops_older` takes out what the address found in the account when it came (`credential_removal.older_than_address`): nobody is locked
    out of their address by somebody else's authenticator. Raises `LinkNotValid`, `PasswordNotAccepted`.
    """
    user_id = link_actions.owner_id_of(link)
    passwords.accept(password, link.email)
    kept = passwords.hashed(password)
    with transactions.bearing(caller, link.digest, person=user_id) as session:
        account = link_actions.account_of(session, link, user_id)
        who = as_user(caller, user_id, account.witness_id)
        dropped = credential_removal.drop_older(session, who, account.user) if drops_older else []
        if account.user.email_verified_at is None:
            execute_later(session, update(User).where(user_accounts.is_undeleted(user_id)).values(email_verified_at=now()))
        set_password(session, who, account.user, kept, dropped=dropped)


def older_ways_in(caller: Caller, link: Link) -> list[str]:
    """What the page of a reset offers to take out."""
    user_id = link_actions.owner_id_of(link)
    with transactions.bearing(caller, link.digest, person=user_id) as session:
        account = user_accounts.active_account(session, user_id)
        return credential_removal.older_than_address(session, account.user) if account is not None else []


def set_password(session: Session, caller: Caller, user: User, kept: str, *, but: UUID | None = None, dropped: Sequence[str] = ()) -> None:
    """Set the password's hash, end the user's sessions but for one, and tell them by mail. In a transaction of theirs."""
    at = now()
    execute_later(session, update(User).where(user_accounts.is_undeleted(user.id)).values(password_hash=kept, password_changed_at=at))
    session_revocation.revoke_all(session, user.id, because="password changed", but=but)
    audit.record(session, caller, IdentityAction.USER_UPDATED, user, changed=["password", *dropped])
    security_alerts.tell(session, user.id, SecurityChange.PASSWORD, at, dropped=list(dropped))
