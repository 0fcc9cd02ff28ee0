"""`make doctor`: looks at a database and an AWS endpoint as the functions would use them, and says what is wrong and how to mend it.

It looks at the stack that runs (`make run` in another terminal), or at what the settings name. It leaves nothing behind.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from local import aws_checks, database_checks, running_stack, settings
from local.check_results import Ailing, Skipped
from local.emulator import ROOT
from local.handlers import SHARED
from local.problems import end_with

FOLDER = ROOT / ".local"


@dataclass(frozen=True)
class Check:
    """A question about a place. `look` says what it found; raises Ailing, or Skipped when it can't be asked."""

    name: str
    look: Callable[[], str]


def environment_to_examine(folder: Path = FOLDER) -> tuple[str, dict[str, str]]:
    """Whose environment it is, and the environment: that of the running stack, else the settings."""
    if card := running_stack.card_of(folder):
        return f"the stack at {card['url']}", dict(card["environment"])
    return "the settings (no stack is running)", settings.current()


def examine(checks: Iterable[Check]) -> bool:
    """Ask one check after the other and tell each answer; when the first fails, the others have no ground. Returns whether all is well."""
    is_well = True
    for number, check in enumerate(checks):
        try:
            print(f"  ok    {check.name}: {check.look()}", flush=True)
        except Skipped as reason:
            print(f"  --    {check.name}: {reason}", flush=True)
        except Ailing as ailing:
            is_well = False
            print(f"  WRONG {check.name}: {ailing.what}\n        {ailing.mend}", flush=True)
            if number == 0:
                break
    return is_well


def main() -> int:
    sys.path.insert(0, str(SHARED))
    whose, environment = environment_to_examine()
    for name in settings.names():
        os.environ.pop(name, None)
    os.environ.update(environment)
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")
    print(f"Looking at {whose}\n\nDatabase", flush=True)
    is_well = examine(Check(name, look) for name, look in database_checks.CHECKS)
    print("\nAWS", flush=True)
    is_well = examine(Check(name, look) for name, look in aws_checks.CHECKS) and is_well
    print("\nAll is well." if is_well else "\nSomething is wrong; see above.")
    return 0 if is_well else 1


if __name__ == "__main__":
    end_with(main)
