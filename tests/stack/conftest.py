"""A stack of its own that serves over HTTP with real execution environments: for what needs processes, sockets and load.

Its functions are those that are deployed, some of which answer for a noun; `make run` and all other tests have one for each file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.admin import organization
from local.client import Client
from local.emulator import ROOT
from local.seed import seed
from local.stack import Stack
from local.stacks import MERGED, write

ENVIRONMENTS = 16
AWAY_SECONDS = float(os.environ.get("PARLEY_DATABASE_AWAY_SECONDS", "3"))
# A queue gives a message ten tries before it is put aside. They have to outlast the database's absence, as six minutes each do on AWS.
RETRY_SECONDS = max(1, round(AWAY_SECONDS / 3))


@dataclass
class ServedStack:
    """The stack that serves, and who talk to it. `vandal` owns another organization, in which nothing needs to stay whole."""

    stack: Stack
    owner: Client
    stranger: Client
    vandal: Client


@pytest.fixture(scope="session")
def served() -> Iterator[ServedStack]:
    folder = Path(tempfile.mkdtemp(prefix="parley-served-"))
    before = dict(os.environ)
    try:
        write(ROOT / "template.yaml", folder / "deployed")
        with Stack(folder, folder / "deployed" / MERGED, port=0, durable=False, settings={"UNLIMITED_NETWORKS": "127.0.0.0/8"}) as stack:
            stack.serve(ENVIRONMENTS, retry_seconds=RETRY_SECONDS)
            os.environ.update(stack.environment)
            _forget_connections()
            seeded = seed(stack)
            other = organization(stack.environment, "Vandals", "vandal@vandals.example", "BUSINESS")
            _forget_connections()
            os.environ.clear()
            os.environ.update(before)
            with stack.postgres.superuser("parley") as superuser:
                superuser.run("UPDATE organizations SET request_limit = 1000000, seat_limit = 1000 WHERE slug = :slug", slug=other["slug"])
            yield ServedStack(stack, Client(stack.url, seeded.token), Client(stack.url), Client(stack.url, other["token"]))
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder, ignore_errors=True)


def _forget_connections() -> None:
    """This process may have a connection to the database of other tests, and must not keep the one to the served stack's."""
    from parley.kernel.persistence import transactions

    transactions.engine().dispose()
