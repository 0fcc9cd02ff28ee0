"""Another address for an account: proven by a link that is sent there, and told to the old one."""

from uuid import UUID

from sqlalchemy.orm import Session

from parley.identity.accounts import security_alerts, user_accounts
from parley.identity.accounts.email_links import Link, LinkNotValid
from parley.identity.accounts.security_alerts import SecurityChange
from parley.identity.declared import IdentityAction, IdentityDirectory
from parley.identity.log_in import reauthentication
from parley.identity.self_service import link_actions
from parley.identity.sessions import session_revocation
from parley.identity.sessions.log_in_sessions import as_user
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory, transactions
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Forbidden


class LinkOfAnotherAccount(Forbidden):
    """Somebody else is logged in than who asked for the link."""


def confirm_email(caller: Caller, link: Link) -> None:
    """The address that a link was sent to becomes the account's, as who is logged in to it says.

    Raises `LinkNotValid`, `LinkOfAnotherAccount`, `EmailTaken`.
    """
    if link.user_id != caller.actor_id:
        raise LinkOfAnotherAccount("This link is for another account: log in to the one that asked for it, and confirm again.")
    with transactions.personal(caller) as session:
        _put_email(session, caller, link, but=caller.admission.session_id if caller.admission is not None else None)


def confirm_email_with_proof(caller: Caller, link: Link, password: str | None, code: str | None) -> None:
    """The same for somebody who is not logged in here, and proves to be the account's person. Every session ends.

    Raises the refusals of `reauthentication.prove`, `LinkNotValid`, `EmailTaken`.
    """
    with transactions.personal(caller, link.user_id) as session:
        account = user_accounts.active_account(session, session.info["user_id"])
        if account is None:
            raise LinkNotValid("This link was used already or has run out; ask for a new one.")
        refusal = reauthentication.prove(session, caller, account, password, code)
        if refusal is None:
            _put_email(session, caller, link, but=None)
    if refusal is not None:
        raise refusal


def _put_email(session: Session, caller: Caller, link: Link, *, but: UUID | None) -> None:
    """Other sessions end, and the old address is told, from where the change can be taken back. In a transaction of the person's."""
    user_id: UUID = session.info["user_id"]
    taken = user_accounts.EmailTaken("An account with this address exists.")
    if link.owner_id is not None:
        raise taken
    user_accounts.lock(session, user_id)
    account = link_actions.account_of(session, link, user_id)
    user, at = account.user, now()
    old, verified_at = user.email, user.email_verified_at
    if old is not None:
        directory.leave_person(session, IdentityDirectory.EMAIL, old)
        security_alerts.keep_address(session, user.id, old)
        was_verified = verified_at.isoformat() if verified_at is not None else None
        security_alerts.tell(session, user.id, SecurityChange.EMAIL, at, to=old, old_email=old, old_verified_at=was_verified)
    directory.enter_person(session, IdentityDirectory.EMAIL, link.email, user.id)
    user.email, user.email_verified_at = link.email, at
    with violation_means("uq_users_email", taken), violation_means(directory.UNIQUE, taken):
        session.flush()
    session_revocation.revoke_all(session, user.id, because="address changed", but=but)
    audit.record(session, as_user(caller, user.id, account.witness_id), IdentityAction.USER_UPDATED, user, changed=["email"])
