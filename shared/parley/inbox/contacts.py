"""Which conversation does a contact have? Contacts have several keys (phone, business-scoped user id), and one conversation a connection.

A user id is one person's for good, a phone number may pass to another person. So two keys that come together belong together, unless the
phone's conversation is with somebody whose other user id we know: then the number has a new owner, and follows the person.

The order of locks is the same everywhere, so that parallel bodies wait and do not deadlock: conversations by id, then keys by name. Who
holds a conversation's lock is alone in writing its messages and their changes.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from parley.inbox.declared import InboxAction
from parley.inbox.models import Conversation, Message, Platform
from parley.inbox.platforms.platform_updates import Contact
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id

ConnectionKey: TypeAlias = tuple[UUID, str]
"""A connection and a key in it."""

ContactKeys: TypeAlias = tuple[UUID, tuple[str, ...]]
"""A connection and all keys of a contact, as an update has them."""

_KNOWN = text(
    """
    SELECT c.id, k.connection_id, k.key FROM inbox_conversations c
    JOIN inbox_contact_keys k ON k.organization_id = c.organization_id AND k.conversation_id = c.id
    WHERE c.organization_id = :organization AND c.id IN (
        SELECT k.conversation_id FROM inbox_contact_keys k
        JOIN json_to_recordset(CAST(:keys AS json)) AS w(connection uuid, key text) ON k.connection_id = w.connection AND k.key = w.key
        WHERE k.organization_id = :organization
    )
    ORDER BY c.id FOR NO KEY UPDATE OF c
    """
)
_CLAIM = text(
    """
    INSERT INTO inbox_contact_keys (organization_id, connection_id, key, conversation_id)
    SELECT :organization, connection, key, conversation
    FROM json_to_recordset(CAST(:keys AS json)) AS w(connection uuid, key text, conversation uuid) ORDER BY connection, key
    ON CONFLICT DO NOTHING RETURNING key
    """
)
_MOVE = text(
    """
    UPDATE inbox_contact_keys k SET conversation_id = w.conversation
    FROM json_to_recordset(CAST(:keys AS json)) AS w(connection uuid, key text, conversation uuid)
    WHERE k.organization_id = :organization AND k.connection_id = w.connection AND k.key = w.key
    """
)
_BEGIN = text(
    """INSERT INTO inbox_conversations
        (organization_id, id, connection_id, platform, external_id, contact_external_id, last_message_at, unread_count, status,
        created_at, updated_at)
    SELECT :organization, id, connection, platform, external, address, at, 0, 'OPEN', :now, :now
    FROM json_to_recordset(CAST(:rows AS json))
        AS w(id uuid, connection uuid, platform inbox_platform, external text, address text, at timestamptz)
    """
)

_TAKE_IN = text(
    """
    UPDATE inbox_conversations k SET
        unread_count = k.unread_count + g.unread_count,
        status = least(k.status, g.status),
        contact_name = CASE WHEN g.last_message_at > k.last_message_at THEN coalesce(g.contact_name, k.contact_name)
            ELSE coalesce(k.contact_name, g.contact_name) END,
        contact_username = CASE WHEN g.last_message_at > k.last_message_at THEN coalesce(g.contact_username, k.contact_username)
            ELSE coalesce(k.contact_username, g.contact_username) END,
        last_message_at = greatest(k.last_message_at, g.last_message_at),
        updated_at = :now
    FROM inbox_conversations g
    WHERE k.organization_id = :organization AND k.id = :kept AND g.organization_id = :organization AND g.id = :gone
    """
)


class LostRace(Exception):
    """Another transaction wrote the same contact meanwhile; the same work, begun again, sees it."""


@dataclass(frozen=True, slots=True)
class SeenContact:
    """A contact as an update names it, in a connection, at an instant."""

    connection_id: UUID
    platform: Platform
    contact: Contact
    at: datetime


@dataclass
class ConversationIndex:
    """The keys of the contacts at hand, and whose they are."""

    owners: dict[ConnectionKey, UUID]
    owner: dict[ConnectionKey, UUID] = field(init=False)
    first: dict[UUID, SeenContact] = field(default_factory=dict)
    """Conversations that are not there yet."""
    merged: list[tuple[UUID, UUID]] = field(default_factory=list)
    """Which conversation took in which other one."""

    users: dict[UUID, set[ConnectionKey]] = field(init=False)
    """The user ids of each conversation."""

    def __post_init__(self) -> None:
        self.owner, self.users = {}, {}
        for connection_key, owner in self.owners.items():
            self._give(connection_key, owner)

    def conversation_of(self, seen: SeenContact) -> UUID:
        """The contact's conversation by the rules of this module; all its keys lead there afterwards."""
        places = [(seen.connection_id, key) for key in seen.contact.keys]
        becoming = [(seen.connection_id, key) for key in seen.contact.becomes]
        owners = self._owners(places, places)
        # Somebody who takes a new number is not the one who had it before.
        names = {*places, *becoming}.union(*(self.users.get(owner, ()) for owner in owners))
        conversations = sorted(owners | self._owners(becoming, names))
        chosen = conversations[0] if conversations else new_id()
        if not conversations:
            self.first[chosen] = seen
        for other in conversations[1:]:
            self._merge(chosen, other)
        for connection_key in (*places, *becoming):
            self._give(connection_key, chosen)
        return chosen

    def standing(self, conversation: UUID) -> UUID:
        """Where a conversation's messages belong after all merging."""
        for kept, duplicate_id in self.merged:
            conversation = kept if conversation == duplicate_id else conversation
        return conversation

    def _owners(self, places: Iterable[ConnectionKey], names: Collection[ConnectionKey]) -> set[UUID]:
        """Whose these keys are; without numbers whose owner has a user id, and another one than the contact of these names has."""
        owned = [(connection_key, self.owner[connection_key]) for connection_key in places if connection_key in self.owner]
        people = {owner for connection_key, owner in owned if not connection_key[1].startswith("phone:")}
        if not any(key.startswith("user:") for _, key in names):
            return {owner for _, owner in owned}
        return people | {owner for _, owner in owned if owner not in self.users or not self.users[owner].isdisjoint(names)}

    def _give(self, connection_key: ConnectionKey, conversation: UUID) -> None:
        self.owner[connection_key] = conversation
        if connection_key[1].startswith("user:"):
            self.users.setdefault(conversation, set()).add(connection_key)

    def _merge(self, kept: UUID, duplicate_id: UUID) -> None:
        for connection_key in [connection_key for connection_key, owner in self.owner.items() if owner == duplicate_id]:
            self._give(connection_key, kept)
        self.merged.append((kept, duplicate_id))


def conversations_of(session: Session, caller: Caller, wanted: Iterable[SeenContact]) -> tuple[dict[ContactKeys, UUID], set[UUID]]:
    """The conversations of contacts, locked; made where there are none. And which of them took in another one.

    One round trip, two when a contact is new. Raises `LostRace`: begin the transaction again.
    """
    seen = list(wanted)
    if not seen:
        return {}, set()
    connection_keys = sorted(
        {(seen_contact.connection_id, key) for seen_contact in seen for key in (*seen_contact.contact.keys, *seen_contact.contact.becomes)}
    )
    keys = json.dumps([{"connection": str(connection), "key": key} for connection, key in connection_keys])
    rows = session.execute(_KNOWN, {"organization": caller.organization_id, "keys": keys})
    places = ConversationIndex({(connection, key): conversation for conversation, connection, key in rows})
    conversations = {(seen_contact.connection_id, seen_contact.contact.keys): places.conversation_of(seen_contact) for seen_contact in seen}
    _claim(session, caller, places)
    _begin(session, caller, places)
    stored = [(kept, duplicate_id) for kept, duplicate_id in places.merged if duplicate_id in places.owners.values()]
    for kept, duplicate_id in stored:
        _take_in(session, caller, kept, duplicate_id)
    return {named: places.standing(conversation) for named, conversation in conversations.items()}, {
        places.standing(kept) for kept, _ in stored
    }


def _rows(owners: dict[ConnectionKey, UUID]) -> str:
    rows = [{"connection": str(connection), "key": key, "conversation": str(owner)} for (connection, key), owner in sorted(owners.items())]
    return json.dumps(rows)


def _claim(session: Session, caller: Caller, places: ConversationIndex) -> None:
    """Write the keys that are new, and move the others. A key that somebody else has written meanwhile raises `LostRace`."""
    fresh = {connection_key: owner for connection_key, owner in places.owner.items() if connection_key not in places.owners}
    if fresh:
        written = session.execute(_CLAIM, {"organization": caller.organization_id, "keys": _rows(fresh)}).all()
        if len(written) < len(fresh):
            raise LostRace
    moved = {connection_key: owner for connection_key, owner in places.owner.items() if places.owners.get(connection_key, owner) != owner}
    if moved:
        session.execute(_MOVE, {"organization": caller.organization_id, "keys": _rows(moved)})


def _begin(session: Session, caller: Caller, places: ConversationIndex) -> None:
    duplicate_ids = {other for _, other in places.merged}
    rows = [
        {
            "id": str(conversation),
            "connection": str(seen.connection_id),
            "platform": seen.platform.value,
            # A group may have the id that is somebody's number.
            "external": seen.contact.keys[0].removeprefix("user:").removeprefix("phone:"),
            "address": seen.contact.phone or seen.contact.keys[0].partition(":")[2],
            "at": seen.at.isoformat(),
        }
        for conversation, seen in places.first.items()
        if conversation not in duplicate_ids
    ]
    if rows:
        execute_later(session, _BEGIN.bindparams(organization=caller.organization_id, rows=json.dumps(rows), now=now()))


def _take_in(session: Session, caller: Caller, kept: UUID, duplicate_id: UUID) -> None:
    """Two conversations turn out to be with one person: the older one takes in the other."""
    # A message that is being written to it right now holds a lock that only this one waits for.
    other = session.execute(select(Conversation).where(Conversation.id == duplicate_id).with_for_update()).scalar_one()
    session.execute(update(Message).where(Message.conversation_id == duplicate_id).values(conversation_id=kept))
    session.execute(_TAKE_IN, {"organization": caller.organization_id, "kept": kept, "gone": duplicate_id, "now": now()})
    session.execute(delete(Conversation).where(Conversation.id == duplicate_id))
    audit.record(session, caller, InboxAction.CONVERSATION_MERGED, other, new={"merged_into": str(kept)})
    session.expunge(other)
