"""Queue recordings-uploads: objects that have arrived in S3, as its notifications tell by way of a queue."""

from aws_lambda_powertools import Logger

from parley.kernel.access.callers import system
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.settings import setting
from parley.kernel.workers.jobs import queue_worker
from parley.recordings import object_access, object_storage, s3_notifications, uploads
from parley.recordings.s3_notifications import ObjectCreated

logger = Logger("parley")


def receive(arrival: ObjectCreated) -> None:
    """Compare what lies in S3 with what was declared, outside of any transaction, and take it or put it aside."""
    storage = object_access.of(arrival.organization_id)
    stored = object_storage.head(storage, arrival.key)
    if stored is None:
        logger.info("the object is gone again, or not put together yet", key=arrival.key)
        return
    caller = system(arrival.organization_id)
    with transaction(caller) as session:
        is_kept = uploads.receive(session, caller, arrival, stored)
    if not is_kept:
        object_storage.delete(storage, arrival.key)


def work(body: str) -> None:
    """Every arrival of a message. One that fails does not hold up the others; the message comes back for its sake."""
    problems: list[Exception] = []
    for arrival in s3_notifications.objects_created(body, setting("MEDIA_BUCKET")):
        try:
            if not isinstance(arrival, ObjectCreated):
                raise arrival
            receive(arrival)
        except Exception as problem:  # noqa: BLE001  # raised below, with the others
            problems.append(problem)
    if problems:
        raise ExceptionGroup("arrivals failed", problems)


lambda_handler = queue_worker(work)
