"""Processes die and the database goes away, under load: requests fail clearly, nothing that was accepted is lost, nothing is doubled."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from local.client import Answer
from local.demo import wait_for
from tests.stack.conftest import AWAY_SECONDS, ServedStack
from tests.stack.load_scenarios import at, at_once, booking, event_type, schedule
from tests.stack.test_under_load import connected, conversations_with, deliver, delivery, is_idle, messages_of

DELIVERIES = 60


def greeting(number: str, sender: str, name: str) -> bytes:
    message = {"from": sender, "id": f"wamid.{name}", "timestamp": "1790000000", "type": "text", "text": {"body": name}}
    return delivery(number, sender, [message], [])


def everything(served: ServedStack, path: str) -> Iterator[dict[str, Any]]:
    """The items of a list, page after page."""
    page = served.owner.get(path).body
    yield from page["items"]
    while page["next_cursor"]:
        page = served.owner.get(f"{path}&cursor={page['next_cursor']}").body
        yield from page["items"]


@contextmanager
def environments_dying(served: ServedStack) -> Iterator[None]:
    """Kills an execution environment every tenth of a second, whatever it is doing."""
    stopping = threading.Event()
    killed = 0

    def kill() -> None:
        nonlocal killed
        while not stopping.wait(0.1):
            assert served.stack.environments is not None
            for pid in served.stack.environments.pids[killed % 5 : killed % 5 + 3]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            killed += 1

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        stopping.set()
        killer.join()
    assert killed > 3


def test_workers_killed_in_the_middle_of_their_batches_lose_and_double_nothing(served: ServedStack) -> None:
    number, sender = connected(served), f"48{uuid.uuid4().int % 10**10:010}"
    names = [f"{sender}-{n}" for n in range(DELIVERIES)]

    def deliver_all(part: list[str]) -> None:
        for name in part:
            # As the platform does: whatever is not answered 200 is delivered again.
            while deliver(served, greeting(number, sender, name)) != 200:
                time.sleep(0.02)

    with environments_dying(served):
        at_once([partial(deliver_all, names[n::6]) for n in range(6)])
        time.sleep(1)
    wait_for("an empty queue", lambda: is_idle(served), 60)
    (conversation,) = conversations_with(served, sender)
    stored = [message["content"] for message in everything(served, f"/v1/inbox/conversations/{conversation['id']}/messages?limit=50")]
    assert Counter(stored) == Counter(names)
    assert conversation["unread_count"] == DELIVERIES


def test_the_database_away_under_load(served: ServedStack) -> None:
    wanted = event_type(served.owner, schedule(served.owner), slot_interval=30, horizon_days=700)
    number, sender = connected(served), f"47{uuid.uuid4().int % 10**10:010}"
    # Days of its own: the host is everybody's, and what other tests of this process have booked is rightly refused.
    starts = iter([at(f"{hour:02}:{minute}", day) for day in range(100, 330) for hour in range(8, 18) for minute in ("00", "30")])
    stopping = threading.Event()
    visits: list[tuple[float, str, dict[str, str], Answer]] = []
    greeted: list[str] = []
    lock = threading.Lock()

    def visit() -> None:
        while not stopping.is_set():
            with lock:
                start = next(starts)
            key = {"idempotency-key": uuid.uuid4().hex}
            answer = served.stranger.post("/v1/scheduling/bookings", booking(wanted, start), key)
            visits.append((time.monotonic(), start, key, answer))
            time.sleep(0.02)

    def greet() -> None:
        while not stopping.is_set():
            name = f"wamid-{uuid.uuid4().hex}"
            if deliver(served, greeting(number, sender, name)) == 200:
                greeted.append(name)
            time.sleep(0.05)

    people = [threading.Thread(target=who) for who in (visit, visit, visit, greet)]
    for person in people:
        person.start()
    time.sleep(1)
    served.stack.postgres.stop()
    went = time.monotonic()
    time.sleep(AWAY_SECONDS)
    returning = time.monotonic()  # it answers some time before its start has ended
    served.stack.postgres.start()
    back = time.monotonic()
    time.sleep(4)
    stopping.set()
    for person in people:
        person.join()

    # Clear refusals while it is away, and nothing but success a moment after it is back, in the same processes.
    assert {answer.status for *_, answer in visits} <= {201, 503}, [answer.raw for *_, answer in visits if answer.status not in {201, 503}]
    away = [answer for when, *_, answer in visits if went + 0.5 < when < returning]
    assert away and all(answer.status == 503 and answer.body["code"] == "unavailable" and answer.headers["retry-after"] for answer in away)
    after = [answer.status for when, *_, answer in visits if when > back + 2]
    assert after and set(after) == {201}
    # Who repeats a request that was answered 503 gets the booking, whether or not the first had reached the database.
    unsure = [(start, key) for _, start, key, answer in visits if answer.status == 503]
    again = [served.stranger.post("/v1/scheduling/bookings", booking(wanted, start), key) for start, key in unsure[:20] + unsure[-20:]]
    assert {answer.status for answer in again} == {201}
    # What was promised is there; what was acknowledged while the database was away has arrived.
    wait_for("an empty queue", lambda: is_idle(served), 60)
    kept = {item["start_time"] for item in everything(served, f"/v1/scheduling/bookings?event_type_id={wanted}&limit=100")}
    assert {start for _, start, _, answer in visits if answer.status == 201} <= kept
    (conversation,) = conversations_with(served, sender)
    assert conversation["unread_count"] == len(greeted) == len(set(greeted))
    assert messages_of(served, conversation)
