"""Tables of the inbox: connections to platforms, conversations with contacts, messages, and what platforms say of messages later."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.persistence.base_models import Base, Swept, Tenant, Timestamps, native_enum, tenant_key
from parley.kernel.persistence.column_encryption import Sealed, SealedText
from parley.kernel.values.clock import now

ONE_CONNECTION = "uq_inbox_connections_platform_user_id"

# Of an outbound message, by what its receipts have said, in whatever order: a later rung covers the earlier ones, and DELIVERED or READ
# lifts FAILED. Written as PostgreSQL writes it back, so that the model and the database can be compared.
LADDER = """
CASE
    WHEN (direction = 'INBOUND'::inbox_message_direction) THEN 'DELIVERED'::inbox_message_status
    WHEN (read_at IS NOT NULL) THEN 'READ'::inbox_message_status
    WHEN (delivered_at IS NOT NULL) THEN 'DELIVERED'::inbox_message_status
    WHEN (failed_at IS NOT NULL) THEN 'FAILED'::inbox_message_status
    WHEN (sent_at IS NOT NULL) THEN 'SENT'::inbox_message_status
    ELSE 'PENDING'::inbox_message_status
END
"""


class Platform(StrEnum):
    WHATSAPP = "WHATSAPP"
    FACEBOOK = "FACEBOOK"
    TIKTOK = "TIKTOK"


class ConnectionStatus(StrEnum):
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    ERROR = "ERROR"
    DISCONNECTED = "DISCONNECTED"


class ConversationStatus(StrEnum):
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    ARCHIVED = "ARCHIVED"


class MessageDirection(StrEnum):
    INBOUND = "INBOUND"
    OUTBOUND = "OUTBOUND"


class ContentType(StrEnum):
    TEXT = "TEXT"
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    FILE = "FILE"
    STICKER = "STICKER"
    LOCATION = "LOCATION"


class MessageStatus(StrEnum):
    PENDING = "PENDING"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"
    FAILED = "FAILED"


class ChangeKind(StrEnum):
    REACTION = "REACTION"
    EDIT = "EDIT"
    REVOKE = "REVOKE"


class PlatformConnection(Tenant, Swept, Timestamps, Base):
    """An account at a platform. `platform_user_id` is what its webhooks name: the phone number id of WhatsApp.

    `refusals`: so many times in a row the platform has not shown the account to the token. A connection that has ended has no token.
    """

    __tablename__ = "inbox_connections"
    audit_name = "Connection"
    __table_args__ = (
        UniqueConstraint("organization_id", "platform", "platform_user_id", name=ONE_CONNECTION),
        Index("ix_inbox_connections_next_check_at", "next_check_at", postgresql_where=text("next_check_at IS NOT NULL")),
    )

    platform: Mapped[Platform] = mapped_column(native_enum(Platform, "inbox_platform"))
    platform_user_id: Mapped[str]
    username: Mapped[str | None]
    display_name: Mapped[str | None]
    access_token: Mapped[Sealed | None] = mapped_column(SealedText)
    refresh_token: Mapped[Sealed | None] = mapped_column(SealedText)
    token_expires_at: Mapped[datetime | None]
    status: Mapped[ConnectionStatus] = mapped_column(
        native_enum(ConnectionStatus, "inbox_connection_status"), default=ConnectionStatus.ACTIVE
    )
    last_sync_at: Mapped[datetime | None]
    error_message: Mapped[str | None]
    checked_at: Mapped[datetime | None]
    next_check_at: Mapped[datetime | None] = mapped_column(server_default=text("now() + interval '1 day'"))
    refusals: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")


class Conversation(Tenant, Timestamps, Base):
    """All that is said between a connection and one contact, or one group. Which contact that is, `ContactKey` says."""

    __tablename__ = "inbox_conversations"
    __table_args__ = (
        tenant_key("connection_id", "inbox_connections"),
        UniqueConstraint("organization_id", "connection_id", "external_id"),
        Index("ix_inbox_conversations_organization_id_last_message_at", "organization_id", "last_message_at", "id"),
        Index("ix_inbox_conversations_organization_id_connection_id", "organization_id", "connection_id", "last_message_at", "id"),
        Index(
            "ix_inbox_conversations_organization_id_unread",
            "organization_id",
            "last_message_at",
            "id",
            postgresql_where=text("unread_count > 0"),
        ),
    )

    connection_id: Mapped[UUID]
    platform: Mapped[Platform] = mapped_column(native_enum(Platform, "inbox_platform"))
    external_id: Mapped[str]
    external_thread_id: Mapped[str | None]
    contact_external_id: Mapped[str]
    contact_name: Mapped[str | None]
    contact_username: Mapped[str | None]
    contact_avatar_url: Mapped[str | None]
    last_message_preview: Mapped[str | None]
    last_message_at: Mapped[datetime]
    unread_count: Mapped[int] = mapped_column(default=0)
    status: Mapped[ConversationStatus] = mapped_column(
        native_enum(ConversationStatus, "inbox_conversation_status"), default=ConversationStatus.OPEN
    )


class ContactKey(Base):
    """A name under which a platform knows a contact: a phone number, a user id, a group. Several lead to one conversation."""

    __tablename__ = "inbox_contact_keys"
    __table_args__ = (
        # Checked at the commit: the key is written first, because its uniqueness decides who makes the conversation.
        ForeignKeyConstraint(
            ["organization_id", "conversation_id"],
            ["inbox_conversations.organization_id", "inbox_conversations.id"],
            ondelete="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("ix_inbox_contact_keys_organization_id_conversation_id", "organization_id", "conversation_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[UUID]


class Message(Tenant, Timestamps, Base):
    """`payload` is what the platform sent, as it came. `platform_timestamp` orders, then `id`."""

    __tablename__ = "inbox_messages"
    __table_args__ = (
        tenant_key("conversation_id", "inbox_conversations"),
        UniqueConstraint("organization_id", "connection_id", "external_id"),
        Index("ix_inbox_messages_organization_id_conversation_id", "organization_id", "conversation_id", "platform_timestamp", "id"),
        Index(
            "ix_inbox_messages_organization_id_sent_by_user_id",
            "organization_id",
            "sent_by_user_id",
            postgresql_where=text("sent_by_user_id IS NOT NULL"),
        ),
    )
    # The status is the database's; asking for it at each INSERT would cost a round trip.
    __mapper_args__ = {"eager_defaults": False}  # so SQLAlchemy wants it

    conversation_id: Mapped[UUID]
    # The conversation's, repeated for the unique rule.
    connection_id: Mapped[UUID]
    external_id: Mapped[str | None]
    direction: Mapped[MessageDirection] = mapped_column(native_enum(MessageDirection, "inbox_message_direction"))
    content: Mapped[str | None]
    content_type: Mapped[ContentType] = mapped_column(native_enum(ContentType, "inbox_content_type"), default=ContentType.TEXT)
    media_url: Mapped[str | None]
    media_type: Mapped[str | None]
    media_thumbnail: Mapped[str | None]
    reactions: Mapped[list[Any]] = mapped_column(JSONB, default=[])
    status: Mapped[MessageStatus] = mapped_column(
        native_enum(MessageStatus, "inbox_message_status"), Computed(LADDER.strip(), persisted=True)
    )
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure: Mapped[dict[str, Any] | None] = mapped_column("error")
    sent_by_user_id: Mapped[UUID | None]
    edited_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    platform_timestamp: Mapped[datetime]
    payload: Mapped[dict[str, Any]] = mapped_column(default={})

    @property
    def error(self) -> dict[str, Any] | None:
        """Why it failed. A failure that a later receipt has lifted is not told."""
        return self.failure if self.status is MessageStatus.FAILED else None


class Receipt(Swept, Base):
    """All that receipts have said of one message of ours, known to us or not yet: the earliest instant of each rung."""

    __tablename__ = "inbox_receipts"
    __table_args__ = (tenant_key("connection_id", "inbox_connections"), Index("ix_inbox_receipts_arrived_at", "arrived_at"))

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    error: Mapped[dict[str, Any] | None]
    arrived_at: Mapped[datetime] = mapped_column(default=now)


class MessageChange(Tenant, Base):
    """A reaction to a message, an edit or a revocation of it. It may come before its message, whose state follows from all of them."""

    __tablename__ = "inbox_message_changes"
    __table_args__ = (
        tenant_key("connection_id", "inbox_connections"),
        UniqueConstraint("organization_id", "connection_id", "external_id"),
        Index("ix_inbox_message_changes_organization_id_target", "organization_id", "connection_id", "target_external_id"),
    )

    connection_id: Mapped[UUID]
    external_id: Mapped[str]
    target_external_id: Mapped[str]
    kind: Mapped[ChangeKind] = mapped_column(native_enum(ChangeKind, "inbox_change_kind"))
    actor: Mapped[str]
    content: Mapped[str | None]
    platform_timestamp: Mapped[datetime]
    payload: Mapped[dict[str, Any]]
