"""What platforms tell us, in words of ours: messages, changes of messages, receipts. What a platform's own module makes of its bodies."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from parley.inbox.models import ChangeKind, ContentType, MessageDirection

DeliveryStage = Literal["sent", "delivered", "read", "failed"]
PARTS = ("messages", "message_echoes", "statuses", "errors")
"""What the value of a Graph webhook's change may list."""


@dataclass(frozen=True, slots=True)
class WebhookItem:
    """Where in a Graph webhook an item stood, so that it can be kept in quarantine and delivered again."""

    object: Any
    entry: Any
    field: Any
    value: dict[str, Any]
    part: str
    item: Any


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom a conversation is with. `keys` are all names known for it now, `becomes` those that the platform says are its new ones.

    A key has its kind before a colon: `user:` (one person, for good), `phone:` (may pass to another person), `group:`.
    """

    keys: tuple[str, ...]
    name: str | None = None
    username: str | None = None
    becomes: tuple[str, ...] = ()

    @property
    def phone(self) -> str | None:
        """The number that the contact has now, where one is named."""
        return next((key.partition(":")[2] for key in (*self.becomes, *self.keys) if key.startswith("phone:")), None)


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message of a contact, or one of ours that was written elsewhere."""

    account: str
    contact: Contact
    external_id: str
    direction: MessageDirection
    content: str | None
    content_type: ContentType
    media_type: str | None
    at: datetime
    payload: dict[str, Any]
    source: WebhookItem


@dataclass(frozen=True, slots=True)
class MessageModification:
    """A reaction (no content: withdrawn), an edit (content: the new text) or a revocation of the message `target`."""

    account: str
    contact: Contact
    external_id: str
    target: str
    kind: ChangeKind
    actor: str
    content: str | None
    at: datetime
    payload: dict[str, Any]
    source: WebhookItem


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """A receipt: a message of ours has reached a rung."""

    account: str
    external_id: str
    rung: DeliveryStage
    at: datetime
    error: dict[str, Any] | None
    source: WebhookItem


@dataclass(frozen=True, slots=True)
class AccountNotice:
    """Something that the platform says of the account itself."""

    account: str
    text: str
    source: WebhookItem


PlatformUpdate: TypeAlias = IncomingMessage | MessageModification | StatusUpdate | AccountNotice


@dataclass(slots=True)
class ParsedWebhook:
    """A body taken apart. `malformed` items can't be understood, `unhandled` ones are of a kind that has no place yet."""

    updates: list[PlatformUpdate] = field(default_factory=list)
    malformed: list[WebhookItem] = field(default_factory=list)
    unhandled: list[WebhookItem] = field(default_factory=list)


def without_items(value: dict[str, Any]) -> dict[str, Any]:
    """What a change says of all its items."""
    return {name: entry for name, entry in value.items() if name not in PARTS}


def webhook_envelope(sources: Iterable[WebhookItem]) -> dict[str, Any]:
    """A body that holds only these items, in the platform's own form: what is in quarantine can be delivered again as it is."""
    changes: dict[int, tuple[WebhookItem, dict[str, Any]]] = {}
    for source in sources:
        if not source.part:
            changes[id(source)] = (source, source.item)
            continue
        _, change = changes.setdefault(id(source.value), (source, {"field": source.field, "value": without_items(source.value)}))
        change["value"].setdefault(source.part, []).append(source.item)
    entries = [{"id": source.entry, "changes": [change]} for source, change in changes.values()]
    return {"object": next((source.object for source, _ in changes.values()), None), "entry": entries}
