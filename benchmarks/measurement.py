"""What all benchmarks share: a row beside its comparison, rounds that take turns, and the table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Self


@dataclass(frozen=True)
class Spread:
    """A figure of several rounds: the median, and the quartiles around it."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Self:
        low, _, high = quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else (samples[0],) * 3
        return cls(median(samples), low, high)


@dataclass(frozen=True)
class Row:
    """One line of a table: what, our figure, beside what, its figure, measured divided by it."""

    what: str
    measured: float
    unit: str
    beside: str = ""
    reference: float | None = None
    ratio: Spread | None = None
    note: str = ""

    @classmethod
    def of(cls, what: str, samples: Sequence[float], unit: str, beside: str, baseline: Sequence[float], note: str = "") -> Self:
        """From samples that were taken in turns: the ratio is that of neighbours, so what disturbs both disturbs it little."""
        ratio = Spread.of([sample / yours for sample, yours in zip(samples, baseline, strict=True)])
        return cls(what, median(samples), unit, beside, median(baseline), ratio, note)

    @classmethod
    def exact(cls, what: str, figure: float, unit: str, beside: str = "", baseline: float | None = None, note: str = "") -> Self:
        """From figures that are the same in every round: counts."""
        ratio = figure / baseline if baseline else None
        return cls(what, figure, unit, beside, baseline, Spread(ratio, ratio, ratio) if ratio is not None else None, note)


@dataclass(frozen=True)
class Taken:
    """Milliseconds of each round: on the clock, and of this thread's CPU."""

    wall: list[float]
    cpu: list[float]


def in_turns(ready: Sequence[Callable[[], Callable[[], object]]], rounds: int, warm: int = 3) -> list[Taken]:
    """Everyone once a round, another one first each time, so that none always follows the same neighbour.

    `ready` makes something ready to be called; only the call is measured.
    """
    for each in ready:
        for _ in range(warm):
            each()()
    taken = [Taken([], []) for _ in ready]
    for turn in range(rounds):
        for offset in range(len(ready)):
            at = (turn + offset) % len(ready)
            call = ready[at]()
            cpu, wall = time.thread_time_ns(), time.perf_counter_ns()
            call()
            taken[at].wall.append((time.perf_counter_ns() - wall) / 1e6)
            taken[at].cpu.append((time.thread_time_ns() - cpu) / 1e6)
    return taken


def _figure(value: float) -> str:
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.3f}" if value < 1 else f"{value:,.2f}" if value < 10 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _share(ratio: Spread) -> str:
    places = 2 if ratio.middle < 10 else 1 if ratio.middle < 100 else 0
    text = f"{ratio.middle:.{places}f}"
    return text if ratio.low == ratio.high else f"{text} ({ratio.low:.{places}f} to {ratio.high:.{places}f})"


@dataclass(frozen=True)
class Table:
    """Rows that belong together."""

    title: str
    rows: Sequence[Row]

    def __str__(self) -> str:
        lines = [("", "measured", "beside", "its", "ratio (quartiles)", "")]
        for row in self.rows:
            baseline = f"{_figure(row.reference)} {row.unit}".strip() if row.reference is not None else ""
            ratio = _share(row.ratio) if row.ratio else ""
            lines.append((row.what, f"{_figure(row.measured)} {row.unit}".strip(), row.beside, baseline, ratio, row.note))
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        aligned = [str.ljust, str.rjust, str.ljust, str.rjust, str.ljust, str.ljust]
        shown = ["  ".join(align(cell, width) for align, cell, width in zip(aligned, line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([self.title, "-" * max(map(len, shown)), *shown])


def show(tables: Sequence[Table]) -> None:
    """Print tables, each with a line after it."""
    for table in tables:
        print(table, end="\n\n", flush=True)
