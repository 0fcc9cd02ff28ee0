"""The way in for queue functions: one message at a time, only the failed ids reported, a poison message beside its neighbours.

A message may come twice and out of order: what a worker does is made safe by a unique key or a conditional update in the data.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pydantic import BaseModel

from parley.kernel.access.callers import Caller, system

logger = Logger("parley")
metrics = Metrics()

_OF_ONE_MESSAGE = ["event_id", "organization_id"]

Payload = TypeVar("Payload", bound=BaseModel)
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class BusEvent(BaseModel, Generic[Payload]):
    """An event as the bus brings it. `id` is the outbox event's, and stays the same however often it comes."""

    id: UUID
    name: str
    organization_id: UUID
    occurred_at: datetime
    payload: Payload


def queue_worker(work: Callable[[str], None]) -> Handler:
    """A Lambda handler that gives each message's body to `work`. What `work` raises brings that message back, and it alone."""
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    def handle_record(record: SQSRecord) -> None:
        try:
            work(record.body)
        except Exception:
            logger.exception("a message failed", message_id=record.message_id)
            raise
        finally:
            logger.remove_keys(_OF_ONE_MESSAGE)

    def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answer = dict(process_partial_response(event, handle_record, processor, context))
        failed = len(processor.batch_response["batchItemFailures"])
        metrics.add_metric(name="MessagesSucceeded", unit=MetricUnit.Count, value=len(event.get("Records", [])) - failed)
        metrics.add_metric(name="MessagesFailed", unit=MetricUnit.Count, value=failed)
        metrics.flush_metrics()
        return answer

    return lambda_handler


def concurrent_queue_worker(work: Callable[[str], None]) -> Handler:
    """The same for work that waits for others: every message of a batch in a thread of its own, so that none waits for a slow one."""

    def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        records = event.get("Records", [])
        with ThreadPoolExecutor(max(len(records), 1)) as pool:
            running = {record["messageId"]: pool.submit(work, record["body"]) for record in records}
        failures = {message_id: error for message_id, job in running.items() if (error := job.exception()) is not None}
        for message_id, error in failures.items():
            logger.error("a message failed", message_id=message_id, exc_info=error)
        metrics.add_metric(name="MessagesSucceeded", unit=MetricUnit.Count, value=len(records) - len(failures))
        metrics.add_metric(name="MessagesFailed", unit=MetricUnit.Count, value=len(failures))
        metrics.flush_metrics()
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failures]}

    return lambda_handler


def worker(payload: type[Payload], work: Callable[[Caller, BusEvent[Payload]], None]) -> Handler:
    """A Lambda handler for events of the bus: `work` gets the organization's system caller and the event."""
    form = BusEvent[payload]  # type: ignore[valid-type]  # a model made at run time

    def parsed(body: str) -> None:
        envelope = json.loads(body)
        event = form.model_validate(envelope["detail"] | {"name": envelope["detail-type"]})
        logger.append_keys(event_id=str(event.id), organization_id=str(event.organization_id))
        work(system(event.organization_id), event)

    return queue_worker(parsed)
