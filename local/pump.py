"""What calls functions without a request: queues and schedules. Buses and buckets deliver to queues by themselves."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from local import timetable
from local.cloudformation import ACCOUNT, REGION
from local.event_source import EventSource
from local.invocation import FunctionFailed, Invoke
from local.resources import Clients
from local.template import Schedule, Template

log = logging.getLogger(__name__)

LONGEST_POLL = 20  # seconds; the emulator answers the moment a message comes
BATCHES_AT_ONCE = 3  # of one queue; Lambda begins with five
STOP_SECONDS = 10.0


def event_sources(
    template: Template, clients: Clients, attributes: Mapping[str, Any], invoke: Invoke, retry_seconds: int | None = None
) -> dict[str, EventSource]:
    """The mappings of a template by the logical id of their function."""
    return {
        source.function: EventSource(
            source,
            clients.make("sqs", LONGEST_POLL + 10),
            attributes[source.queue],
            attributes[f"{source.queue}.Arn"],
            invoke,
            retry_seconds,
        )
        for source in template.sources
    }


class Pump:
    """Threads that wait on queues and clocks from `start` to `stop`."""

    def __init__(self, sources: Iterable[EventSource], schedules: Iterable[Schedule], invoke: Invoke) -> None:
        self._sources = list(sources)
        self._schedules = list(schedules)
        self._invoke = invoke
        self._stopping = threading.Event()
        self._calls = ThreadPoolExecutor(max_workers=16, thread_name_prefix="pump")

    def start(self) -> None:
        for source in self._sources:
            threading.Thread(target=self._watch, args=(source,), name=f"queue-{source.source.queue}", daemon=True).start()
        if self._schedules:
            threading.Thread(target=self._keep_time, name="schedules", daemon=True).start()

    def stop(self) -> None:
        """Take nothing more; batches that are with a function may finish within some seconds."""
        self._stopping.set()
        ender = threading.Thread(target=self._calls.shutdown, daemon=True)
        ender.start()
        ender.join(STOP_SECONDS)

    def _watch(self, source: EventSource) -> None:
        slots = threading.Semaphore(min(BATCHES_AT_ONCE, source.source.concurrency))
        while not self._stopping.is_set():
            slots.acquire()
            try:
                batch = source.gather(LONGEST_POLL)
                if not batch:
                    slots.release()
                elif self._stopping.is_set():
                    source.give_back(batch)
                else:
                    self._calls.submit(self._deliver, source, batch, slots)
            except Exception:
                slots.release()
                if not self._stopping.wait(0.5):
                    log.warning("%s can't be read", source.source.queue, exc_info=True)

    def _deliver(self, source: EventSource, batch: list[Any], slots: threading.Semaphore) -> None:
        try:
            source.deliver(batch)
        except Exception:
            log.warning("a batch of %s", source.source.queue, exc_info=True)
        finally:
            slots.release()

    def _keep_time(self) -> None:
        due = {schedule: timetable.next_time(schedule.expression, datetime.now(UTC)) for schedule in self._schedules}
        while True:
            first = min(due, key=lambda schedule: due[schedule])
            if self._stopping.wait(max(0.0, (due[first] - datetime.now(UTC)).total_seconds())):
                return
            self._calls.submit(self._fire, first, due[first])
            due[first] = timetable.next_time(first.expression, due[first])

    def _fire(self, schedule: Schedule, moment: datetime) -> None:
        try:
            self._invoke(schedule.function, scheduled_event(schedule, moment))
        except FunctionFailed as problem:
            log.error("%s: %s", schedule.name, problem)


def scheduled_event(schedule: Schedule, moment: datetime) -> Any:
    """What EventBridge sends to the target of a schedule."""
    if schedule.input is not None:
        return json.loads(schedule.input)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{schedule.name}"],
        "detail": {},
    }
