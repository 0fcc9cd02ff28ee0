"""How much an organization's own messages may be in a day (UTC), by its plan and its age: nobody's reminders come near it, and who would
send spam does not get far. Where an operator has agreed on a number of mails (`organizations.mail_limit`), the plan alone counts.
"""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.kernel.access.plans import PlanType
from parley.kernel.values import clock
from parley.kernel.values.ids import new_id
from parley.notifications.enums import NotificationChannel
from parley.notifications.limits import outreach
from parley.notifications.limits.outreach import SenderAccount
from parley.notifications.models import SendingDay

EXHAUSTED = "daily_limit"
A_DAY: dict[PlanType, dict[NotificationChannel, int]] = {
    PlanType.FREE: {NotificationChannel.EMAIL: 200, NotificationChannel.SMS: 10, NotificationChannel.WEBHOOK: 1_000},
    PlanType.PRO: {NotificationChannel.EMAIL: 2_000, NotificationChannel.SMS: 200, NotificationChannel.WEBHOOK: 10_000},
    PlanType.BUSINESS: {NotificationChannel.EMAIL: 50_000, NotificationChannel.SMS: 2_000, NotificationChannel.WEBHOOK: 100_000},
}


YOUNG: dict[NotificationChannel, tuple[int, ...]] = {
    NotificationChannel.EMAIL: (25, 100, 400, 2_000),
    NotificationChannel.SMS: (2, 10, 50, 200),
}
"""For an organization of each step (`outreach.step`); beyond, its plan alone counts. A day here is UTC's: the first 24 hours touch two."""


def most(organization: SenderAccount, channel: NotificationChannel) -> int:
    """How many messages of a channel it may send today."""
    of_plan = A_DAY[organization.plan][channel]
    step = outreach.step(organization.plan, organization.created_at, clock.now())
    young = YOUNG.get(channel, ())
    return min(of_plan, young[step]) if step < len(young) and organization.mail_limit is None else of_plan


def spend(session: Session, organization: SenderAccount, channel: NotificationChannel) -> bool:
    """Count one message of today. False when there is none left. One query; who counts at the same time waits for the commit."""
    organization_id: UUID = session.info["caller"].organization_id
    limit = most(organization, channel)
    if limit < 1:
        return False
    first = insert(SendingDay).values(organization_id=organization_id, id=new_id(), day=clock.now().date(), channel=channel, count=1)
    more = first.on_conflict_do_update(
        index_elements=["organization_id", "day", "channel"],
        set_={"count": SendingDay.count + 1},
        where=SendingDay.count < limit,
    )
    return session.execute(more.returning(SendingDay.count)).scalar_one_or_none() is not None
