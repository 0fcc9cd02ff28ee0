"""The end of a log-in through a provider: a session, or another way into the account of who is logged in."""

from dataclasses import replace

from parley.identity import log_in as ways_in
from parley.identity import sessions
from parley.identity.providers import arrivals, linked
from parley.identity.providers.handovers import Handover
from parley.identity.sessions import Started
from parley.kernel import db
from parley.kernel.admission import Admission
from parley.kernel.callers import ActorType, Caller
from parley.kernel.errors import Refusal
from parley.kernel.ids import new_id


def log_in(visitor: Caller, handover: Handover) -> Started:
    """Log in the user whose account it is, found or made. A second factor is asked for here as after a password.

    Raises `challenges.SecondFactorRequired` and the refusals of `arrivals.user_of`.
    """

    def once() -> Started | Refusal:
        known, addressed = arrivals.whose(handover)
        user_id = known or addressed or new_id()
        with db.personal(visitor, user_id) as session, arrivals.verdicts(session):
            arrived = arrivals.user_of(session, sessions.as_user(visitor, user_id), handover, known, addressed)
            return ways_in.go_on(session, visitor, arrived, [handover.kind.value])

    return ways_in.settled(arrivals.until_not_overtaken(once))


def link(visitor: Caller, handover: Handover) -> linked.LinkedProviderRead:
    """Link the provider's account to the user who asked for it, if their session goes on. Raises the refusals of `linked.link`."""
    admission = Admission(handover.session_id)
    user = replace(visitor, actor_type=ActorType.USER, actor_id=handover.user_id, admission=admission)

    def once() -> linked.LinkedProviderRead:
        known, _ = arrivals.whose(handover)
        with db.personal(user) as session:
            return linked.link(session, user, handover, known)

    return arrivals.until_not_overtaken(once)
