"""What a date costs that lies far away, on every path that works out hours: CPU beside the same question about next month.

make bench ONLY=distances
"""

from __future__ import annotations

import os
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


def measure(world: World) -> list[Table]:
    with Path(os.devnull).open("w") as quiet, redirect_stdout(quiet):
        house = furnish(world, HOSTS)
        rows = [*_rows(house, "ONE_ON_ONE", {}), *_rows(house, "ROUND_ROBIN", {"pool_id": house.made["pool"]})]
    return [Table(f"CPU of a far date beside next month: hours around the clock, dates closed from 1970 to 2199, a pool of {HOSTS}", rows)]


def _rows(house: Furnished, kind: str, more: dict[str, Any]) -> list[Row]:
    event_type = house.add_event_type(kind=kind, questions=[], **more)
    return [_row(f"{kind}: {name}", ask) for name, ask in asks(house, event_type).items()]


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
