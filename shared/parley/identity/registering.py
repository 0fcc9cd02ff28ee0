"""Registering: nobody has an account before they have shown that they read the address.

Until then the wanted name and the password's hash lie with the link. The answer is the same for every address; the mail is not (`letters`).
"""

from uuid import UUID

from parley.identity import accounts, links, passwords, sessions
from parley.identity.links import Link
from parley.identity.models import VerificationKind
from parley.identity.sessions import Started, as_user
from parley.kernel import audit, db, mail_budgets
from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.ids import new_id
from parley.kernel.mail_budgets import MailKind


def register(caller: Caller, *, email: str, password: str, name: str | None) -> None:
    """Have a link sent that makes the account. Raises `PasswordNotAccepted`, `RateLimitExceeded`."""
    passwords.accept(password, email)
    may_mail = mail_budgets.may_send(MailKind.REGISTRATION, email, caller)
    wanted = {"name": name, "password_hash": passwords.hashed(password)}
    if may_mail:
        with db.transaction(caller) as session:
            links.ask(session, VerificationKind.REGISTRATION, email, wanted=wanted)


def verify(caller: Caller, link: Link) -> Started:
    """Make the account that a link is for, with its name in the directory, and log it in, in one transaction.

    Raises `LinkNotValid`, `EmailTaken`.
    """
    wanted = link.wanted or {}
    user_id: UUID = new_id()
    at = now()
    with db.bearing(caller, link.digest, person=user_id) as session:
        links.use(session, link)
        user = accounts.create(
            session,
            id=user_id,
            email=link.email,
            name=wanted.get("name"),
            email_verified_at=at,
            password_hash=wanted.get("password_hash"),
            password_changed_at=at,
        )
        audit.record(session, as_user(caller, user_id), "user.registered", user)
        return sessions.start(session, caller, user, ["pwd", "email"])
