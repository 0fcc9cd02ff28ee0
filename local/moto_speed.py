"""What moto takes long for, made cheap: a queue with a thousand messages is read as fast as an empty one.

Each message that moto hands out makes it put together every attribute of the queue three times, and each of those counts all messages by
a clock that goes through two datetimes. Each event on a bus makes it build a parser for JSONPath. Measured: 1,000 events through one rule
and one queue, 46 s of CPU before.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from jsonpath_ng import ext
from moto.sqs import models


def hasten() -> None:
    """To be called once, before anything is served."""
    quick: dict[str, tuple[Any, Any]] = {
        "unix_time_millis": (models, _milliseconds),
        "is_message_valid_based_on_retention_period": (models.SQSBackend, _is_kept),
        "parse": (ext, cache(vars(ext)["parse"])),
    }
    for name, (target, function) in quick.items():
        if not hasattr(target, name):
            raise LookupError(f"moto has no {name} any more")
        setattr(target, name, function)


def _milliseconds() -> float:
    return time.time() * 1000


def _is_kept(backend: models.SQSBackend, queue_name: str, message: Any) -> bool:
    kept: int = backend.get_queue(queue_name).message_retention_period  # type: ignore[attr-defined]  # set by name, from the attributes
    return bool(kept + message.sent_timestamp / 1000 > time.time())
