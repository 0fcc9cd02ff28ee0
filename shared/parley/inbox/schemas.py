"""What inbox's routes take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Secret, StringConstraints

from parley.inbox.models import (
    ConnectionStatus,
    ContentType,
    ConversationStatus,
    MessageDirection,
    MessageStatus,
    Platform,
)
from parley.kernel.values.fields import Line, RequestModel, ResponseModel, pattern_hint

PhoneNumberId = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[0-9]{5,32}$"), pattern_hint("must be the id of a number: 5 to 32 digits")
]
AccessToken = Secret[
    Annotated[
        str,
        StringConstraints(strict=True, min_length=20, max_length=4096, pattern=r"^[!-~]+$"),
        pattern_hint("must be printable ASCII without spaces"),
    ]
]


class ConnectionCreate(RequestModel):
    """`phone_number_id` and `access_token` come from the WhatsApp app's settings; the token is never shown again."""

    platform: Literal["WHATSAPP"]
    phone_number_id: PhoneNumberId
    access_token: AccessToken
    display_name: Line | None = None
    username: Line | None = None


class ConnectionRead(ResponseModel):
    id: UUID
    platform: Platform
    platform_user_id: str
    username: str | None
    display_name: str | None
    status: ConnectionStatus
    error_message: str | None
    last_sync_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ConversationRead(ResponseModel):
    id: UUID
    connection_id: UUID
    platform: Platform
    external_id: str
    contact_external_id: str
    contact_name: str | None
    contact_username: str | None
    contact_avatar_url: str | None
    last_message_preview: str | None
    last_message_at: datetime
    unread_count: int
    status: ConversationStatus
    created_at: datetime
    updated_at: datetime


class Reaction(ResponseModel):
    """`by` is `contact` or `business`; in a group, the id of the one who reacted."""

    by: str
    emoji: str
    at: datetime


class MessageRead(ResponseModel):
    id: UUID
    conversation_id: UUID
    external_id: str | None
    direction: MessageDirection
    content: str | None
    content_type: ContentType
    media_url: str | None
    media_type: str | None
    media_thumbnail: str | None
    reactions: list[Reaction]
    status: MessageStatus
    error: dict[str, Any] | None
    sent_by_user_id: UUID | None
    edited_at: datetime | None
    revoked_at: datetime | None
    platform_timestamp: datetime
    created_at: datetime
