"""Random questions about availability, the same for the same seed, and the engine asked them.

    python -m tests.scheduling.random_availability 0 10000 0 3

asks the engine the questions from seed 0 up to 10,000 and prints a digest of questions and answers as JSON. Every third of them, from the
first one on, is compared with the oracle. The zone of the process is the environment's `TZ`.
"""

import hashlib
import json
import random
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

from parley.scheduling.availability.availability_rules import Hours, Override, Window
from parley.scheduling.availability.slot_calculation import GroupSession, Host, Slot, Terms, open_slots
from tests.scheduling.availability_oracle import Question, answer

PLACES = [  # a zone, a date at or near a change of its clocks, and another zone for other hosts
    ("America/New_York", date(2025, 3, 9), "Europe/London"),
    ("America/New_York", date(2025, 11, 2), "UTC"),
    ("Europe/London", date(2025, 3, 30), "America/New_York"),
    ("Europe/London", date(2025, 10, 26), "UTC"),
    ("Australia/Lord_Howe", date(2025, 4, 6), "Asia/Kolkata"),
    ("Australia/Lord_Howe", date(2025, 10, 5), "UTC"),
    ("Asia/Kolkata", date(2025, 7, 1), "UTC"),
    ("Pacific/Apia", date(2011, 12, 30), "UTC"),
    ("America/Sao_Paulo", date(2017, 10, 15), "UTC"),
    ("America/Sao_Paulo", date(2018, 2, 18), "UTC"),
    ("America/St_Johns", date(2010, 11, 7), "UTC"),
    ("Africa/Cairo", date(2025, 4, 25), "UTC"),
    ("Antarctica/Troll", date(2025, 3, 30), "UTC"),
]
MINUTE = timedelta(minutes=1)


def some_minute(dice: random.Random) -> int:
    return dice.choice([0, 60, 90, 120, 135, 150, 180, 540, 720, 1020, 1320, 1439, dice.randrange(1440)])


def some_span(dice: random.Random) -> tuple[int, int]:
    return some_minute(dice), dice.choice([1440, some_minute(dice), some_minute(dice)])


def some_week(dice: random.Random) -> list[tuple[int, int, int]]:
    cut = some_minute(dice)
    days = range(7)
    return dice.choice(
        [
            [(day, 540, 1020) for day in range(5)],
            [(day, start, end) for day in days for start, end in ((480, 720), (720, 960), (1000, 1200))],
            [(day, 1320, 360) for day in days if dice.random() < 0.8],
            [(day, 0, 1440) for day in days],
            [(day, cut, cut) for day in days],
            [(day, 0, 1440) for day in days if day != dice.randrange(7)],
            [(day, *span) for day in days for span in ((0, cut or 1440), (cut, 1440))],
            [(dice.randrange(7), *some_span(dice)) for _ in range(dice.randrange(12))],
        ]
    )


def some_host(dice: random.Random, zone: str, around: date) -> dict[str, Any]:
    overrides = []
    for _ in range(dice.choice([0, 0, 1, 3, 8])):
        span = some_span(dice) if dice.random() < 0.7 else (None, None)
        overrides.append((around + timedelta(days=dice.randint(-12, 4)), dice.random() < 0.6, *span))
    return {
        "zone": zone,
        "weekly": some_week(dice),
        "overrides": overrides,
        "busy": [some_busy(dice, around) for _ in range(dice.choice([0, 3, 25]))],
    }


def some_moment(dice: random.Random, around: date, days: int = 4) -> datetime:
    minute = datetime(around.year, around.month, around.day, tzinfo=UTC) + dice.randrange(-days * 1440, days * 1440) * MINUTE
    return minute + dice.choice(
        [0 * MINUTE, 0 * MINUTE, timedelta(microseconds=1), timedelta(seconds=dice.randrange(60), microseconds=999_999)]
    )


def some_busy(dice: random.Random, around: date) -> tuple[datetime, datetime]:
    start = some_moment(dice, around)
    return start, start + dice.choice([0, 1, 15, 45, 240]) * MINUTE


def some_question(seed: int) -> Question:
    dice = random.Random(seed)
    kind = dice.choice(["ONE_ON_ONE", "ONE_ON_ONE", "GROUP", "COLLECTIVE", "ROUND_ROBIN"])
    zone, around, other = dice.choice(PLACES)
    duration = dice.choice([7, 15, 30, 30, 45, 50, 60, 90, 180])
    start = some_moment(dice, around, 2)
    question = Question(
        kind=kind,
        zone=zone,
        around=around,
        duration=duration,
        interval=dice.choice([duration, 5, 15, 30, 45, 60, 97]),
        buffers=(dice.choice([0, 0, 10, 90]), dice.choice([0, 0, 5, 60])),
        notice=dice.choice([0, 60, 1440]),
        per_day=dice.choice([None, None, 1, 3]),
        per_week=dice.choice([None, None, 4]),
        capacity=dice.choice([1, 3]),
        start=start,
        end=start + dice.choice([1, 700, 2880, 4320]) * MINUTE,
        now=start + dice.choice([-9000, -9000, -30, 400]) * MINUTE,
        hosts=[
            some_host(dice, dice.choice([zone, zone, other]), around)
            for _ in range(1 if kind in ("ONE_ON_ONE", "GROUP") else dice.randint(1, 3))
        ],
    )
    question.counted = [some_moment(dice, around, 5) for _ in range(dice.choice([0, 6, 15]))]
    if kind == "GROUP":
        unbooked = [start for start, _, _ in answer(question)]
        for begin in [*dice.sample(unbooked, min(len(unbooked), dice.randrange(5))), some_moment(dice, around)]:
            occupied = begin - dice.choice([0, 10]) * MINUTE, begin + dice.choice([duration, 20, 75]) * MINUTE
            question.sessions += [(begin, *occupied, dice.randint(1, 2)) for _ in range(dice.randint(1, 2))]
    return question


class Asked:
    """The question in the engine's words."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.hosts = [
            Host(
                member,
                Hours(host["zone"], tuple(Window(*row) for row in host["weekly"]), tuple(Override(*row) for row in host["overrides"])),
                host["busy"],
            )
            for member, host in enumerate(question.hosts)
        ]
        self.terms = Terms(
            duration=question.duration,
            slot_interval=None if question.interval == question.duration else question.interval,
            buffer_before=question.buffers[0],
            buffer_after=question.buffers[1],
            min_notice=question.notice,
            max_per_day=question.per_day,
            max_per_week=question.per_week,
            capacity=question.capacity,
            kind=question.kind,
        )
        self.rest: dict[str, Any] = {
            "now": question.now,
            "counted": question.counted,
            "sessions": [GroupSession(start, (begin, end), seats) for start, begin, end, seats in question.sessions],
            "timezone": question.zone,
        }

    def listed(self, start: datetime, end: datetime) -> list[Slot]:
        return open_slots(self.terms, self.hosts, from_=start, to=end, **self.rest)

    def slots(self) -> list[Slot]:
        return self.listed(self.question.start, self.question.end)


def plain(slots: list[Slot]) -> list[tuple[datetime, tuple[Any, ...], int | None]]:
    return [(slot.start, slot.hosts, slot.seats_left) for slot in slots]


def ask(first: int, last: int, turn: int, turns: int) -> dict[str, Any]:
    """Raises AssertionError with the seed of the first question that engine and oracle do not agree on."""
    digest, kinds = hashlib.sha256(), Counter[str]()
    slots = compared = 0
    for seed in range(first, last):
        question = some_question(seed)
        engine_slots = plain(Asked(question).slots())
        digest.update(repr((question, [(start.isoformat(), *rest) for start, *rest in engine_slots])).encode())
        kinds[question.kind] += 1
        slots += len(engine_slots)
        if seed % turns == turn:
            assert engine_slots == answer(question), f"seed {seed}"
            compared += 1
    return {"digest": digest.hexdigest(), "slots": slots, "compared": compared, "kinds": dict(sorted(kinds.items()))}


if __name__ == "__main__":
    print(json.dumps(ask(*map(int, sys.argv[1:]))))
