"""Random questions against the oracle, in processes of three time zones. CASES=10000 asks more of them (`make oracle`)."""

import ast
import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from parley.scheduling.availability.slot_calculation import slot_at
from tests.scheduling import availability_oracle
from tests.scheduling.random_availability import Asked, some_question

CASES = int(os.environ.get("CASES", "300"))
ZONES = ("UTC", "Europe/Berlin", "Pacific/Apia")
ROOT = Path(__file__).parents[2]


def asked_in(turn: int) -> dict[str, Any]:
    """All questions, in a process of the turn's zone, which compares every third one with the oracle."""
    environment = os.environ | {"TZ": ZONES[turn], "PYTHONPATH": os.pathsep.join([str(ROOT / "shared"), str(ROOT)])}
    asking = [sys.executable, "-m", "tests.scheduling.random_availability", "0", str(CASES), str(turn), str(len(ZONES))]
    ran = subprocess.run(asking, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"TZ={ZONES[turn]}: {ran.stderr[-2000:]}"
    report: dict[str, Any] = json.loads(ran.stdout)
    return report


@pytest.mark.timeout(60 + CASES // 5)
def test_the_engine_agrees_with_the_oracle_in_every_zone_of_the_process(capsys: pytest.CaptureFixture[str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(asked_in, range(len(ZONES))))
    with capsys.disabled():
        print(f"\n{CASES} questions, {answers[0]}")
    assert len({report["digest"] for report in answers}) == 1
    assert sum(report["compared"] for report in answers) == CASES
    assert answers[0]["kinds"].keys() == {"ONE_ON_ONE", "GROUP", "COLLECTIVE", "ROUND_ROBIN"}
    assert answers[0]["slots"] > CASES, "too few slots to mean anything"


def test_the_oracle_shares_no_code_with_the_engine() -> None:
    tree = ast.parse(Path(availability_oracle.__file__).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"collections.abc", "dataclasses", "datetime", "functools", "typing", "zoneinfo"}


def test_list_in_parts_and_check_agree_with_the_list() -> None:
    for seed in range(1000, 1060):
        question = some_question(seed)
        inquiry = Asked(question)
        slots = inquiry.slots()
        dice = random.Random(seed)
        middle = question.start + (question.end - question.start) * dice.random()
        assert inquiry.listed(question.start, middle) + inquiry.listed(middle, question.end) == slots, f"seed {seed}"
        for slot in dice.sample(slots, min(5, len(slots))):
            assert slot_at(inquiry.terms, inquiry.hosts, slot.start, **inquiry.rest) == slot, f"seed {seed}"
            beside = slot.start + timedelta(microseconds=1)
            assert slot_at(inquiry.terms, inquiry.hosts, beside, **inquiry.rest) is None, f"seed {seed}"
