"""Reactions, edits and revocations: kept as they come, also before their message; a message's state follows from all of them.

By platform time, then arrival: of each actor the last reaction counts, of edits the last; a revoked message stays revoked. Whoever writes
a message or a change of a conversation holds its lock, so the two never miss each other.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from parley.inbox.delivery_receipts import MessageKey
from parley.inbox.platforms.platform_updates import MessageModification
from parley.kernel.access.callers import Caller
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id

_KEEP = text(
    """
    INSERT INTO inbox_message_changes
        (organization_id, id, connection_id, external_id, target_external_id, kind, actor, content, platform_timestamp, payload)
    SELECT :organization, id, connection, name, target, kind, actor, content, at, payload
    FROM json_to_recordset(CAST(:rows AS json)) AS w(id uuid, connection uuid, name text, target text, kind inbox_change_kind,
        actor text, content text, at timestamptz, payload jsonb)
    ORDER BY connection, name
    ON CONFLICT (organization_id, connection_id, external_id) DO NOTHING
    RETURNING connection_id, target_external_id
    """
)
_CURRENT = """UPDATE inbox_messages m SET
        reactions = c.reactions,
        edited_at = c.edited_at,
        revoked_at = c.revoked_at,
        content = CASE WHEN c.revoked_at IS NOT NULL THEN NULL WHEN c.edited_at IS NOT NULL THEN c.edited ELSE m.content END,
        updated_at = :now
    FROM json_to_recordset(CAST(:rows AS json)) AS w(connection uuid, name text)
    CROSS JOIN LATERAL (
        SELECT count(*) AS changes,
            min(platform_timestamp) FILTER (WHERE kind = 'REVOKE') AS revoked_at,
            max(platform_timestamp) FILTER (WHERE kind = 'EDIT') AS edited_at,
            (array_agg(content ORDER BY platform_timestamp DESC, id DESC) FILTER (WHERE kind = 'EDIT'))[1] AS edited,
            coalesce(jsonb_agg(jsonb_build_object('by', actor, 'emoji', content, 'at', platform_timestamp) ORDER BY platform_timestamp, id)
                FILTER (WHERE kind = 'REACTION' AND content IS NOT NULL AND age = 1), '[]') AS reactions
        FROM (
            SELECT *, row_number() OVER (PARTITION BY kind, actor ORDER BY platform_timestamp DESC, id DESC) AS age
            FROM inbox_message_changes
            WHERE organization_id = :organization AND connection_id = w.connection AND target_external_id = w.name
        ) every
    ) c
    WHERE m.organization_id = :organization AND m.connection_id = w.connection AND m.external_id = w.name AND c.changes > 0
"""
_APPLY = text(_CURRENT)
_APPLY_AND_SAY = text(f"{_CURRENT} RETURNING m.id, m.conversation_id")


def keep(session: Session, caller: Caller, changes: Sequence[tuple[UUID, MessageModification]]) -> set[MessageKey]:
    """Keep changes, each with its connection. Returns the targets of those that are new. One round trip."""
    rows = [
        {
            "id": str(new_id()),
            "connection": str(connection),
            "name": change.external_id,
            "target": change.target,
            "kind": change.kind.value,
            "actor": change.actor,
            "content": change.content,
            "at": change.at.isoformat(),
            "payload": change.payload,
        }
        for connection, change in changes
    ]
    if not rows:
        return set()
    kept = session.execute(_KEEP, {"organization": caller.organization_id, "rows": json.dumps(rows)})
    return {(connection, target) for connection, target in kept}


def apply(session: Session, caller: Caller, names: Iterable[MessageKey]) -> list[Row[Any]]:
    """Bring messages up to date with their changes: `id`, `conversation_id` of each. One round trip."""
    parameters = _parameters(caller, names)
    return list(session.execute(_APPLY_AND_SAY, parameters)) if parameters else []


def apply_later(session: Session, caller: Caller, names: Iterable[MessageKey]) -> None:
    """The same for messages that have just been written, for changes that came before them. Travels with the next statement."""
    parameters = _parameters(caller, names)
    if parameters:
        execute_later(session, _APPLY.bindparams(**parameters))


def _parameters(caller: Caller, names: Iterable[MessageKey]) -> dict[str, Any] | None:
    rows = [{"connection": str(connection), "name": name} for connection, name in names]
    return {"organization": caller.organization_id, "rows": json.dumps(rows), "now": now()} if rows else None
