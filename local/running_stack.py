"""The stack that runs on this machine, as other commands find it: its settings become this process's own."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from pathlib import Path

from local.emulator import ROOT
from local.handlers import SHARED
from local.problems import Problem
from local.stack import CARD


class NothingRuns(Problem):
    """No stack runs in this checkout."""


def enter() -> dict[str, str]:
    """The settings of the running stack; from here on this process can call the product's services. Raises `NothingRuns`."""
    card = ROOT / ".local" / CARD
    if not card.exists() or not _is_held(card.with_name("lock")):
        raise NothingRuns("No stack is running: start `make run` in another terminal.")
    environment: dict[str, str] = json.loads(card.read_text())["environment"]
    sys.path.insert(0, str(SHARED))
    os.environ.update(environment)
    return environment


def _is_held(lock: Path) -> bool:
    """Whether a stack holds the lock of its folder: it does so until it ends, in whatever way. The card stays behind when it is killed."""
    try:
        with lock.open() as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
