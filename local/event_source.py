"""An event source mapping: takes batches from a queue, calls the function, removes what it dealt with."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.cloudformation import REGION
from local.invocation import LARGEST_PAYLOAD, FunctionFailed, Invoke
from local.template import QueueSource

log = logging.getLogger(__name__)
Message = Mapping[str, Any]


@dataclass
class EventSource:
    """One queue and its function. `retry_seconds` replaces the queue's visibility timeout for messages that failed; None leaves it."""

    source: QueueSource
    sqs: Any
    url: str
    arn: str
    invoke: Invoke
    retry_seconds: int | None = None

    def gather(self, wait: int) -> list[Message]:
        """The next batch: waits for the first message, then no longer than the batching window for the others."""
        batch = self._receive(wait, self.source.batch_size)
        deadline = time.monotonic() + self.source.window
        while batch and len(batch) < self.source.batch_size and (left := deadline - time.monotonic()) > 0:
            more = self._receive(min(int(left + 0.999), 20), self.source.batch_size - len(batch))
            batch += more
        return batch

    def deliver(self, batch: list[Message]) -> int:
        """Call the function with the batch, in as many calls as its size needs. Returns how many messages were dealt with."""
        return sum(self._deliver(part) for part in _portions(batch))

    def once(self) -> int:
        """Deliver what waits now, until nothing does. For tests that drive a worker themselves."""
        total = 0
        while batch := self._receive(0, self.source.batch_size):
            total += self.deliver(batch)
        return total

    def give_back(self, batch: list[Message]) -> None:
        """Make messages visible at once that were taken and will not be delivered."""
        self._hide(batch, 0)

    def _receive(self, wait: int, most: int) -> list[Message]:
        answer = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=min(most, 10),
            WaitTimeSeconds=wait,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def _deliver(self, batch: list[Message]) -> int:
        failed = self._failed(batch)
        done = [message for message in batch if message["MessageId"] not in failed]
        for start in range(0, len(done), 10):
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(done[start : start + 10])
            ]
            self.sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)
        if failed and self.retry_seconds is not None:
            self._hide([message for message in batch if message["MessageId"] in failed], self.retry_seconds)
        return len(done)

    def _failed(self, batch: list[Message]) -> set[str]:
        """The ids of the messages that come again. Anything odd in the answer fails the whole batch, as with Lambda."""
        everything = {message["MessageId"] for message in batch}
        try:
            answer = self.invoke(self.source.function, {"Records": [self._record(message) for message in batch]})
        except FunctionFailed as problem:
            log.error("%s: a batch of %d failed: %s", self.source.function, len(batch), problem)
            return everything
        if not self.source.partial or not answer:
            return set()
        failures = answer.get("batchItemFailures") if isinstance(answer, dict) else "none"
        if not failures:
            return set()
        entries = failures if isinstance(failures, list) else [None]
        reported = [entry.get("itemIdentifier") if isinstance(entry, dict) else None for entry in entries]
        failed = {message_id for message_id in everything if message_id in reported}
        return failed if all(isinstance(message_id, str) and message_id in failed for message_id in reported) else everything

    def _hide(self, batch: list[Message], seconds: int) -> None:
        for message in batch:
            self.sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds)

    def _record(self, message: Message) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()},
            "md5OfBody": message.get("MD5OfBody", ""),
            "eventSource": "aws:sqs",
            "eventSourceARN": self.arn,
            "awsRegion": REGION,
        }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: content for name, content in value.items()} | {"stringListValues": [], "binaryListValues": []}


def _portions(batch: list[Message]) -> Iterator[list[Message]]:
    """The batch in parts that fit into a synchronous call. The longest body an escape makes of a character has six bytes."""
    portion: list[Message] = []
    size = 0
    for message in batch:
        length = len(message["Body"].encode("utf-8", "replace")) * 2 + 2_000
        if portion and size + length > LARGEST_PAYLOAD:
            yield portion
            portion, size = [], 0
        portion.append(message)
        size += length
    if portion:
        yield portion
