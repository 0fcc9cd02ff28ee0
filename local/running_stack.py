"""The stack that runs on this machine, as other commands find it: its settings become this process's own."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from typing import Any

from local import files
from local.emulator import ROOT
from local.handlers import SHARED
from local.problems import Problem
from local.stack import CARD


class NothingRuns(Problem):
    """No stack runs in this checkout."""


def enter() -> dict[str, str]:
    """The settings of the running stack; from here on this process can call the product's services. Raises `NothingRuns`."""
    card = card_of(ROOT / ".local")
    if not card:
        raise NothingRuns("No stack is running: start `make run` in another terminal.")
    environment: dict[str, str] = card["environment"]
    sys.path.insert(0, str(SHARED))
    os.environ.update(environment)
    return environment


def card_of(folder: Path) -> dict[str, Any]:
    """What the stack that runs in a folder says of itself; empty when none does. Raises FileDamaged."""
    return files.read(folder / CARD, "Start `make run` again.") if _is_held(folder / "lock") else {}


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
