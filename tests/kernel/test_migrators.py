"""Migrators meet each other, and whoever uses the tables meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from local.emulator import ROOT
from local.processes import until
from parley.kernel.postgres import migrations
from tests.harness import World

# A revision, and a table that one changes which is not the next.
BEFORE, LOCKED = "0013_webhook_pauses", "verification_tokens"


@pytest.fixture
def database(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = f"migrators_{os.getpid()}"
    world.stack.postgres.create_database(name)
    monkeypatch.setenv("DATABASE_OWNER_URL", world.stack.postgres.url("parley_owner", name))
    yield name
    with world.stack.postgres.superuser() as connection:
        connection.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_two_migrators_at_once_on_an_empty_database_both_succeed(world: World, database: str) -> None:
    code = "from parley.kernel.postgres import migrations; print(migrations.upgrade())"
    surroundings = os.environ | {"PYTHONPATH": "shared"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=surroundings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    ended = [process.communicate(timeout=240) for process in running]
    assert [process.returncode for process in running] == [0, 0], ended
    assert {out.decode().strip() for out, _ in ended} == {migrations.head()}


def test_a_long_read_delays_a_revision_and_nobody_behind_it(world: World, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock time-out holds for each revision, not for the first alone, and the one that waited is tried again."""
    migrations.upgrade()
    migrations.downgrade(BEFORE)
    monkeypatch.setattr(migrations, "PAUSE_SECONDS", 1.0)
    with world.stack.postgres.superuser(database) as reader, world.stack.postgres.superuser(database) as writer:
        reader.run("BEGIN")
        reader.run(f"SELECT count(*) FROM {LOCKED}")
        migrating = threading.Thread(target=migrations.upgrade)
        migrating.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = :name)"
        assert until(lambda: writer.run(waiting, name=database) == [[1]], 60)
        assert writer.run("SELECT version_num FROM alembic_version") != [[BEFORE]]  # it is not the first that waits
        writer.run("SET statement_timeout = '20s'")
        writer.run(f"SELECT count(*) FROM {LOCKED}")  # behind the migrator, which lets go after five seconds
        reader.run("COMMIT")
        migrating.join(60)
        assert not migrating.is_alive()
        assert writer.run("SELECT version_num FROM alembic_version") == [[migrations.head()]]
