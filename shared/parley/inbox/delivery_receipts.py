"""Receipts: where a message of ours stands, whatever the order in which the platform tells it.

A receipt is first merged into the row of its message's id in `inbox_receipts`: the earliest instant of each rung. That is the same in every
order, and the row's lock lets nobody else speak of this id until the transaction ends. Then the message takes over what the row says, if
it is there; its status follows (`models.LADDER`). Whoever writes a message of ours touches that row first (`expect`), so a receipt and its
message never miss each other, whichever comes first and however closely.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Row, delete, text
from sqlalchemy.orm import Session

from parley.inbox.models import Receipt
from parley.inbox.platforms.platform_updates import DeliveryStage
from parley.kernel.access.callers import Caller
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now, of_database

RETENTION = timedelta(days=14)
"""Platforms tell late and again for 7 days; after this, what nobody has asked for is forgotten."""

MessageKey: TypeAlias = tuple[UUID, str]
"""A connection and the platform's id of a message."""

_MERGE = text(
    """INSERT INTO inbox_receipts AS r
        (organization_id, connection_id, external_id, sent_at, delivered_at, read_at, failed_at, error, arrived_at)
    SELECT :organization, connection, name, sent, delivered, read, failed, error, :now
    FROM json_to_recordset(CAST(:rows AS json)) AS w(connection uuid, name text,
        sent timestamptz, delivered timestamptz, read timestamptz, failed timestamptz, error jsonb)
    ORDER BY connection, name
    ON CONFLICT (organization_id, connection_id, external_id) DO UPDATE SET
        sent_at = least(r.sent_at, excluded.sent_at),
        delivered_at = least(r.delivered_at, excluded.delivered_at),
        read_at = least(r.read_at, excluded.read_at),
        error = CASE WHEN r.failed_at IS NULL OR (excluded.failed_at, excluded.error::text) < (r.failed_at, r.error::text)
            THEN excluded.error ELSE r.error END,
        failed_at = least(r.failed_at, excluded.failed_at)
    """
)
_APPLY = text(
    """
    UPDATE inbox_messages m SET
        sent_at = least(m.sent_at, r.sent_at),
        delivered_at = least(m.delivered_at, r.delivered_at),
        read_at = least(m.read_at, r.read_at),
        failed_at = least(m.failed_at, r.failed_at),
        error = coalesce(r.error, m.error),
        updated_at = :now
    FROM json_to_recordset(CAST(:rows AS json)) AS w(connection uuid, name text)
    JOIN inbox_receipts r ON r.organization_id = :organization AND r.connection_id = w.connection AND r.external_id = w.name
    JOIN inbox_messages was ON was.organization_id = :organization AND was.connection_id = w.connection AND was.external_id = w.name
    WHERE m.organization_id = :organization AND m.id = was.id AND m.direction = 'OUTBOUND'
        AND (m.sent_at, m.delivered_at, m.read_at, m.failed_at, m.error) IS DISTINCT FROM (
            least(m.sent_at, r.sent_at), least(m.delivered_at, r.delivered_at),
            least(m.read_at, r.read_at), least(m.failed_at, r.failed_at), coalesce(r.error, m.error))
    RETURNING m.id, m.conversation_id, was.status AS old_status, m.status
    """
)


class MessageProgress:
    """The earliest instant of each rung, of one message."""

    def __init__(self) -> None:
        self.instants: dict[DeliveryStage, datetime] = {}
        self.error: dict[str, Any] | None = None

    def hear(self, rung: DeliveryStage, at: datetime, error: dict[str, Any] | None) -> None:
        if rung == "failed" and _precedes(at, error, self.instants.get("failed"), self.error):
            self.error = error
        self.instants[rung] = min(at, self.instants.get(rung, at))


def _precedes(at: datetime, error: Any, other_at: datetime | None, other: Any) -> bool:
    return other_at is None or (at, json.dumps(error)) < (other_at, json.dumps(other))


def merge(session: Session, caller: Caller, standings: dict[MessageKey, MessageProgress]) -> None:
    """Keep what receipts say, and hold their rows. Travels with the next statement. A standing without instants only holds the row."""
    rows = [
        {"connection": str(connection), "name": name, "error": standing.error}
        | {rung: at.isoformat() for rung, at in standing.instants.items()}
        for (connection, name), standing in sorted(standings.items())
    ]
    if rows:
        execute_later(session, _MERGE.bindparams(organization=caller.organization_id, rows=json.dumps(rows), now=now()))


def apply(session: Session, caller: Caller, names: Iterable[MessageKey]) -> list[Row[Any]]:
    """Let messages take over what their receipts say: `id`, `conversation_id`, `old_status`, `status` of each changed one. One trip."""
    rows = [{"connection": str(connection), "name": name} for connection, name in names]
    if not rows:
        return []
    return list(session.execute(_APPLY, {"organization": caller.organization_id, "rows": json.dumps(rows), "now": now()}))


def forget(session: Session) -> int:
    """Delete what was told long ago, in a sweep: messages have taken it over, or never came. Returns how many."""
    result = session.execute(delete(Receipt).where(Receipt.arrived_at < of_database() - RETENTION))
    return result.rowcount  # type: ignore[attr-defined, no-any-return]  # a DELETE's result has it
