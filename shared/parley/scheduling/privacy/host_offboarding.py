"""What becomes of somebody's calendars, and of the notices that they got, when they leave the organization or delete their account.

Their bookings stay: what took place names them by their id.
"""

from uuid import UUID

from sqlalchemy import String, cast, func, literal, select, update
from sqlalchemy.orm import Session

from parley.identity.models import OrganizationMember
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.clock import now
from parley.notifications.enums import RecipientKind
from parley.notifications.models import NotificationLog
from parley.scheduling.declared import SchedulingAction
from parley.scheduling.tables.booking_models import BookingHost
from parley.scheduling.tables.calendar_models import CalendarConnection


def forget_calendars(caller: Caller, user_id: UUID) -> None:
    """Let go of the connections of somebody who left, those that they took away before too: secrets, names of accounts, busy times, and
    which events are ours. The events stay in their calendar. Who is a member again keeps what there is."""
    with transaction(caller) as session:
        if session.scalar(select(OrganizationMember.id).where(OrganizationMember.user_id == user_id)) is None:
            release_connections(session, caller, user_id)


def release_connections(session: Session, caller: Caller, user_id: UUID) -> None:
    query = select(CalendarConnection).where(CalendarConnection.user_id == user_id).order_by(CalendarConnection.id).with_for_update()
    for row in session.scalars(query, execution_options={"with_deleted": True}).all():
        session.delete(row)
        if row.deleted_at is None:
            audit.record(session, caller, SchedulingAction.CALENDAR_CONNECTION_DELETED, row)


def forget_notices(caller: Caller, user_id: UUID, address_key: str | None) -> None:
    """Empty what a host whose account was deleted was told of their bookings. Nobody has the address any more: its hash finds them."""
    notification = NotificationLog
    hosted = select(BookingHost.booking_id).where(BookingHost.host_id == user_id)
    is_theirs = func.encode(func.sha256(func.convert_to(notification.address, "UTF8")), "hex") == address_key
    nobody = literal("erased:") + cast(notification.id, String)
    emptied = {"recipient": nobody, "subject": None, "body": None, "error_message": None, "updated_at": now()}
    wanted = update(notification).where(
        notification.own(), notification.booking_id.in_(hosted), notification.recipient_kind == RecipientKind.HOST, is_theirs
    )
    with transaction(caller) as session:
        session.execute(wanted.values(emptied), execution_options={"synchronize_session": False})
