"""Links in mails for who has an account: sent, and whose one is. What they do: `magic_link`, `password_reset`, `address_change`."""

from uuid import UUID

from sqlalchemy.orm import Session

from parley.identity.accounts import email_links, user_accounts
from parley.identity.accounts.email_links import Link, LinkNotValid
from parley.identity.accounts.user_accounts import Account
from parley.identity.models import VerificationKind
from parley.kernel.access.callers import Caller
from parley.kernel.persistence import transactions
from parley.notifications.limits import quotas
from parley.notifications.limits.quotas import MailKind


def request_link(caller: Caller, kind: VerificationKind, email: str) -> None:
    """Have a link sent, if the address has an account. Raises `RateLimitExceeded`."""
    if quotas.may_send(MailKind[kind.name], email, caller):
        with transactions.transaction(caller) as session:
            email_links.ask(session, kind, email)


def account_of(session: Session, link: Link, user_id: UUID) -> Account:
    """Whose link it is, with the link used up. A password changed since it was asked for makes it void. Raises `LinkNotValid`."""
    account = user_accounts.active_account(session, user_id)
    created_at = email_links.use(session, link)
    if account is None or (account.user.password_changed_at is not None and account.user.password_changed_at > created_at):
        raise LinkNotValid("This link was used already or has run out; ask for a new one.")
    return account


def owner_id_of(link: Link) -> UUID:
    if link.owner_id is None:
        raise LinkNotValid("This link was used already or has run out; ask for a new one.")
    return link.owner_id
