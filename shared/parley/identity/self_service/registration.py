"""Registering: nobody has an account before they have shown that they read the address, and who shows it decides the password.

Whoever registers an address may be a stranger. So nothing that opens the account lies with the link, but the name that was typed, which
the page behind the link offers to change. The answer is the same for every address; the mail is not (`account_mails`).
"""

from uuid import UUID

from parley.identity.accounts import email_links, passwords, user_accounts
from parley.identity.accounts.email_links import Link
from parley.identity.declared import IdentityAction
from parley.identity.models import VerificationKind
from parley.identity.sessions import log_in_sessions
from parley.identity.sessions.log_in_sessions import LogInSession, as_user
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.notifications.limits import quotas
from parley.notifications.limits.quotas import MailKind
from parley.notifications.localization import languages


def register(caller: Caller, *, email: str, password: str | None, name: str | None) -> None:
    """Have a link sent that makes the account. A password is looked at, so that a form can say early what is wrong with it, and not kept.

    Raises `PasswordNotAccepted`, `RateLimitExceeded`.
    """
    if password is not None:
        passwords.accept(password, email)
    if quotas.may_send(MailKind.REGISTRATION, email, caller):
        with transactions.transaction(caller) as session:
            email_links.ask(session, VerificationKind.REGISTRATION, email, wanted={"name": name})


def verify(caller: Caller, link: Link, *, password: str, name: str | None = None) -> LogInSession:
    """Make the account that a link is for, with its name in the directory, and log it in, in one transaction.

    The password is that of who has the link; the name too, if they say one. Raises `LinkNotValid`, `EmailTaken`, `PasswordNotAccepted`.
    """
    passwords.accept(password, link.email)
    kept = passwords.hashed(password)
    user_id: UUID = new_id()
    at = now()
    with transactions.bearing(caller, link.digest, person=user_id) as session:
        email_links.use(session, link)
        user = user_accounts.create(
            session,
            id=user_id,
            email=link.email,
            name=name or (link.wanted or {}).get("name"),
            email_verified_at=at,
            locale=languages.chosen(languages.accepted(caller.accept_language)),
            password_hash=kept,
            password_changed_at=at,
        )
        audit.record(session, as_user(caller, user_id), IdentityAction.USER_REGISTERED, user)
        return log_in_sessions.start(session, caller, user, ["pwd", "email"])
