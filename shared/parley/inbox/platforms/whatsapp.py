"""WhatsApp Cloud API: a webhook's body becomes updates. Knows no database.

Source: Meta, "Cloud API, Webhooks, components and examples" (envelope, types of messages, statuses) and "Business-scoped user IDs"
(2026: `from` and `wa_id` may be missing, `from_user_id` and `user_id` stand beside or instead of them).

Every array is walked. An item that can't be understood is malformed, and harms no other.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from parley.inbox.models import ChangeKind, MessageDirection
from parley.inbox.platforms.platform_updates import (
    PARTS,
    AccountNotice,
    Contact,
    DeliveryStage,
    IncomingMessage,
    MessageModification,
    ParsedWebhook,
    PlatformUpdate,
    StatusUpdate,
    WebhookItem,
    without_items,
)
from parley.inbox.platforms.sanitizer import NestingTooDeep, bounded_integer, bounded_number, clean, no_constant
from parley.inbox.platforms.whatsapp_content import content_of

OBJECT = "whatsapp_business_account"
MESSAGE_FIELDS = ("messages", "smb_message_echoes", "message_echoes")
# A voice message that was played has been read.
_RUNGS: dict[Any, DeliveryStage] = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}
_LONGEST_ID = 512
_LONGEST_NAME = 200
_EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
_MILLISECONDS = 100_000_000_000


class MalformedItem(ValueError):
    """This item can't be understood."""


def parse(body: bytes, arrived_at: datetime) -> ParsedWebhook:
    """All updates of a body. Raises `ValueError` when the body is not JSON at all."""
    try:
        envelope = json.loads(body.decode(), parse_float=bounded_number, parse_int=bounded_integer, parse_constant=no_constant)
    except RecursionError:
        raise ValueError("The body is nested too deeply.") from None
    parsed = ParsedWebhook()
    for source in _items(envelope, parsed):
        try:
            parsed.updates.append(_update(source, clean(source.item), arrived_at))
        except (MalformedItem, NestingTooDeep):
            parsed.malformed.append(source)
    return parsed


def _items(envelope: Any, parsed: ParsedWebhook) -> Iterator[WebhookItem]:
    """Every message, status, error and echo, wherever it stands; what is no such thing goes to `malformed` or `unhandled`."""
    if not isinstance(envelope, dict) or envelope.get("object") != OBJECT or not isinstance(envelope.get("entry"), list):
        raise ValueError(f"The body is not an envelope of {OBJECT}.")
    for entry in envelope["entry"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("changes"), list):
            parsed.malformed.append(WebhookItem(OBJECT, None, None, {}, "", entry))
            continue
        for change in entry["changes"]:
            whole = WebhookItem(OBJECT, entry.get("id"), None, {}, "", change)
            value = change.get("value") if isinstance(change, dict) else None
            if not isinstance(change, dict) or not isinstance(value, dict):
                parsed.malformed.append(whole)
            elif change.get("field") not in MESSAGE_FIELDS:
                parsed.unhandled.append(whole)
            else:
                yield from _parts(whole, change["field"], value, parsed)


def _parts(whole: WebhookItem, field: str, value: dict[str, Any], parsed: ParsedWebhook) -> Iterator[WebhookItem]:
    parts = {part: value[part] for part in PARTS if value.get(part) is not None}
    if not parts:
        parsed.malformed.append(whole)
    for part, items in parts.items():
        if not isinstance(items, list):
            alone = {"field": field, "value": without_items(value) | {part: items}}
            parsed.malformed.append(WebhookItem(OBJECT, whole.entry, None, {}, "", alone))
            continue
        for item in items:
            yield WebhookItem(OBJECT, whole.entry, field, value, part, item)


def _update(source: WebhookItem, item: Any, arrived_at: datetime) -> PlatformUpdate:
    metadata = source.value.get("metadata")
    account = _identifier(metadata.get("phone_number_id") if isinstance(metadata, dict) else None)
    if not isinstance(item, dict):
        raise MalformedItem("An item is an object.")
    if source.part == "errors":
        return AccountNotice(account, _complaint(item), source)
    at = _instant(item.get("timestamp"), arrived_at)
    external_id = _identifier(item.get("id"))
    if source.part == "statuses":
        rung = _RUNGS.get(item.get("status") if isinstance(item.get("status"), str) else None)
        if rung is None:
            raise MalformedItem("There is no such status.")
        return StatusUpdate(account, external_id, rung, at, _error(item) if rung == "failed" else None, source)
    return _message(source, item, account, external_id, at)


def _message(
    source: WebhookItem, item: dict[str, Any], account: str, external_id: str, at: datetime
) -> IncomingMessage | MessageModification:
    is_echo = source.part == "message_echoes"
    contact = _contact(item, source.value.get("contacts"), is_echo)
    value = item.get(item["type"]) if isinstance(item.get("type"), str) else None
    detail = value if isinstance(value, dict) else {}
    kind = {"reaction": ChangeKind.REACTION, "edit": ChangeKind.EDIT, "revoke": ChangeKind.REVOKE}.get(str(item.get("type")))
    target = detail.get("message_id" if kind is ChangeKind.REACTION else "original_message_id")
    if kind is not None and target:
        actor = "business" if is_echo else str(item.get("from_user_id") or item.get("from")) if item.get("group_id") else "contact"
        content = None
        if kind is ChangeKind.REACTION:
            content = detail["emoji"][:64] if isinstance(detail.get("emoji"), str) and detail["emoji"] else None
        elif kind is ChangeKind.EDIT:
            content = content_of(detail.get("message")).text
        return MessageModification(account, contact, external_id, _identifier(target), kind, actor, content, at, item, source)
    body = content_of(item)
    direction = MessageDirection.OUTBOUND if is_echo else MessageDirection.INBOUND
    return IncomingMessage(account, contact, external_id, direction, body.text, body.content_type, body.media_type, at, item, source)


def _contact(item: dict[str, Any], contacts: Any, is_echo: bool) -> Contact:
    """Matched by id, never by position. Keys: the business-scoped user id, and the phone number, whichever are there."""
    side = "to" if is_echo else "from"
    phone, user = _text(item.get(side)), _text(item.get(f"{side}_user_id"))
    profile: dict[str, Any] = {}
    for card in contacts if isinstance(contacts, list) else ():
        if isinstance(card, dict) and ((phone and card.get("wa_id") == phone) or (user and card.get("user_id") == user)):
            phone, user = phone or _text(card.get("wa_id")), user or _text(card.get("user_id"))
            profile = clean(card["profile"]) if isinstance(card.get("profile"), dict) else {}
            break
    group = _text(item.get("group_id"))
    if group:
        return Contact((f"group:{_identifier(group)}",))
    keys = tuple(f"{kind}:{_identifier(key)}" for kind, key in (("user", user), ("phone", phone)) if key)
    if not keys:
        raise MalformedItem("A message comes from somebody.")
    name, username = _text(profile.get("name"))[:_LONGEST_NAME], _text(profile.get("username"))[:_LONGEST_NAME]
    return Contact(keys, name or None, username or None, _becomes(item))


def _becomes(item: dict[str, Any]) -> tuple[str, ...]:
    """The new keys of a contact that changed number. The field of a new user id is not documented: the likely ones are read."""
    system = item.get("system")
    if item.get("type") != "system" or not isinstance(system, dict):
        return ()
    user = _text(system.get("user_id")) or _text(system.get("new_user_id"))
    phone = _text(system.get("wa_id")) or _text(system.get("new_wa_id"))
    return tuple(f"{kind}:{_identifier(key)}" for kind, key in (("user", user), ("phone", phone)) if key)


def _text(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def _identifier(value: Any) -> str:
    text = _text(value)
    if not 0 < len(text) <= _LONGEST_ID:
        raise MalformedItem("An identifier is missing or too long.")
    return text


def _instant(value: Any, arrived_at: datetime) -> datetime:
    """Unix seconds in a string. A time that can't be is replaced by the arrival, so that it does not rule the order for ever."""
    try:
        seconds = int(value)
        at = datetime.fromtimestamp(seconds / 1000 if seconds > _MILLISECONDS else seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return arrived_at
    return at if _EARLIEST < at < arrived_at + timedelta(days=1) else arrived_at


def _error(item: dict[str, Any]) -> dict[str, Any]:
    """The first error of a failed message: `code`, `title`, and `details` if the platform says more."""
    errors = item.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    more = first.get("error_data")
    details = more.get("details") if isinstance(more, dict) else None
    return {"code": first.get("code"), "title": first.get("title") or first.get("message"), "details": details}


def _complaint(item: dict[str, Any]) -> str:
    return f"{item.get('code')}: {item.get('title') or item.get('message')}"[:500]
