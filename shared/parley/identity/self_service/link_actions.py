"""What a link in a mail can do for somebody who has an account: log them in, give them a new password, confirm a new address."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from parley.identity.accounts import credential_removal, email_links, passwords, security_alerts, user_accounts
from parley.identity.accounts.email_links import Link, LinkNotValid
from parley.identity.accounts.security_alerts import SecurityChange
from parley.identity.declared import IdentityAction, IdentityDirectory
from parley.identity.log_in import authentication, reauthentication
from parley.identity.log_in.authentication import Account
from parley.identity.models import User, VerificationKind
from parley.identity.sessions import log_in_sessions
from parley.identity.sessions.log_in_sessions import LogInSession, as_user
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory, transactions
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Forbidden, Refusal
from parley.notifications import quotas
from parley.notifications.quotas import MailKind


class LinkOfAnotherAccount(Forbidden):
    """Somebody else is logged in than who asked for the link."""


def request_link(caller: Caller, kind: VerificationKind, email: str) -> None:
    """Have a link sent, if the address has an account. Raises `RateLimitExceeded`."""
    if quotas.may_send(MailKind[kind.name], email, caller):
        with transactions.transaction(caller) as session:
            email_links.ask(session, kind, email)


def _owner(session: Session, link: Link, user_id: UUID) -> Account:
    """Whose link it is, with the link used up. A password changed since it was asked for makes it void. Raises `LinkNotValid`."""
    known = authentication.active_account(session, user_id)
    created_at = email_links.use(session, link)
    if known is None or (known.user.password_changed_at is not None and known.user.password_changed_at > created_at):
        raise LinkNotValid("This link was used already or has run out; ask for a new one.")
    return known


def _owner_id(link: Link) -> UUID:
    if link.owner_id is None:
        raise LinkNotValid("This link was used already or has run out; ask for a new one.")
    return link.owner_id


def log_in_by_link(caller: Caller, link: Link) -> LogInSession:
    """Raises `LinkNotValid`, `challenges.SecondFactorRequired`."""
    user_id = _owner_id(link)
    with transactions.bearing(caller, link.digest, person=user_id) as session:
        known = _owner(session, link, user_id)
        if known.user.email_verified_at is None:
            execute_later(session, update(User).where(user_accounts.is_undeleted(user_id)).values(email_verified_at=now()))
        outcome: LogInSession | Refusal = authentication.continue_log_in(session, caller, known, ["email"])
    return authentication.session_or_raise(outcome)


def reset_password(caller: Caller, link: Link, password: str, *, drops_older: bool = False) -> None:
    """A new password for whoever reads the address; every session ends, API keys and other ways in stay.

    `drops_older` takes out what the address found in the account when it came (`ways_in.older_than_address`): nobody is locked out of
    their address by somebody else's authenticator. Raises `LinkNotValid`, `PasswordNotAccepted`.
    """
    user_id = _owner_id(link)
    passwords.accept(password, link.email)
    kept = passwords.hashed(password)
    with transactions.bearing(caller, link.digest, person=user_id) as session:
        known = _owner(session, link, user_id)
        who = as_user(caller, user_id, known.witness_id)
        dropped = credential_removal.drop_older(session, who, known.user) if drops_older else []
        if known.user.email_verified_at is None:
            execute_later(session, update(User).where(user_accounts.is_undeleted(user_id)).values(email_verified_at=now()))
        set_password(session, who, known.user, kept, dropped=dropped)


def older_ways_in(caller: Caller, link: Link) -> list[str]:
    """What the page of a reset offers to take out."""
    user_id = _owner_id(link)
    with transactions.bearing(caller, link.digest, person=user_id) as session:
        known = authentication.active_account(session, user_id)
        return credential_removal.older_than_address(session, known.user) if known is not None else []


def set_password(session: Session, caller: Caller, user: User, kept: str, *, but: UUID | None = None, dropped: Sequence[str] = ()) -> None:
    """Set the password's hash, end the user's sessions but for one, and tell them by mail. In a transaction of theirs."""
    at = now()
    execute_later(session, update(User).where(user_accounts.is_undeleted(user.id)).values(password_hash=kept, password_changed_at=at))
    log_in_sessions.revoke_all(session, user.id, because="password changed", but=but)
    audit.record(session, caller, IdentityAction.USER_UPDATED, user, changed=["password", *dropped])
    security_alerts.tell(session, user.id, SecurityChange.PASSWORD, at, dropped=list(dropped))


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
        known = authentication.active_account(session, session.info["user_id"])
        if known is None:
            raise LinkNotValid("This link was used already or has run out; ask for a new one.")
        refusal = reauthentication.prove(session, caller, known, password, code)
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
    known = _owner(session, link, user_id)
    user, at = known.user, now()
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
    log_in_sessions.revoke_all(session, user.id, because="address changed", but=but)
    audit.record(session, as_user(caller, user.id, known.witness_id), IdentityAction.USER_UPDATED, user, changed=["email"])
