"""S3's notifications as they come through a queue: at least once, in any order, with a test event at the beginning.

Source: Amazon S3 User Guide, "Event message structure". A sequencer is hexadecimal text of varying length; of two for the same key, the
shorter is filled up with zeros on the right and they compare as text.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID

from parley.recordings.models import SEQUENCER_WIDTH

log = logging.getLogger(__name__)

_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_KEY = re.compile(rf"recordings/({_ID})/{_ID}/{_ID}\.[a-z0-9]{{1,5}}")
_SEQUENCER = re.compile(rf"[0-9A-F]{{1,{SEQUENCER_WIDTH}}}")


class UnreadableNotification(Exception):
    """This is not a notification of S3, or lacks what every one has."""


@dataclass(frozen=True, slots=True)
class ObjectCreated:
    """An object of ours that S3 says has come."""

    organization_id: UUID
    key: str
    sequencer: str


def records(body: str) -> list[Any]:
    """The records of a message, directly from S3 or by way of SNS. None in a test event. Raises `Unreadable`."""
    try:
        message = json.loads(body)
        if isinstance(message, dict) and "Records" not in message and isinstance(message.get("Message"), str):
            message = json.loads(message["Message"])
    except (ValueError, RecursionError) as error:
        raise UnreadableNotification("The message is not JSON.") from error
    if isinstance(message, dict) and message.get("Event") == "s3:TestEvent":
        return []
    if not isinstance(message, dict) or not isinstance(message.get("Records"), list):
        raise UnreadableNotification("The message has no records.")
    return list(message["Records"])


def object_created(record: Any, bucket: str) -> ObjectCreated | None:
    """What a record tells of an object of ours; None when it is of something else. Raises `Unreadable`."""
    try:
        if not record["eventName"].startswith("ObjectCreated:"):
            return None
        key = unquote_plus(record["s3"]["object"]["key"])
        matched = _KEY.fullmatch(key)
        if matched is None or record["s3"]["bucket"]["name"] != bucket:
            log.warning("Not an object of a recording: %.300r", key)
            return None
        sequencer = record["s3"]["object"]["sequencer"].upper()
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableNotification(f"The record lacks {error}.") from error
    if not _SEQUENCER.fullmatch(sequencer):
        raise UnreadableNotification(f"The sequencer is not one: {sequencer:.100}")
    return ObjectCreated(UUID(matched[1]), key, sequencer.ljust(SEQUENCER_WIDTH, "0"))


def objects_created(body: str, bucket: str) -> Iterator[ObjectCreated | UnreadableNotification]:
    """Every arrival in a message; an unreadable record comes as what is wrong with it, so that its neighbours can go on."""
    for record in records(body):
        try:
            arrival = object_created(record, bucket)
        except UnreadableNotification as problem:
            yield problem
        else:
            if arrival is not None:
                yield arrival
