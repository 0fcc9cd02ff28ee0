"""What the person at the machine can mend."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn


class Problem(Exception):
    """Its message says what is wrong and, where that is not plain, what to do. Programs show it without a trace."""


def end_with(main: Callable[[], int | None]) -> NoReturn:
    """A program from its beginning to its end: `main` answers the exit status, and what it raises of this kind is shown."""
    try:
        sys.exit(main())
    except Problem as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
