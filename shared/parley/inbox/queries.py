"""What inbox reads."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, defer

from parley.identity.billing import history_limit
from parley.inbox.models import Conversation, ConversationStatus, Message, Platform, PlatformConnection


def connections() -> Select[PlatformConnection]:
    return select(PlatformConnection)


def connection(session: Session, connection_id: UUID, *, to_change: bool = False) -> PlatformConnection | None:
    wanted = select(PlatformConnection).where(PlatformConnection.id == connection_id)
    return session.scalars(wanted.with_for_update() if to_change else wanted).one_or_none()


def connection_to(session: Session, platform_user_id: str, *, to_change: bool = False) -> PlatformConnection | None:
    """The organization's connection to an account of WhatsApp."""
    wanted = select(PlatformConnection).where(
        PlatformConnection.platform == Platform.WHATSAPP, PlatformConnection.platform_user_id == platform_user_id
    )
    return session.scalars(wanted.with_for_update() if to_change else wanted).one_or_none()


def conversations(
    status: ConversationStatus | None = None, connection_id: UUID | None = None, is_unread: bool | None = None
) -> Select[Conversation]:
    """Conversations that fit; None asks for nothing."""
    wanted = select(Conversation)
    if status is not None:
        wanted = wanted.where(Conversation.status == status)
    if connection_id is not None:
        wanted = wanted.where(Conversation.connection_id == connection_id)
    if is_unread is not None:
        wanted = wanted.where(Conversation.unread_count > 0 if is_unread else Conversation.unread_count == 0)
    return wanted


def conversation(session: Session, conversation_id: UUID) -> Conversation | None:
    return session.scalars(select(Conversation).where(Conversation.id == conversation_id)).one_or_none()


def messages(conversation_id: UUID) -> Select[Message]:
    """As far back as the plan shows them, without their payloads, which nobody is shown."""
    shown = (Message.conversation_id == conversation_id) & (Message.platform_timestamp >= history_limit.history_start())
    return select(Message).where(shown).options(defer(Message.payload))
