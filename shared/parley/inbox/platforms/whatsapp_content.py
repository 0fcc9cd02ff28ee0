"""What a WhatsApp message of each type shows in a conversation. What has no text of its own gets a placeholder; the raw message stays."""

from collections.abc import Callable
from typing import Any, NamedTuple

from parley.inbox.models import ContentType

_LONGEST_TEXT = 65_536
_LONGEST_MEDIA_TYPE = 255


class Content(NamedTuple):
    text: str | None
    content_type: ContentType
    media_type: str | None


def content_of(message: Any) -> Content:
    """Text, kind and media type of a message. A kind that nobody knows becomes a text with a placeholder."""
    kind = message.get("type") if isinstance(message, dict) else None
    if not isinstance(kind, str):
        return Content("[message]", ContentType.TEXT, None)
    detail = message.get(kind)
    content_type = _MEDIA.get(kind, ContentType.TEXT)
    if kind in _MEDIA:
        media = detail if isinstance(detail, dict) else {}
        return Content(_caption(media), content_type, _line(media.get("mime_type"))[:_LONGEST_MEDIA_TYPE] or None)
    if kind == "location":
        return Content(_place(detail if isinstance(detail, dict) else {}), ContentType.LOCATION, None)
    read = _TEXTS.get(kind)
    text = read(detail) if read and isinstance(detail, (dict, list)) else ""
    return Content((text or f"[{kind[:50]}]")[:_LONGEST_TEXT], ContentType.TEXT, None)


def _line(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _caption(media: dict[str, Any]) -> str | None:
    return (_line(media.get("caption")) or _line(media.get("filename")))[:_LONGEST_TEXT] or None


def _place(location: dict[str, Any]) -> str:
    point = ", ".join(str(location[name]) for name in ("latitude", "longitude") if isinstance(location.get(name), (int, float, str)))
    named = [_line(location.get("name")), _line(location.get("address")), point]
    return ", ".join(part for part in named if part)[:_LONGEST_TEXT] or "[location]"


def _cards(cards: Any) -> str:
    names = [card["name"].get("formatted_name") for card in cards if isinstance(card, dict) and isinstance(card.get("name"), dict)]
    return f"[contacts] {', '.join(_line(name) for name in names)}".rstrip(" ,")


def _interactive(reply: Any) -> str:
    chosen = reply.get(reply.get("type")) if isinstance(reply.get("type"), str) else None
    if not isinstance(chosen, dict):
        chosen = next((reply[name] for name in ("button_reply", "list_reply", "nfm_reply") if isinstance(reply.get(name), dict)), {})
    return _line(chosen.get("title")) or _line(chosen.get("body")) or _line(chosen.get("name"))


def _order(order: Any) -> str:
    items = order.get("product_items")
    count = len(items) if isinstance(items, list) else 0
    return f"[order of {count} items] {_line(order.get('text'))}".rstrip()


_MEDIA = {
    "image": ContentType.IMAGE,
    "video": ContentType.VIDEO,
    "audio": ContentType.AUDIO,
    "voice": ContentType.AUDIO,
    "document": ContentType.FILE,
    "sticker": ContentType.STICKER,
}
_TEXTS: dict[str, Callable[[Any], str]] = {
    "text": lambda detail: _line(detail.get("body")) if isinstance(detail, dict) else "",
    "contacts": lambda detail: _cards(detail) if isinstance(detail, list) else "",
    "interactive": lambda detail: _interactive(detail) if isinstance(detail, dict) else "",
    "button": lambda detail: _line(detail.get("text")) if isinstance(detail, dict) else "",
    "order": lambda detail: _order(detail) if isinstance(detail, dict) else "",
    "system": lambda detail: _line(detail.get("body")) if isinstance(detail, dict) else "",
}
