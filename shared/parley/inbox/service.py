"""What people do in the inbox."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from parley.inbox import queries
from parley.inbox.declared import InboxAction, InboxDirectory, InboxEvent
from parley.inbox.models import ONE_CONNECTION, ConnectionStatus, Conversation, ConversationStatus, Message, Platform, PlatformConnection
from parley.inbox.schemas import ConnectionCreate, ConnectionRead, ConversationRead, MessageRead
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory, outbox
from parley.kernel.persistence.column_encryption import seal
from parley.kernel.persistence.pagination import Page, page
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, NotFound

CHECKED_EVERY = timedelta(days=1)
"""So often a platform is asked whether it still confirms a token (`account_checks`)."""


class NumberTaken(Conflict):
    """A connection to this number exists."""


class NoSuchPlatformConnection(NotFound):
    """There is none, or it is another organization's."""


class NoSuchConversation(NotFound):
    """There is none, or it is another organization's."""


def connect_number(session: Session, caller: Caller, wanted: ConnectionCreate) -> tuple[PlatformConnection, UUID | None]:
    """Connect a WhatsApp number whose token the platform has confirmed (`account_proof`). It belongs to one organization at a time. A
    number that the organization had before is the same connection again, with its conversations.

    A claim that nobody had proved, or that the platform does not confirm any more, ends: its organization is the second thing that is
    returned, to be told (`supersede`).

    Raises `NumberTaken`.
    """
    number = wanted.phone_number_id
    superseded = directory.end_unproven(session, InboxDirectory.WHATSAPP_NUMBER, number)
    connection = queries.connection_to(session, number)
    is_new = connection is None
    if connection is None:
        connection = PlatformConnection(platform=Platform(wanted.platform), platform_user_id=number)
        session.add(connection)
    for name in wanted.model_fields_set & {"display_name", "username"}:
        setattr(connection, name, getattr(wanted, name))
    connection.status, connection.error_message = ConnectionStatus.ACTIVE, None
    connection.next_check_at, connection.refusals = now() + CHECKED_EVERY, 0
    with session.no_autoflush:
        seal(session, connection, PlatformConnection.access_token, wanted.access_token.get_secret_value())
    directory.enter(session, InboxDirectory.WHATSAPP_NUMBER, number, is_proven=True)
    taken = NumberTaken("This number is connected already; disconnect it first where it is.")
    with violation_means(directory.UNIQUE, taken), violation_means(ONE_CONNECTION, taken):
        session.flush()

    if is_new:
        audit.record(session, caller, InboxAction.CONNECTION_CREATED, connection, new={"platform": wanted.platform})
    else:
        audit.record(session, caller, InboxAction.CONNECTION_UPDATED, connection, new={"status": connection.status.value})
    outbox.announce(session, InboxEvent.CONNECTION_CREATED, connection_id=connection.id)
    return connection, superseded if superseded != caller.organization_id else None


def end(session: Session, connection: PlatformConnection, status: ConnectionStatus, reason: str | None) -> None:
    """It gets nothing any more, its token is forgotten, and its number is free. Its conversations stay."""
    connection.status, connection.error_message = status, reason
    connection.access_token = connection.refresh_token = connection.token_expires_at = connection.next_check_at = None
    directory.leave(session, InboxDirectory.WHATSAPP_NUMBER, connection.platform_user_id)
    outbox.announce(session, InboxEvent.CONNECTION_ENDED, connection_id=connection.id, status=status.value)


def disconnect(session: Session, caller: Caller, connection_id: UUID) -> PlatformConnection:
    """End a connection. Doing it again changes nothing. Raises `NoSuchPlatformConnection`."""
    row = queries.connection(session, connection_id, to_change=True)
    if row is None:
        raise NoSuchPlatformConnection("There is no such connection.")
    if row.status is ConnectionStatus.DISCONNECTED and row.access_token is None:
        return row

    old = {"status": row.status.value}
    end(session, row, ConnectionStatus.DISCONNECTED, None)
    audit.record(session, caller, InboxAction.CONNECTION_DELETED, row, old=old, new={"status": row.status.value})
    session.flush()
    return row


def supersede(session: Session, caller: Caller, phone_number_id: str) -> None:
    """Somebody else has proved that a number is theirs: the connection ends, and says so."""
    connection = queries.connection_to(session, phone_number_id, to_change=True)
    if connection is None or connection.status is ConnectionStatus.DISCONNECTED:
        return
    reason = "WhatsApp has confirmed this number to somebody else; connect it again with an access token of yours."
    end(session, connection, ConnectionStatus.DISCONNECTED, reason)
    audit.record(session, caller, InboxAction.CONNECTION_UPDATED, connection, new={"status": connection.status.value})


def connections(session: Session, *, limit: int, cursor: str | None) -> Page[ConnectionRead]:
    """A page of connections, newest first. One query."""
    rows, following = page(session, queries.connections(), [PlatformConnection.id], cursor=cursor, limit=limit)
    return Page(items=[ConnectionRead.model_validate(row) for row in rows], next_cursor=following)


def connection(session: Session, connection_id: UUID) -> PlatformConnection:
    """Raises `NoSuchPlatformConnection`."""
    row = queries.connection(session, connection_id)
    if row is None:
        raise NoSuchPlatformConnection("There is no such connection.")
    return row


def conversations(
    session: Session,
    *,
    status: ConversationStatus | None,
    connection_id: UUID | None,
    is_unread: bool | None,
    limit: int,
    cursor: str | None,
) -> Page[ConversationRead]:
    """A page of conversations, newest activity first. One query."""
    wanted = queries.conversations(status, connection_id, is_unread)
    rows, following = page(session, wanted, [Conversation.last_message_at, Conversation.id], cursor=cursor, limit=limit)
    return Page(items=[ConversationRead.model_validate(row) for row in rows], next_cursor=following)


def conversation(session: Session, conversation_id: UUID) -> Conversation:
    """Raises `NoSuchConversation`."""
    row = queries.conversation(session, conversation_id)
    if row is None:
        raise NoSuchConversation("There is no such conversation.")
    return row


def messages(session: Session, conversation_id: UUID, *, limit: int, cursor: str | None) -> Page[MessageRead]:
    """A page of a conversation's messages, newest first by platform time. Two queries. Raises `NoSuchConversation`."""
    if queries.conversation(session, conversation_id) is None:
        raise NoSuchConversation("There is no such conversation.")
    keys = [Message.platform_timestamp, Message.id]
    rows, following = page(session, queries.messages(conversation_id), keys, cursor=cursor, limit=limit)
    return Page(items=[MessageRead.model_validate(row) for row in rows], next_cursor=following)


def mark_read(session: Session, caller: Caller, conversation_id: UUID) -> Conversation:
    """Nothing is unread any more. Doing it again changes nothing. Raises `NoSuchConversation`."""
    unread = (Conversation.id == conversation_id) & (Conversation.unread_count > 0)
    read = session.scalars(
        update(Conversation).where(unread).values(unread_count=0, updated_at=now()).returning(Conversation)
    ).one_or_none()
    if read is None:
        read = queries.conversation(session, conversation_id)
        if read is None:
            raise NoSuchConversation("There is no such conversation.")
        return read

    audit.record(session, caller, InboxAction.CONVERSATION_READ, read)
    outbox.announce(session, InboxEvent.CONVERSATION_READ, conversation_id=read.id)
    return read
