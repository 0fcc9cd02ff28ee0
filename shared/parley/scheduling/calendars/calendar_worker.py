"""What the worker of calendars does with a message, and which messages a sweep sends."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityEvent
from parley.kernel.access.callers import Caller
from parley.kernel.persistence.sweep_retries import Due
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now, of_database
from parley.kernel.values.ids import new_id
from parley.scheduling.calendars import calendar_sync, event_writer
from parley.scheduling.declared import SchedulingEvent
from parley.scheduling.privacy import host_offboarding
from parley.scheduling.tables.calendar_models import CalendarConnection, CalendarEvent

if TYPE_CHECKING:
    from parley.notifications.delivery.sender import Sender


# What a sweep has sent somebody to, it leaves alone for so long.
_PUT_OFF = timedelta(minutes=10)
AT_ONCE = 500


def handle_message(caller: Caller, name: str, payload: dict[str, Any], send: Callable[[], "Sender"]) -> None:
    """Any message may come twice, late, or in any order. `send` makes what sends its mails: seldom needed, and imported then."""
    if name == SchedulingEvent.CALENDAR_CHANGED:
        calendar_sync.sync(caller, UUID(payload["connection_id"]))
    elif name == SchedulingEvent.CALENDAR_EVENT_DUE:
        event_writer.write_event(caller, UUID(payload["event_id"]))
    elif name == IdentityEvent.MEMBER_LEFT:
        host_offboarding.forget_calendars(caller, UUID(payload["user_id"]))
    elif name == IdentityEvent.USER_DELETED:
        host_offboarding.forget_notices(caller, UUID(payload["user_id"]), payload["address_key"])
    elif name == SchedulingEvent.CALENDAR_DIED:
        # Templates: seldom needed.
        from parley.scheduling.notifications.connection_failure_mail import write

        write(caller, UUID(payload["connection_id"]), send())
    else:
        for row_id in event_writer.note(caller, UUID(payload["booking_id"])):
            event_writer.write_event(caller, row_id)


def late_connections() -> Due:
    """Connections that are to be synced."""
    connection = CalendarConnection
    return (
        select(connection.organization_id, connection.id)
        .where(connection.next_sync_at <= of_database(), connection.deleted_at.is_(None))
        .order_by(connection.next_sync_at)
    )


def late_events() -> Due:
    """Events that are to be written into a calendar."""
    event = CalendarEvent
    return select(event.organization_id, event.id).where(event.due_at <= of_database()).order_by(event.due_at)


def hand_over_connections(session: Session, rows: Sequence[Any]) -> list[str]:
    """Messages for these; they are put off, so that the next sweep leaves them to who got the message."""
    connection, keys = CalendarConnection, [(row[0], row[1]) for row in rows]
    put_off = update(connection).where(tuple_(connection.organization_id, connection.id).in_(keys))
    execute_later(session, put_off.values(next_sync_at=of_database() + _PUT_OFF, updated_at=connection.updated_at))
    return [envelope(SchedulingEvent.CALENDAR_CHANGED, organization_id, connection_id=row_id) for organization_id, row_id in keys]


def hand_over_events(session: Session, rows: Sequence[Any]) -> list[str]:
    """The same for events."""
    event, keys = CalendarEvent, [(row[0], row[1]) for row in rows]
    execute_later(
        session,
        update(event)
        .where(tuple_(event.organization_id, event.id).in_(keys))
        .values(due_at=of_database() + _PUT_OFF, updated_at=event.updated_at),
    )
    return [envelope(SchedulingEvent.CALENDAR_EVENT_DUE, organization_id, event_id=row_id) for organization_id, row_id in keys]


def envelope(name: str, organization_id: UUID, **ids: UUID) -> str:
    """A message of the form that events of the bus have, so that one worker takes both."""
    payload = {key: str(value) for key, value in ids.items()}
    detail = {"id": str(new_id()), "organization_id": str(organization_id), "occurred_at": now().isoformat(), "payload": payload}
    return json.dumps({"detail-type": name, "detail": detail})
