"""All benchmarks in one run: `make bench`. Every figure stands beside one that was measured in the same run, in turns with it."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

from benchmarks import authorizer, availability, imports, inbox, large_organization, requests
from benchmarks.measurement import show
from tests.harness import World


def machine() -> str:
    """What it runs on, as far as the machine tells."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f}), {platform.system()}, Python {platform.python_version()}"


def database(world: World) -> str:
    with world.stack.postgres.superuser("parley") as superuser:
        return f"PostgreSQL {superuser.run('SHOW server_version')[0][0]} on this machine, without fsync"


def main() -> None:
    begun = time.monotonic()
    print(f"On {machine()}")
    with requests.standing() as world:
        print(database(world), end="\n\n", flush=True)
        show(requests.measure(world))
        show(inbox.measure(world))
        show(authorizer.measure(world))
        show(large_organization.measure(world))
    show(availability.measure())
    show(imports.measure())
    print(f"{time.monotonic() - begun:.0f} seconds")


if __name__ == "__main__":
    main()
