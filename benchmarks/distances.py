"""What a date costs that lies far away, on every path that works out hours: CPU beside the same question about next month; and how long
a booking of the same pool waits beside it.

make bench ONLY=distances
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pg8000.native

from benchmarks import requests
from benchmarks.measurement import Row, Table, Taken, in_turns, show
from tests.harness import World
from tests.platform.every_route import SeededOrganization
from tests.platform.test_distances import FAR, Ask, asks, furnish

HOSTS, ROUNDS = 50, 7
_SECONDS = 20.0
"""So long an answer of the neighbour is waited for."""
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


def _rows(house: SeededOrganization, kind: str, more: dict[str, Any]) -> list[Row]:
    event_type = house.add_event_type(kind=kind, questions=[], **more)
    return [_row(f"{kind}: {name}", ask) for name, ask in asks(house, event_type).items()]


def _delays(world: World, house: SeededOrganization) -> Iterator[Row]:
    event_type = house.add_event_type(kind="ROUND_ROBIN", questions=[], pool_id=house.made["pool"])
    neighbour = _Neighbour(world, house)
    for name, ask in asks(house, event_type).items():
        if name not in WRITING:
            continue
        near = cycle(datetime.now(UTC).date() + timedelta(days=30 + count) for count in range(28))
        rounds = [[_longest_wait(neighbour, partial(ask, day)) for day in (next(near), *FAR)] for _ in range(ROUNDS)]
        far, day = max(zip(list(zip(*rounds, strict=True))[1:], FAR, strict=True), key=lambda pair: sorted(pair[0])[ROUNDS // 2])
        yield Row.of(f"ROUND_ROBIN: {name}", far, "ms", "next month", [delays[0] for delays in rounds], f"the worst: {day.year}")
    neighbour.stop()


def _longest_wait(neighbour: _Neighbour, request: Callable[[], object]) -> float:
    """Of somebody who takes and gives back the locks of the pool again and again, while the request is answered; in milliseconds."""
    neighbour.ask("begin")
    request()
    return float(neighbour.ask("end"))


class _Neighbour:
    """Takes turns at the locks of a pool in a process of its own, so that it waits for the database and for nothing of ours."""

    def __init__(self, world: World, house: SeededOrganization) -> None:
        spawned = get_context("spawn")
        pipe, its = spawned.Pipe()
        postgres = world.stack.postgres
        socket = str(postgres.socket_folder / f".s.PGSQL.{postgres.port}")
        self._pipe = pipe
        self._process = spawned.Process(target=_take_turns, args=(its, socket, house.made["hosts"]), daemon=True)
        self._process.start()
        its.close()
        self.ask("begin")
        self.ask("end")

    def ask(self, what: str) -> Any:
        self._pipe.send(what)
        if not self._pipe.poll(_SECONDS):
            raise TimeoutError("The neighbour does not answer.")
        return self._pipe.recv()

    def stop(self) -> None:
        self._pipe.close()
        self._process.join(_SECONDS)
        self._process.kill()


def _take_turns(pipe: Connection, socket: str, hosts: str) -> None:
    """Begin when asked to; end when asked to, and say what the longest wait was. Over when nobody asks any more."""
    with pg8000.native.Connection("postgres", unix_sock=socket, database="parley") as connection:
        longest, is_turning = 0.0, False
        while True:
            if not is_turning or pipe.poll():
                try:
                    is_turning = pipe.recv() == "begin"
                except EOFError:
                    return
                if not is_turning:
                    pipe.send(longest)
                    longest = 0.0
                    continue
            connection.run("BEGIN")
            start = time.perf_counter()
            connection.run(_LOCKS, users=f"{{{hosts}}}")
            waited = 1000 * (time.perf_counter() - start)
            connection.run("COMMIT")
            if longest:
                longest = max(longest, waited)
            else:  # the first of them warms up
                longest = 1e-9
                pipe.send("begun")


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
