"""What the time of a failed log-in tells of an address: nothing that a stranger can measure. `make bench ONLY=log_in_timing`

Known and unknown addresses take turns, in an order drawn by lot, every attempt with a wrong password, each address only as often as
failures cost nothing. Beside the two distributions stand how well one tells them apart: the chance that an attempt at a known address
takes longer than one at an unknown address (Mann-Whitney; 0.5 is a coin), with the probability of a difference like it by chance, and the
largest distance between the two cumulative distributions (Kolmogorov-Smirnov).
"""

from __future__ import annotations

import math
import os
import random
import statistics
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from unittest.mock import patch

from benchmarks.requests import standing
from parley.identity.log_in import brute_force_throttle
from tests.harness import World
from tests.identity.registered_users import ProgramClient, address, person

ATTEMPTS = 140
"""Of each kind: 280 requests in all."""
WRONG = "not the password at all"


def measure(world: World) -> dict[str, list[float]]:
    """Milliseconds of failed log-ins, by what the address is."""
    with Path(os.devnull).open("w") as quiet, redirect_stdout(quiet), patch.dict(os.environ):
        member_emails = [person(world).email for _ in range(math.ceil(ATTEMPTS / (brute_force_throttle.FREE_FAILURES - 1)))]
        unknown = [address() for _ in member_emails]
        turns = [("known", member_emails[turn % len(member_emails)]) for turn in range(ATTEMPTS)]
        turns += [("unknown", unknown[turn % len(unknown)]) for turn in range(ATTEMPTS)]
        for _ in range(5):
            _attempt(world, address())
        random.shuffle(turns)
        times: dict[str, list[float]] = {"known": [], "unknown": []}
        for kind, email in turns:
            times[kind].append(_attempt(world, email))
    return times


def _attempt(world: World, email: str) -> float:
    browser, body = ProgramClient(world), {"email": email, "password": WRONG}
    begun = time.perf_counter()
    answer = browser.post("/v1/auth/login", body)
    taken = (time.perf_counter() - begun) * 1000
    assert answer.status == 401, answer.raw
    return taken


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """The chance that one of the first is larger than one of the second, and the two-sided probability by chance (normal approximation)."""
    larger = sum((value > other) + (value == other) / 2 for value in first for other in second)
    pairs = len(first) * len(second)
    deviation = math.sqrt(pairs * (len(first) + len(second) + 1) / 12)
    return larger / pairs, math.erfc(abs(larger - pairs / 2) / deviation / math.sqrt(2))


def kolmogorov_smirnov(first: Sequence[float], second: Sequence[float]) -> float:
    """The largest distance between the two cumulative distributions."""
    return max(abs(_share(first, at) - _share(second, at)) for at in (*first, *second))


def _share(values: Sequence[float], at: float) -> float:
    return sum(value <= at for value in values) / len(values)


def main() -> None:
    with standing() as world:
        times = measure(world)
    print(f"{sum(map(len, times.values()))} failed log-ins, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| address | attempts | p10 ms | median ms | p90 ms |\n|---|---:|---:|---:|---:|")
    for kind, taken in times.items():
        tenths = statistics.quantiles(taken, n=10)
        print(f"| {kind} | {len(taken)} | {tenths[0]:.1f} | {statistics.median(taken):.1f} | {tenths[8]:.1f} |")
    chance, by_chance = mann_whitney(times["known"], times["unknown"])
    distance = kolmogorov_smirnov(times["known"], times["unknown"])
    threshold = 1.36 * math.sqrt(2 / ATTEMPTS)
    print(f"\nKnown takes longer than unknown: {chance:.3f} of pairs (0.5 is a coin), p = {by_chance:.2f}.")
    print(f"Kolmogorov-Smirnov distance: {distance:.3f}; at 5 % they would differ from {threshold:.3f} on.")


if __name__ == "__main__":
    main()
