"""Bodies of WhatsApp's webhooks in the documented shape, and how Meta puts them on the wire."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import time
from typing import Any

CUSTOMER = "491701234567"
_running = itertools.count(1)


def wamid() -> str:
    return f"wamid.HBgM{os.urandom(12).hex().upper()}=="


def number() -> str:
    """A phone number id that nobody has."""
    return f"1{int.from_bytes(os.urandom(6)):015d}"


def now() -> int:
    """Seconds that rise with every call, so that the order of the platform is the order of the calls."""
    return int(time.time()) - 10_000 + next(_running)


def message(kind: str, detail: Any, *, sender: str | None = CUSTOMER, at: Any = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"id": wamid(), "timestamp": str(now() if at is None else at), "type": kind, kind: detail}
    return made | ({"from": sender} if sender is not None else {}) | more


def text(words: str = "Hallo", **more: Any) -> dict[str, Any]:
    return message("text", {"body": words}, **more)


def status(name: str, identifier: str, *, at: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": identifier, "status": name, "timestamp": str(now() if at is None else at), "recipient_id": CUSTOMER} | more


def failed(identifier: str, *, at: Any = None, code: int = 131047) -> dict[str, Any]:
    error = {"code": code, "title": "Re-engagement message", "message": "x", "error_data": {"details": "More than 24 hours have passed."}}
    return status("failed", identifier, at=at, errors=[error])


def change(phone_number_id: str, *, field: str = "messages", **parts: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": "4930123456", "phone_number_id": phone_number_id}
    return {"field": field, "value": {"messaging_product": "whatsapp", "metadata": metadata} | parts}


def card(wa_id: str | None = CUSTOMER, name: str = "Erika", **more: Any) -> dict[str, Any]:
    return {"profile": {"name": name}} | ({"wa_id": wa_id} if wa_id else {}) | more


def body(*changes: Any) -> dict[str, Any]:
    return {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": list(changes)}]}


def wire(content: Any) -> bytes:
    """As Meta sends it: ASCII with \\uXXXX in lower case, and every solidus escaped."""
    return json.dumps(content, separators=(",", ":")).replace("/", "\\/").encode()


def signature(content: bytes, secret: str | None = None) -> str:
    key = (secret or os.environ["WHATSAPP_APP_SECRET"]).encode()
    return "sha256=" + hmac.new(key, content, hashlib.sha256).hexdigest()
