"""How many people that did not ask an organization may write to in a day: little at first, more with its age, and a step more when it pays.

It counts what a member causes (invitations, bookings made for somebody, requests to agree), for the organization and for the person, so
that many new organizations of one person are no more than one. An agreement (`organizations.mail_limit`) wins over these.
"""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from parley.kernel.access.callers import Caller
from parley.kernel.access.plans import PlanType
from parley.kernel.access.rate_limits import RateLimit, Spending
from parley.kernel.values.clock import now
from parley.notifications.limits.quotas import DAY

AGES = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
"""Younger than the first is step 0, and so on; a plan that is paid for is one step further."""
STEPS = (10, 25, 50, 100, 250)
"""A bucket of a day each: so many in a row, and as many again within 24 hours."""
_WHAT = "mails and texts to people who did not ask, from an organization of this age and plan"


class SenderAccount(Protocol):
    """Of an organization, what its quotas follow from. `mail_limit`: so many mails a day were agreed on."""

    @property
    def id(self) -> UUID: ...
    @property
    def plan(self) -> PlanType: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def mail_limit(self) -> int | None: ...


def step(plan: PlanType, founded_at: datetime, at: datetime) -> int:
    """0 in the first day; 3 after a month; one more where the plan is paid for."""
    return sum(at - founded_at >= age for age in AGES) + (plan is not PlanType.FREE)


def spending(organization: SenderAccount, caller: Caller) -> tuple[Spending, ...]:
    """One more, to be spent by who causes it."""
    most = STEPS[step(organization.plan, organization.created_at, now())]
    if organization.mail_limit is not None:
        most = organization.mail_limit
    limit = RateLimit("outreach", _WHAT, most, DAY)
    whose = [limit.of(organization.id)]
    if caller.person_id is not None and organization.mail_limit is None:
        whose.append(limit.of("person", caller.person_id))
    return tuple(whose)
