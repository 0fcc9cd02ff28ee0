"""What a link in a mail can do for somebody who has an account: log them in, give them a new password, confirm a new address."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from parley.identity import accounts, links, log_in, passwords, sessions
from parley.identity.links import Link, LinkNotValid
from parley.identity.log_in import Account
from parley.identity.models import User, VerificationKind, VerificationToken
from parley.identity.sessions import Started, as_user
from parley.kernel import audit, db, directory, mail_budgets, outbox
from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.errors import Refusal
from parley.kernel.gather import later
from parley.kernel.mail_budgets import MailKind
from parley.kernel.verdicts import violation_means

PASSWORD_CHANGED, EMAIL_CHANGED, ACCOUNT_DELETED = "identity.password_changed", "identity.email_changed", "identity.account_deleted"
"""Names of events."""


def ask(caller: Caller, kind: VerificationKind, email: str) -> None:
    """Have a link sent, if the address has an account. Raises `RateLimitExceeded`."""
    if mail_budgets.may_send(MailKind[kind.name], email, caller):
        with db.transaction(caller) as session:
            links.ask(session, kind, email)


def _owner(session: Session, link: Link, user_id: UUID) -> Account:
    """Whose link it is, with the link used up. A password changed since it was asked for makes it void. Raises `LinkNotValid`."""
    known = log_in.account(session, user_id)
    created_at = links.use(session, link)
    if known is None or (known.user.password_changed_at is not None and known.user.password_changed_at > created_at):
        raise LinkNotValid("This link was used already or has run out; ask for a new one.")
    return known


def _owner_id(link: Link) -> UUID:
    if link.owner_id is None:
        raise LinkNotValid("This link was used already or has run out; ask for a new one.")
    return link.owner_id


def log_in_by_link(caller: Caller, link: Link) -> Started:
    """Raises `LinkNotValid`, `challenges.SecondFactorRequired`."""
    user_id = _owner_id(link)
    with db.bearing(caller, link.digest, person=user_id) as session:
        known = _owner(session, link, user_id)
        if known.user.email_verified_at is None:
            later(session, update(User).where(accounts.living(user_id)).values(email_verified_at=now()))
        outcome: Started | Refusal = log_in.go_on(session, caller, known, ["email"])
    return log_in.settled(outcome)


def reset_password(caller: Caller, link: Link, password: str) -> None:
    """A new password for whoever reads the address; every session ends. Raises `LinkNotValid`, `PasswordNotAccepted`."""
    user_id = _owner_id(link)
    passwords.accept(password, link.email)
    kept = passwords.hashed(password)
    with db.bearing(caller, link.digest, person=user_id) as session:
        known = _owner(session, link, user_id)
        put_password(session, as_user(caller, user_id, known.witness_id), known.user, kept)


def put_password(session: Session, caller: Caller, user: User, kept: str, *, but: UUID | None = None) -> None:
    """Set the password's hash, end the user's sessions but for one, and tell them by mail. In a transaction of theirs."""
    later(session, update(User).where(accounts.living(user.id)).values(password_hash=kept, password_changed_at=now()))
    sessions.revoke_all(session, user.id, because="password changed", but=but)
    audit.record(session, caller, "user.updated", user, changed=["password"])
    outbox.announce(session, PASSWORD_CHANGED, user_id=user.id)


def confirm_email(caller: Caller, link: Link) -> None:
    """The address that a link was sent to becomes the account's; the old one is told. Raises `LinkNotValid`, `EmailTaken`."""
    taken = accounts.EmailTaken("An account with this address exists.")
    if link.user_id is None:
        raise LinkNotValid("This link was used already or has run out; ask for a new one.")
    if link.owner_id is not None:
        raise taken
    with db.bearing(caller, link.digest, person=link.user_id) as session:
        accounts.lock(session, link.user_id)
        known = _owner(session, link, link.user_id)
        user = known.user
        old = user.email
        if old is not None:
            directory.leave_person(session, directory.Kind.EMAIL, old)
        directory.enter_person(session, directory.Kind.EMAIL, link.email, user.id)
        user.email, user.email_verified_at = link.email, now()
        with violation_means("uq_users_email", taken), violation_means(directory.UNIQUE, taken):
            session.flush()
        later(session, update(VerificationToken).where(VerificationToken.id == link.id).values(wanted={"old_email": old}))
        audit.record(session, as_user(caller, user.id, known.witness_id), "user.updated", user, changed=["email"])
        outbox.announce(session, EMAIL_CHANGED, token_id=link.id)
