"""Storing what a platform tells: one organization's updates of one body in one transaction, in a few set-based statements.

However often and in whatever order bodies come, the same rows stand at the end: unique keys decide what is new, and only what is new
counts as unread, is audited and announced.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text, update
from sqlalchemy.orm import Session

from parley.inbox import delivery_receipts, message_changes
from parley.inbox.contacts import ContactKeys, SeenContact, conversations_of
from parley.inbox.declared import InboxAction, InboxEvent
from parley.inbox.delivery_receipts import MessageKey, MessageProgress
from parley.inbox.models import MessageDirection, Platform, PlatformConnection
from parley.inbox.platforms.platform_updates import AccountNotice, IncomingMessage, MessageModification, PlatformUpdate, StatusUpdate
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.declarations import AuditAction, EventName
from parley.kernel.values.ids import new_id

_WRITE = text(
    """
    INSERT INTO inbox_messages (organization_id, id, conversation_id, connection_id, external_id, direction, content, content_type,
        media_type, reactions, sent_at, platform_timestamp, payload, created_at, updated_at)
    SELECT :organization, id, conversation, connection, name, direction, content, content_type, media_type, '[]', sent, at, payload,
        :now, :now
    FROM json_to_recordset(CAST(:rows AS json)) AS w(id uuid, conversation uuid, connection uuid, name text,
        direction inbox_message_direction, content text, content_type inbox_content_type, media_type text, sent timestamptz,
        at timestamptz, payload jsonb)
    ORDER BY connection, name
    ON CONFLICT (organization_id, connection_id, external_id) DO NOTHING
    RETURNING id
    """
)
# A conversation shows its newest message: by platform time, then arrival. What that is now, the messages themselves say. What an older
# message tells of the contact only fills what is empty.
_REFRESH = text(
    """UPDATE inbox_conversations c SET
        unread_count = c.unread_count + w.unread,
        status = CASE WHEN w.unread > 0 THEN 'OPEN' ELSE c.status END,
        contact_name = CASE WHEN w.at >= c.last_message_at THEN coalesce(w.name, c.contact_name) ELSE coalesce(c.contact_name, w.name) END,
        contact_username = CASE WHEN w.at >= c.last_message_at THEN coalesce(w.username, c.contact_username)
            ELSE coalesce(c.contact_username, w.username) END,
        contact_external_id = CASE WHEN w.at >= c.last_message_at THEN coalesce(w.address, c.contact_external_id)
            ELSE c.contact_external_id END,
        last_message_at = coalesce(m.platform_timestamp, c.last_message_at),
        last_message_preview = CASE WHEN m.revoked_at IS NOT NULL THEN '[deleted]'
            ELSE left(coalesce(nullif(m.content, ''), '[' || lower(m.content_type::text) || ']'), 200) END,
        updated_at = :now
    FROM json_to_recordset(CAST(:rows AS json)) AS w(id uuid, unread integer, at timestamptz, name text, username text, address text)
    LEFT JOIN LATERAL (
        SELECT platform_timestamp, revoked_at, content, content_type FROM inbox_messages
        WHERE organization_id = :organization AND conversation_id = w.id ORDER BY platform_timestamp DESC, id DESC LIMIT 1
    ) m ON true
    WHERE c.organization_id = :organization AND c.id = w.id
    """
)


class NoConnection(LookupError):
    """The connection of these updates is gone."""

    def __init__(self, updates: Sequence[PlatformUpdate]) -> None:
        super().__init__(len(updates))
        self.updates = updates


def store(session: Session, caller: Caller, platform: Platform, updates: Sequence[PlatformUpdate]) -> None:
    """Store updates of the caller's organization. Raises `contacts.LostRace` (begin again) and `NoConnection`."""
    connections = _connections(session, platform, {platform_update.account for platform_update in updates})
    missing = [platform_update for platform_update in updates if platform_update.account not in connections]
    if missing:
        raise NoConnection(missing)
    named = [(connections[platform_update.account], platform_update) for platform_update in updates]
    spoken = [
        (connection, platform_update)
        for connection, platform_update in named
        if isinstance(platform_update, (IncomingMessage, MessageModification))
    ]
    conversations, grown = conversations_of(
        session,
        caller,
        (SeenContact(connection, platform, platform_update.contact, platform_update.at) for connection, platform_update in spoken),
    )

    delivery_receipts.merge(session, caller, _standings(named))
    incoming = [(connection, message) for connection, message in spoken if isinstance(message, IncomingMessage)]
    written = _write(session, caller, incoming, conversations)
    status_keys = [
        (connection, status_update.external_id) for connection, status_update in named if isinstance(status_update, StatusUpdate)
    ]
    echoed = [(connection, message.external_id) for _, connection, message in written if message.direction is MessageDirection.OUTBOUND]
    moved = delivery_receipts.apply(session, caller, dict.fromkeys(status_keys + echoed))
    targets = message_changes.keep(
        session,
        caller,
        [(connection, modification) for connection, modification in spoken if isinstance(modification, MessageModification)],
    )
    changed = message_changes.apply(session, caller, sorted(targets))
    message_changes.apply_later(session, caller, [(connection, message.external_id) for _, connection, message in written])

    _refresh(session, caller, written, conversations, grown.union(row.conversation_id for row in changed))
    _complain(session, named)
    _remember(session, caller, written, conversations)
    _remember_changes(session, caller, changed)
    message_ids = {identifier for identifier, _, _ in written}
    _remember_statuses(session, caller, [row for row in moved if row.old_status != row.status and row.id not in message_ids])


def _connections(session: Session, platform: Platform, accounts: set[str]) -> dict[str, UUID]:
    rows = select(PlatformConnection.platform_user_id, PlatformConnection.id).where(
        PlatformConnection.platform == platform, PlatformConnection.platform_user_id.in_(sorted(accounts))
    )
    return {row.platform_user_id: row.id for row in session.execute(rows)}


def _standings(named: Sequence[tuple[UUID, PlatformUpdate]]) -> dict[MessageKey, MessageProgress]:
    """What the body says of messages of ours. One that was written elsewhere has been sent."""
    standings: dict[MessageKey, MessageProgress] = defaultdict(MessageProgress)
    for connection, platform_update in named:
        if isinstance(platform_update, StatusUpdate):
            standings[connection, platform_update.external_id].hear(platform_update.rung, platform_update.at, platform_update.error)
        elif isinstance(platform_update, IncomingMessage) and platform_update.direction is MessageDirection.OUTBOUND:
            standings[connection, platform_update.external_id].hear("sent", platform_update.at, None)
    return standings


Written = tuple[UUID, UUID, IncomingMessage]
"""A message that is really new: its id, its connection, and what the platform said."""


def _write(
    session: Session, caller: Caller, incoming: Sequence[tuple[UUID, IncomingMessage]], conversations: dict[ContactKeys, UUID]
) -> list[Written]:
    made = {str(new_id()): (connection, message) for connection, message in incoming}
    rows = [
        {
            "id": identifier,
            "conversation": str(conversations[connection, message.contact.keys]),
            "connection": str(connection),
            "name": message.external_id,
            "direction": message.direction.value,
            "content": message.content,
            "content_type": message.content_type.value,
            "media_type": message.media_type,
            "at": message.at.isoformat(),
            "payload": message.payload,
        }
        for identifier, (connection, message) in made.items()
    ]
    if not rows:
        return []
    parameters = {"organization": caller.organization_id, "rows": json.dumps(rows), "now": now()}
    fresh = {str(identifier) for identifier in session.scalars(_WRITE, parameters)}
    return [(UUID(identifier), connection, message) for identifier, (connection, message) in made.items() if identifier in fresh]


def _refresh(
    session: Session, caller: Caller, written: Sequence[Written], conversations: dict[ContactKeys, UUID], changed: set[UUID]
) -> None:
    rows: dict[UUID, dict[str, Any]] = {conversation: {"id": str(conversation), "unread": 0} for conversation in changed}
    for _, connection, message in sorted(written, key=lambda new: new[2].at):
        conversation = conversations[connection, message.contact.keys]
        row = rows.setdefault(conversation, {"id": str(conversation), "unread": 0})
        row["unread"] += message.direction is MessageDirection.INBOUND
        contact_fields = {"name": message.contact.name, "username": message.contact.username, "address": message.contact.phone}
        row |= {"at": message.at.isoformat()} | {name: value for name, value in contact_fields.items() if value}
    if rows:
        execute_later(session, _REFRESH.bindparams(organization=caller.organization_id, rows=json.dumps(list(rows.values())), now=now()))


def _complain(session: Session, named: Sequence[tuple[UUID, PlatformUpdate]]) -> None:
    for connection, platform_update in named:
        if isinstance(platform_update, AccountNotice):
            execute_later(
                session,
                update(PlatformConnection)
                .where(PlatformConnection.own(), PlatformConnection.id == connection)
                .values(error_message=platform_update.text),
            )


_INBOUND = InboxAction.MESSAGE_RECEIVED, InboxEvent.MESSAGE_RECEIVED
_OUTBOUND = InboxAction.MESSAGE_SENT, InboxEvent.MESSAGE_SENT


def _remember(session: Session, caller: Caller, written: Sequence[Written], conversations: dict[ContactKeys, UUID]) -> None:
    """An event for each new message; one audit row for each connection of the body, with the ids of its messages."""
    audited: dict[tuple[AuditAction, UUID], list[str]] = defaultdict(list)
    events: dict[EventName, list[dict[str, Any]]] = defaultdict(list)
    for identifier, connection, message in written:
        action, event = _INBOUND if message.direction is MessageDirection.INBOUND else _OUTBOUND
        audited[action, connection].append(str(identifier))
        conversation = conversations[connection, message.contact.keys]
        events[event].append({"message_id": str(identifier), "conversation_id": str(conversation), "connection_id": str(connection)})
    for (action, connection), messages in audited.items():
        audit.record(session, caller, action, new={"connection_id": str(connection), "message_ids": messages})
    for event, payloads in events.items():
        outbox.announce_all(session, event, payloads)


def _remember_changes(session: Session, caller: Caller, changed: Sequence[Row[Any]]) -> None:
    if changed:
        messages = [{"message_id": str(row.id), "conversation_id": str(row.conversation_id)} for row in changed]
        audit.record(session, caller, InboxAction.MESSAGE_UPDATED, new={"message_ids": [message["message_id"] for message in messages]})
        outbox.announce_all(session, InboxEvent.MESSAGE_UPDATED, messages)


def _remember_statuses(session: Session, caller: Caller, moved: Sequence[Row[Any]]) -> None:
    if moved:
        messages = [{"message_id": str(row.id), "conversation_id": str(row.conversation_id), "status": row.status} for row in moved]
        audit.record(
            session,
            caller,
            InboxAction.MESSAGE_STATUS_CHANGED,
            new={"statuses": {message["message_id"]: message["status"] for message in messages}},
        )
        outbox.announce_all(session, InboxEvent.MESSAGE_STATUS_CHANGED, messages)
