"""Queue recordings-uploads: objects that have arrived in S3, as its notifications tell by way of a queue."""

from aws_lambda_powertools import Logger

from parley.kernel.callers import system
from parley.kernel.db import transaction
from parley.kernel.jobs import queue_worker
from parley.kernel.settings import setting
from parley.recordings import access, notifications, objects, uploads
from parley.recordings.notifications import Arrival

logger = Logger("parley")


def receive(arrival: Arrival) -> None:
    """Compare what lies in S3 with what was declared, outside of any transaction, and take it or put it aside."""
    storage = access.of(arrival.organization_id)
    stored = objects.head(storage, arrival.key)
    if stored is None:
        logger.info("the object is gone again, or not put together yet", key=arrival.key)
        return
    caller = system(arrival.organization_id)
    with transaction(caller) as session:
        is_kept = uploads.receive(session, caller, arrival, stored)
    if not is_kept:
        objects.delete(storage, arrival.key)


def work(body: str) -> None:
    """Every arrival of a message. One that fails does not hold up the others; the message comes back for its sake."""
    problems: list[Exception] = []
    for arrival in notifications.arrivals(body, setting("MEDIA_BUCKET")):
        try:
            if not isinstance(arrival, Arrival):
                raise arrival
            receive(arrival)
        except Exception as problem:  # noqa: BLE001  # raised below, with the others
            problems.append(problem)
    if problems:
        raise ExceptionGroup("arrivals failed", problems)


lambda_handler = queue_worker(work)
