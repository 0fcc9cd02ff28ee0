"""Sending again what failed."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.models import Organization
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.values import clock
from parley.kernel.values.errors import Conflict, NotFound
from parley.notifications.enums import NotificationChannel, NotificationStatus
from parley.notifications.limits import daily_quotas
from parley.notifications.models import NotificationLog
from parley.scheduling.common import ownership
from parley.scheduling.declared import SchedulingAction, SchedulingEvent
from parley.scheduling.tables.booking_models import Booking, BookingHost
from parley.scheduling.tables.workflow_models import Workflow
from parley.scheduling.workflows import notification_log, reminders, workflow_webhooks
from parley.scheduling.workflows.preview import DailyLimit
from parley.scheduling.workflows.schemas import NotificationRead


class NoSuchNotification(NotFound):
    """There is none, or it is another organization's."""

    def __init__(self) -> None:
        super().__init__("There is no such notification.")


class NothingToSend(Conflict):
    """It did not fail, its booking does not want it any more, or its text was forgotten."""


def send_again(session: Session, caller: Caller, notification_id: UUID) -> NotificationRead:
    """Have what failed sent once more, by the worker. Of a standard mail, all that failed of the same event is sent. Hosts of the booking
    may, the workflow's owner, and administrators.

    Raises `NoSuchNotification`, `NotYours`, `NothingToSend`, `SubscriptionDisabled`, `DailyLimit`.
    """
    row = session.scalars(select(NotificationLog).where(NotificationLog.id == notification_id).with_for_update()).one_or_none()
    if row is None:
        raise NoSuchNotification
    ownership.check(session, caller, *_owners(session, row))
    if row.status is not NotificationStatus.FAILED:
        raise NothingToSend(f"It is {row.status.value}; only what is FAILED is sent again.", notification_status=row.status.value)
    if row.error_message == notification_log.NO_NUMBER:
        raise NothingToSend("No number is known that it could be sent to.")
    if row.workflow_id is not None and not is_still_wanted(session, row):
        raise NothingToSend("Its booking does not stand any more, or the meeting has begun.")
    if row.workflow_id is not None and row.body is None and row.channel is not NotificationChannel.WEBHOOK:
        raise NothingToSend("Its text was forgotten.")
    if row.workflow_id is not None:
        organization = session.scalars(select(Organization).where(Organization.id == caller.organization_id)).one()
        if not daily_quotas.spend(session, organization, row.channel):
            raise DailyLimit
    if row.workflow_id is None and row.event is None:
        raise NothingToSend("It is too old to say what it was about.")

    row.status, row.attempted_at, row.updated_at = NotificationStatus.PENDING, None, clock.now()
    row.doubtful_sends = 0  # somebody decided that one more copy may arrive
    if row.workflow_id is None:
        outbox.announce(session, SchedulingEvent.NOTICE_DUE, booking_id=row.booking_id, event_id=row.event_id, event=row.event)
    elif row.channel is NotificationChannel.WEBHOOK:
        workflow_webhooks.send_again(session, caller, row)
    else:
        outbox.announce(session, SchedulingEvent.NOTIFICATION_DUE, notification_id=row.id)
    audit.record(session, caller, SchedulingAction.NOTIFICATION_RESENT, row, new={"channel": row.channel.value})
    session.flush()
    return notification_log.read(row)


def _owners(session: Session, row: NotificationLog) -> list[UUID]:
    """Whose it is: one query."""
    hosts = select(BookingHost.host_id).where(BookingHost.booking_id == row.booking_id)
    owner = select(Workflow.__table__.c.user_id).where(Workflow.__table__.c.id == row.workflow_id)  # one that was deleted, too
    return list(session.scalars(hosts.union(owner)))


def is_still_wanted(session: Session, row: NotificationLog) -> bool:
    """What tells that a meeting takes place is told while it does."""
    if row.booking_id is None or row.event == "BOOKING_CANCELED":
        return True
    booking = session.scalars(select(Booking).where(Booking.id == row.booking_id), execution_options={"populate_existing": True}).one()
    is_before = row.event != "AFTER_MEETING"
    return booking.status in reminders.CERTAIN and not (is_before and booking.start_time <= clock.now())
