"""The stack that runs on this machine, as other commands find it: its settings become this process's own."""

from __future__ import annotations

import json
import os
import sys

from local.emulator import ROOT
from local.handlers import SHARED
from local.problems import Problem
from local.stack import CARD


class NothingRuns(Problem):
    """No stack runs in this checkout."""


def enter() -> dict[str, str]:
    """The settings of the running stack; from here on this process can call the product's services. Raises `NothingRuns`."""
    card = ROOT / ".local" / CARD
    if not card.exists():
        raise NothingRuns("No stack is running: start `make run` in another terminal.")
    environment: dict[str, str] = json.loads(card.read_text())["environment"]
    sys.path.insert(0, str(SHARED))
    os.environ.update(environment)
    return environment
