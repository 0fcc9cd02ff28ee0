"""What a date costs that lies far away, on every path that works out hours: CPU beside the same question about next month; and how long
a booking of the same pool waits beside it.

make bench ONLY=distances
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks import requests
from benchmarks.measuring import Row, Table, Taken, in_turns, show
from tests.harness import World
from tests.platform.every_route import Furnished
from tests.platform.test_distances import FAR, Ask, asks, furnish

HOSTS, ROUNDS = 50, 7
WRITING = ("form", "hold", "booking", "move by form", "move")
_LOCKS = "SELECT 1 FROM organization_members WHERE user_id = ANY(CAST(:users AS uuid[])) ORDER BY user_id FOR NO KEY UPDATE"
"""Those of a booking of the same pool, whatever its event type."""


def measure(world: World) -> list[Table]:
    with Path(os.devnull).open("w") as quiet, redirect_stdout(quiet):
        house = furnish(world, HOSTS)
        rows = [*_rows(house, "ONE_ON_ONE", {}), *_rows(house, "ROUND_ROBIN", {"pool_id": house.made["pool"]})]
        beside = list(_delays(world, house))
    waits = Table(f"Longest wait of a booking for the locks of its pool of {HOSTS}, beside one request", beside)
    return [
        waits,
        Table(f"CPU of a far date beside next month: hours around the clock, dates closed from 1970 to 2199, a pool of {HOSTS}", rows),
    ]


def _rows(house: Furnished, kind: str, more: dict[str, Any]) -> list[Row]:
    event_type = house.add_event_type(kind=kind, questions=[], **more)
    return [_row(f"{kind}: {name}", ask) for name, ask in asks(house, event_type).items()]


def _delays(world: World, house: Furnished) -> Iterator[Row]:
    event_type = house.add_event_type(kind="ROUND_ROBIN", questions=[], pool_id=house.made["pool"])
    for name, ask in asks(house, event_type).items():
        if name not in WRITING:
            continue
        near = cycle(datetime.now(UTC).date() + timedelta(days=30 + count) for count in range(28))
        rounds = [[_longest_wait(world, house, partial(ask, day)) for day in (next(near), *FAR)] for _ in range(ROUNDS)]
        far, day = max(zip(list(zip(*rounds, strict=True))[1:], FAR, strict=True), key=lambda one: sorted(one[0])[ROUNDS // 2])
        yield Row.of(f"ROUND_ROBIN: {name}", far, "ms", "next month", [one[0] for one in rounds], f"the worst: {day.year}")


def _longest_wait(world: World, house: Furnished, request: Callable[[], object]) -> float:
    """Of somebody who takes and gives back the locks of the pool again and again, while the request is answered; in milliseconds."""
    waits, is_over, begun = [], threading.Event(), threading.Event()

    def take_turns() -> None:
        with world.stack.postgres.superuser("parley") as other:
            while not is_over.is_set():
                other.run("BEGIN")
                asked = time.perf_counter()
                other.run(_LOCKS, users=f"{{{house.made['hosts']}}}")
                waits.append(1000 * (time.perf_counter() - asked))
                other.run("COMMIT")
                begun.set()

    neighbour = threading.Thread(target=take_turns)
    neighbour.start()
    begun.wait()
    waits.clear()
    request()
    is_over.set()
    neighbour.join()
    return max(waits, default=0.0)


def _row(name: str, ask: Ask) -> Row:
    near = cycle(datetime.now(UTC).date() + timedelta(days=30 + count) for count in range(28))
    ordinary, *far = in_turns([partial(_next, ask, near), *(partial(_next, ask, cycle([day])) for day in FAR)], ROUNDS, warm=1)
    worst, day = max(zip(far, FAR, strict=True), key=_middle)
    return Row.of(name, worst.cpu, "ms", "next month", ordinary.cpu, f"the worst: {day.year}")


def _next(ask: Ask, days: Iterator[date]) -> Callable[[], object]:
    return partial(ask, next(days))


def _middle(taken: tuple[Taken, date]) -> float:
    return sorted(taken[0].cpu)[ROUNDS // 2]


if __name__ == "__main__":
    with requests.standing() as standing:
        show(measure(standing))
