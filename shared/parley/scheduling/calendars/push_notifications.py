"""What providers post when a calendar has changed: who proves to be one has it synced, once; others are answered alike, and start nothing.

Sources: Google, "Get push notifications"; Microsoft, "Receive change notifications through webhooks", "Reduce missing subscriptions and
change notifications".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from parley.kernel.access.callers import system
from parley.kernel.persistence import outbox, transactions
from parley.kernel.values.clock import now
from parley.scheduling.calendars.push_channels import PushChannel
from parley.scheduling.declared import SchedulingEvent
from parley.scheduling.tables.calendar_models import CalendarConnection, CalendarStatus, ConnectedCalendar

_MOST_NOTICES, _MOST_BYTES = 1000, 1024 * 1024
_AT_ONCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class PushedChange:
    """A calendar has changed. `is_watched`: false when the provider has stopped watching, or is about to."""

    channel: PushChannel
    is_watched: bool = True


def from_google(name: str, headers: Mapping[str, str]) -> PushedChange | None:
    """What Google says is in headers, in small letters here. The first message of a channel (`sync`) tells of no change."""
    channel = PushChannel.read(name)
    if channel is None or headers.get("x-goog-channel-id") != name or not channel.is_proved_by(headers.get("x-goog-channel-token")):
        return None
    return PushedChange(channel) if headers.get("x-goog-resource-state") in ("exists", "not_exists") else None


def from_microsoft(name: str, body: bytes) -> PushedChange | None:
    """Many notices may come in one body; each brings the secret, and one that does not counts for nothing."""
    channel = PushChannel.read(name)
    if channel is None or len(body) > _MOST_BYTES:
        return None
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return None
    notices: Any = payload.get("value") if isinstance(payload, dict) else None
    listed = notices[:_MOST_NOTICES] if isinstance(notices, list) else []
    proved = [notice for notice in listed if isinstance(notice, dict) and channel.is_proved_by(notice.get("clientState"))]
    if not proved:
        return None
    return PushedChange(
        channel, is_watched=not any(notice.get("lifecycleEvent") in ("reauthorizationRequired", "subscriptionRemoved") for notice in proved)
    )


def receive_pushes(change: PushedChange) -> None:
    """Have the calendar's connection synced. What is told within a minute of the first notice is synced with it.

    A connection that is backing off keeps its time: who told it to wait is who is telling now.
    """
    soon = now() + _AT_ONCE
    with transactions.transaction(system(change.channel.organization_id)) as session:
        calendar = ConnectedCalendar.id == change.channel.calendar_id
        if not change.is_watched:
            session.execute(update(ConnectedCalendar).where(calendar).values(watched_until=None))
        # If the message is lost, the sweep finds the connection in a minute.
        due = (
            update(CalendarConnection)
            .where(
                CalendarConnection.id == select(ConnectedCalendar.connection_id).where(calendar).scalar_subquery(),
                CalendarConnection.status == CalendarStatus.ACTIVE,
                CalendarConnection.deleted_at.is_(None),
                CalendarConnection.next_sync_at > soon,
            )
            .values(next_sync_at=soon)
            .returning(CalendarConnection.id)
            .execution_options(synchronize_session=False)
        )
        connection_id = session.scalars(due).one_or_none()
        if connection_id is not None:
            outbox.announce(session, SchedulingEvent.CALENDAR_CHANGED, connection_id=connection_id)
