"""The outbox: an event is written in the transaction that it tells of, and published after it.

The relay is kicked after the commit and swept by schedule, so that a crash between the two loses nothing. An event may be published
twice; it is never published without its transaction.
"""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger, delete, func, select, text, tuple_, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from parley.kernel.persistence.base_models import Base, Swept, Tenant
from parley.kernel.persistence.sweep_retries import Due
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.declarations import EventName
from parley.kernel.values.ids import new_id
from parley.kernel.values.settings import is_set, setting

log = logging.getLogger(__name__)

# EventBridge takes ten entries a request.
BATCH = 10
# More than a day of tries. What the bus refuses for so long it will never take: it is set aside, and nobody takes it up again but by hand.
MOST_ATTEMPTS = 100
QUARANTINE_DUE_AT = datetime(9999, 12, 31, tzinfo=UTC)
# That a request waits for the relay to hear of it. The sweep hears of it anyway.
_KICK_SECONDS = 0.5


_ANNOUNCE_ALL = text(
    """INSERT INTO outbox_events (organization_id, id, name, payload, occurred_at, attempts, due_at)
    SELECT :organization, id, :name, payload, :now, 0, now() FROM json_to_recordset(CAST(:rows AS json)) AS w(id uuid, payload jsonb)"""
)


class OutboxEvent(Tenant, Swept, Base):
    __tablename__ = "outbox_events"
    __table_args__ = (Index("ix_outbox_events_due_at", "due_at"),)

    name: Mapped[str]
    payload: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    # By the database's clock on both sides. Nobody wants to know it of a new event, so nothing waits for its default.
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    __mapper_args__: Any = {"eager_defaults": False}


_row = tuple_(OutboxEvent.organization_id, OutboxEvent.id)


def announce(session: Session, name: EventName, **payload: Any) -> None:
    """Announce `name`, which a domain declares, with ids and plain values; it is published when this transaction has committed."""
    plain = {key: str(value) if isinstance(value, UUID) else value for key, value in payload.items()}
    session.add(OutboxEvent(name=str(name), payload=plain))
    session.info["has_announced"] = True


def announce_all(session: Session, name: EventName, payloads: Sequence[dict[str, Any]]) -> None:
    """Announce many events of one name in one statement, which travels with the next one. The payloads hold plain values."""
    if not payloads:
        return
    rows = json.dumps([{"id": str(new_id()), "payload": payload} for payload in payloads])
    organization = session.info["caller"].organization_id
    execute_later(session, _ANNOUNCE_ALL.bindparams(organization=organization, name=str(name), now=now(), rows=rows))
    session.info["has_announced"] = True


def kick() -> None:
    """Tell the relay that something waits. The sweep finds it anyway, so a failure here is only noted."""
    if not is_set("RELAY_QUEUE_URL"):
        return
    from parley.kernel.aws import aws_requests

    try:
        aws_requests.send_message(setting("RELAY_QUEUE_URL"), "{}", attempts=1, seconds=_KICK_SECONDS)
    except (OSError, aws_requests.CallFailed) as error:
        log.warning("The relay could not be kicked; the sweep will find the event: %s", error)


def relay(session: Session, publish: Callable[[Sequence[OutboxEvent]], Sequence[bool]]) -> int:
    """Publish one batch of due events, in a sweep. Returns how many were taken; 0 means that none was due.

    `publish` says for each event whether it was accepted. Accepted ones are deleted, the others wait: 2 s, 4 s, … 1024 s, and are
    set aside after `MOST_ATTEMPTS`, with their row.
    Two relays at once take different rows.
    """
    events = [row[2] for row in session.execute(due().limit(BATCH).with_for_update(skip_locked=True))]
    if events:
        settle(session, events, publish)
    return len(events)


def due() -> Due:
    """Events whose time has come."""
    return (
        select(OutboxEvent.organization_id, OutboxEvent.id, OutboxEvent)
        .where(OutboxEvent.due_at <= func.now())
        .order_by(OutboxEvent.due_at)
    )


def settle(session: Session, events: Sequence[OutboxEvent], publish: Callable[[Sequence[OutboxEvent]], Sequence[bool]]) -> None:
    """Publish events that are locked, at most `BATCH` of them, and note what became of each."""
    verdicts = list(zip(events, publish(events), strict=True))
    keys = [(event.organization_id, event.id) for event, accepted in verdicts if accepted]
    if keys:
        execute_later(session, delete(OutboxEvent).where(_row.in_(keys)))
    for event, accepted in verdicts:
        if not accepted:
            attempts = event.attempts + 1
            is_over = attempts >= MOST_ATTEMPTS
            due_at = QUARANTINE_DUE_AT if is_over else func.now() + timedelta(seconds=2 ** min(attempts, 10))
            if is_over:
                log.error("event %s (%s) is set aside after %d attempts", event.id, event.name, attempts)
            statement = update(OutboxEvent).where(_row == (event.organization_id, event.id))
            execute_later(session, statement.values(attempts=attempts, due_at=due_at))
