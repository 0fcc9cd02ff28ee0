"""What the worker of calendars does with a message, and which messages a sweep sends."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Update, select, tuple_, update
from sqlalchemy.orm import Session

from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.ids import new_id
from parley.scheduling import departures
from parley.scheduling.calendars import syncing, writing
from parley.scheduling.calendars.accounts import CHANGED
from parley.scheduling.calendars.health import DIED
from parley.scheduling.calendars.models import CalendarConnection, CalendarEvent

if TYPE_CHECKING:
    from parley.kernel.mail_claims import Sender

MEMBER_LEFT, USER_DELETED = "identity.member_left", "identity.user_deleted"
EVENT_DUE = "scheduling.calendar_event_due"
# What a sweep has sent somebody to, it leaves alone for so long.
_PUT_OFF = timedelta(minutes=10)
AT_ONCE = 500


def take_up(caller: Caller, name: str, payload: dict[str, Any], send: Callable[[], "Sender"]) -> None:
    """Any message may come twice, late, or in any order. `send` makes what sends its mails: seldom needed, and imported then."""
    if name == CHANGED:
        syncing.sync(caller, UUID(payload["connection_id"]))
    elif name == EVENT_DUE:
        writing.settle(caller, UUID(payload["event_id"]))
    elif name == MEMBER_LEFT:
        departures.forget_calendars(caller, UUID(payload["user_id"]))
    elif name == USER_DELETED:
        departures.forget_notices(caller, UUID(payload["user_id"]), payload["address_key"])
    elif name == DIED:
        # Templates: seldom needed.
        from parley.scheduling.calendars.owner_letter import write

        write(caller, UUID(payload["connection_id"]), send())
    else:
        for row_id in writing.note(caller, UUID(payload["booking_id"])):
            writing.settle(caller, row_id)


def due(session: Session) -> list[str]:
    """Messages for what is due, in a sweep; it is put off, so that the next sweep leaves it to who got the message.

    Two sweeps at once take different rows.
    """
    at, later = now(), now() + _PUT_OFF
    one, event = CalendarConnection, CalendarEvent
    late = select(one.organization_id, one.id).where(one.next_sync_at <= at, one.deleted_at.is_(None)).order_by(one.next_sync_at)
    chosen = late.limit(AT_ONCE).with_for_update(skip_locked=True)
    syncs = update(one).where(tuple_(one.organization_id, one.id).in_(chosen)).values(next_sync_at=later, updated_at=one.updated_at)
    waiting = select(event.organization_id, event.id).where(event.due_at <= at).order_by(event.due_at)
    taken = waiting.limit(AT_ONCE).with_for_update(skip_locked=True)
    writes = update(event).where(tuple_(event.organization_id, event.id).in_(taken)).values(due_at=later, updated_at=event.updated_at)
    sent = [envelope(CHANGED, organization_id, connection_id=row_id) for organization_id, row_id in _changed(session, syncs, one)]
    return sent + [envelope(EVENT_DUE, organization_id, event_id=row_id) for organization_id, row_id in _changed(session, writes, event)]


def _changed(session: Session, statement: Update, table: type[CalendarConnection] | type[CalendarEvent]) -> list[tuple[UUID, UUID]]:
    return [(row[0], row[1]) for row in session.execute(statement.returning(table.organization_id, table.id))]


def envelope(name: str, organization_id: UUID, **ids: UUID) -> str:
    """A message of the form that events of the bus have, so that one worker takes both."""
    payload = {key: str(value) for key, value in ids.items()}
    detail = {"id": str(new_id()), "organization_id": str(organization_id), "occurred_at": now().isoformat(), "payload": payload}
    return json.dumps({"detail-type": name, "detail": detail})
