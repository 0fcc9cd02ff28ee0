"""The slot computation alone, beside `json.dumps` + `sorted` of the same slots and busy intervals as text.

The baseline is what any answer costs at least: putting the busy intervals in order and writing the slots down.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from benchmarks.measurement import Row, Spread, Table, in_turns, show
from parley.scheduling.availability import availability_rules as clockwork
from parley.scheduling.availability.availability_rules import Hours, Override, Window
from parley.scheduling.availability.slot_calculation import Host, Slot, Terms, open_slots, slot_at

FROM = datetime(2025, 3, 1, tzinfo=UTC)
TO = FROM + timedelta(days=31)
NINE_TO_FIVE = tuple(Window(day, 540, 1020) for day in range(5))
EVERY_MINUTE = tuple(Window(day, 0, 1440) for day in range(7))


def busy_month(count: int, seed: int, length: int = 30) -> list[tuple[datetime, datetime]]:
    dice = random.Random(seed)  # noqa: S311  # the same month each time
    starts = [FROM + timedelta(minutes=dice.randrange(31 * 1440)) for _ in range(count)]
    return [(start, start + timedelta(minutes=length)) for start in starts]


def beside_writing(name: str, terms: Terms, hosts: list[Host], counted: list[datetime], forget: Callable[[], None] | None = None) -> Row:
    def ask() -> list[Slot]:
        return open_slots(terms, hosts, from_=FROM, to=TO, now=FROM, counted=counted)

    slots = ask()
    texts = [[(start.isoformat(), end.isoformat()) for start, end in host.busy] for host in hosts]
    written = [[slot.start.isoformat(), slot.end.isoformat(), list(slot.hosts)] for slot in slots]

    def ready() -> Callable[[], object]:
        if forget is not None:
            forget()
        return ask

    def sort_and_write() -> object:
        return [sorted(busy) for busy in texts], json.dumps(written)

    samples, baseline = in_turns([ready, lambda: sort_and_write], 11 if len(hosts) > 1 else 61)
    return Row.of(name, samples.cpu, "ms", "sorted and json.dumps", baseline.cpu, f"{len(slots)} slots")


def measure() -> list[Table]:
    zone = "America/New_York"
    week, always = Hours(zone, NINE_TO_FIVE), Hours(zone, EVERY_MINUTE)
    closed = Hours(zone, EVERY_MINUTE, (Override(date(2024, 3, 1), False),))
    half = Terms(30, buffer_before=5, buffer_after=10)
    limits = Terms(30, buffer_before=5, buffer_after=10, max_per_day=8, max_per_week=30)
    fair = Terms(30, kind="ROUND_ROBIN")
    together = Terms(30, kind="COLLECTIVE")
    month, crowded = busy_month(200, 1), busy_month(2000, 2, 5)
    pool = [Host(number, week, busy_month(200, number)) for number in range(50)]
    loads: list[tuple[str, Terms, list[Host]]] = [
        ("31 days, 9 to 5, 200 busy", half, [Host(1, week, month)]),
        ("the same with limits", limits, [Host(1, week, month)]),
        ("31 days, 24/7, 200 busy", half, [Host(1, always, month)]),
        ("the same, closed a year ago", half, [Host(1, closed, month)]),
        ("31 days, 24/7, 2,000 busy", Terms(30), [Host(1, always, crowded)]),
        ("round robin, 50 hosts, 200 busy each", fair, pool),
        ("collective, 5 hosts, 200 busy each", together, pool[:5]),
    ]
    starts = [start for start, _ in month]
    rows = [beside_writing(name, terms, hosts, starts) for name, terms, hosts in loads]
    rows.append(beside_writing("31 days, 9 to 5, 200 busy, nothing cached", *loads[0][1:], starts, forget))
    nine = datetime(2025, 3, 4, 14, tzinfo=UTC)
    free = [Host(1, week, month[:10])]
    (ten,) = in_turns([lambda: lambda: [slot_at(half, free, nine, now=FROM) for _ in range(10)]], 61)
    rows.append(Row.exact("check of one start, 10 busy", Spread.of(ten.cpu).middle / 10, "ms"))
    return [Table("Computing slots: CPU", rows)]


def forget() -> None:
    """What only the first computation of an environment has to do."""
    clockwork.wall_instant.cache_clear()
    clockwork._steady_offset.cache_clear()  # noqa: SLF001  # a cache that nobody else has a reason to clear


if __name__ == "__main__":
    show(measure())
