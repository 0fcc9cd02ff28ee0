"""Ends a PostgreSQL server when the process that started it is gone, however it went: the guard's standard input ends with it.

`python -m local.postgres_guard <pid> <data folder>`. PostgreSQL has no such wish of its own, and a run that was killed can't send a signal.
"""

from __future__ import annotations

import signal
import sys

from local import processes

PATIENCE_SECONDS = 10


def main(pid: int, data: str) -> None:
    sys.stdin.buffer.read()
    if processes.runs(pid, "postgres", data):
        processes.stop_stranger(pid, (signal.SIGINT, signal.SIGQUIT), PATIENCE_SECONDS)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
