"""The magic link: a log-in by a link in a mail, without a password."""

from sqlalchemy import update

from parley.identity.accounts import user_accounts
from parley.identity.accounts.email_links import Link
from parley.identity.log_in import authentication
from parley.identity.models import User
from parley.identity.self_service import link_actions
from parley.identity.sessions.log_in_sessions import LogInSession
from parley.kernel.access.callers import Caller
from parley.kernel.persistence import transactions
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Refusal


def log_in_by_link(caller: Caller, link: Link) -> LogInSession:
    """Raises `LinkNotValid`, `mfa_challenge.SecondFactorRequired`."""
    user_id = link_actions.owner_id_of(link)
    with transactions.bearing(caller, link.digest, person=user_id) as session:
        account = link_actions.account_of(session, link, user_id)
        if account.user.email_verified_at is None:
            execute_later(session, update(User).where(user_accounts.is_undeleted(user_id)).values(email_verified_at=now()))
        outcome: LogInSession | Refusal = authentication.continue_log_in(session, caller, account, ["email"])
    return authentication.session_or_raise(outcome)
