"""A webhook's body on its way to the worker: inside the queue's message, or in S3 with the message naming it.

The message is JSON in ASCII, so that no character of the body is one that a queue refuses.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime

MESSAGE_BYTES = 256 * 1024
"""What a queue takes. SQS takes more today; the classic limit holds everywhere."""

FOLDER = "webhooks"
QUARANTINE = "quarantine/webhooks"
"""Not below `FOLDER`, whose objects the bucket's lifecycle deletes as soon as no message can name them any more."""


def pack(body: bytes, arrived_at: datetime, put: Callable[[str, bytes], None]) -> str:
    """The message for a body. One that is too large or no text is put away first, under `webhooks/<date>/<sha256>.json`."""
    try:
        if len(body) < MESSAGE_BYTES:
            message = json.dumps({"arrived_at": arrived_at.isoformat(), "body": body.decode()})
            if len(message) <= MESSAGE_BYTES:
                return message
    except UnicodeDecodeError:
        pass
    key = f"{FOLDER}/{name_of(body, arrived_at)}"
    put(key, body)
    return json.dumps({"arrived_at": arrived_at.isoformat(), "object_key": key})


def unpack(message: str, get: Callable[[str], bytes]) -> tuple[bytes, datetime]:
    """The body and the instant of its arrival. Raises `LookupError` or `ValueError` for a message that `pack` did not make."""
    parcel = json.loads(message)
    arrived_at = datetime.fromisoformat(parcel["arrived_at"])
    if "object_key" in parcel:
        return get(parcel["object_key"]), arrived_at
    return parcel["body"].encode(), arrived_at


def name_of(content: bytes, arrived_at: datetime) -> str:
    """A name that is the same for the same content of one day."""
    return f"{arrived_at:%Y-%m-%d}/{hashlib.sha256(content).hexdigest()}.json"
