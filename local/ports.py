"""Ports of this machine that a server can come back to."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import time
from pathlib import Path

from local.problems import Problem

# Below what Linux and macOS hand out to outgoing connections: such a connection could sit on a server's port while it restarts.
LOWEST, HIGHEST = 20_000, 29_999
SECONDS_FOR_THE_SAME = 5.0


class NoPortFree(Problem):
    """No port of the range could be had."""


def of_folder(folder: Path) -> int:
    """The port that a server with its data in this folder tries first: always the same, and another one for another folder.

    A common default would not do: while one server restarts, somebody else's would take it.
    """
    digest = hashlib.sha256(os.fsencode(folder)).digest()
    return LOWEST + int.from_bytes(digest[:4]) % (HIGHEST - LOWEST + 1)


def choose(preferred: int, *, insist: bool = False) -> int:
    """The preferred port if it is free, else another one. insist: wait some seconds for the preferred one, because others know it."""
    deadline = time.monotonic() + (SECONDS_FOR_THE_SAME if insist else 0)
    while not (free := is_free(preferred)) and time.monotonic() < deadline:
        time.sleep(0.05)
    if free:
        return preferred
    for _ in range(200):
        candidate = random.randint(LOWEST, HIGHEST)
        if is_free(candidate):
            return candidate
    raise NoPortFree(f"no free port of 127.0.0.1 between {LOWEST} and {HIGHEST}")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
