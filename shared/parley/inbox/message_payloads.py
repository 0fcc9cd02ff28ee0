"""What webhooks tell of the inbox: the message as the API shows it."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.inbox.models import Message
from parley.inbox.schemas import MessageRead


def webhook_payload(session: Session, event: str, entity_id: UUID) -> dict[str, Any] | None:
    message = session.scalars(select(Message).where(Message.id == entity_id)).one_or_none()
    return MessageRead.model_validate(message).model_dump(mode="json") if message is not None else None
