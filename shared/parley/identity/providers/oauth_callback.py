"""The end of a log-in through a provider: a session, or another way into the account of who is logged in."""

from dataclasses import replace

from parley.identity.log_in import authentication as ways_in
from parley.identity.providers import account_matching, linked_providers
from parley.identity.providers.identity_handover import IdentityHandover
from parley.identity.sessions import log_in_sessions
from parley.identity.sessions.log_in_sessions import LogInSession
from parley.kernel.access.admission import Admission
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.persistence import transactions
from parley.kernel.values.errors import Refusal
from parley.kernel.values.ids import new_id


def log_in(visitor: Caller, handover: IdentityHandover) -> LogInSession:
    """Log in the user whose account it is, found or made. A second factor is asked for here as after a password.

    Raises `mfa_challenge.SecondFactorRequired` and the refusals of `account_matching.user_of`.
    """

    def once() -> LogInSession | Refusal:
        linked_id, addressed = account_matching.matching_users(handover)
        user_id = linked_id or addressed or new_id()
        with transactions.personal(visitor, user_id) as session, account_matching.unique_key_refusals(session):
            arrived = account_matching.user_of(session, log_in_sessions.as_user(visitor, user_id), handover, linked_id, addressed)
            return ways_in.continue_log_in(session, visitor, arrived, [handover.kind.value])

    return ways_in.session_or_raise(account_matching.retry_when_overtaken(once))


def link(visitor: Caller, handover: IdentityHandover) -> linked_providers.LinkedProviderRead:
    """Link the provider's account to the user who asked for it, if their session goes on. Raises what `linked_providers.link` raises."""
    admission = Admission(handover.session_id)
    user = replace(visitor, actor_type=ActorType.USER, actor_id=handover.user_id, admission=admission)

    def once() -> linked_providers.LinkedProviderRead:
        linked_id, _ = account_matching.matching_users(handover)
        with transactions.personal(user) as session:
            return linked_providers.link(session, user, handover, linked_id)

    return account_matching.retry_when_overtaken(once)
