from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pg8000.native
import pytest

from local import processes
from local.postgres import APPLICATION, OWNER, Postgres


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("postgres") / ("a" * 90)  # too long a path for a socket
    server = Postgres(folder / "postgres", folder / "logs" / "postgres.log", durable=False)
    server.start()
    yield server
    server.stop()


def connection(postgres: Postgres, role: str) -> pg8000.native.Connection:
    url = urlsplit(postgres.url(role))
    return pg8000.native.Connection(url.username, host=url.hostname, port=url.port, password=url.password, database=url.path[1:])


def test_roles_are_what_row_security_needs(postgres: Postgres) -> None:
    with connection(postgres, OWNER) as owner, connection(postgres, APPLICATION) as application:
        owner.run("create extension if not exists btree_gist")
        owner.run("create table if not exists things (id int)")
        for pg_connection in (owner, application):
            assert pg_connection.run("select rolsuper, rolbypassrls from pg_roles where rolname = current_user") == [[False, False]]
        with pytest.raises(pg8000.native.DatabaseError, match="permission denied"):
            application.run("create table others (id int)")
        with pytest.raises(pg8000.native.DatabaseError, match="permission denied"):
            application.run("select * from things")


def test_a_stranger_on_this_machine_does_not_get_in(postgres: Postgres) -> None:
    for role in ("postgres", OWNER):
        with pytest.raises((pg8000.native.DatabaseError, pg8000.native.InterfaceError)):
            pg8000.native.Connection(role, host="127.0.0.1", port=postgres.port, database="parley", password="")
    assert postgres.socket_folder.stat().st_mode & 0o077 == 0


def test_data_and_address_outlive_a_stop_and_a_crash(postgres: Postgres) -> None:
    address = postgres.url(APPLICATION)
    with connection(postgres, OWNER) as owner:
        owner.run("create table if not exists kept (id int)")
        owner.run("insert into kept values (1)")
    for immediately in (False, True):
        postgres.stop(immediately=immediately)
        assert not postgres.running
        postgres.start()
        assert postgres.url(APPLICATION) == address
        with connection(postgres, OWNER) as owner:
            assert owner.run("select count(*) from kept") == [[1]]


def test_a_server_that_a_killed_run_left_behind_is_replaced(postgres: Postgres) -> None:
    left = int((postgres.data / "postmaster.pid").read_text().split()[0])
    again = Postgres(postgres.folder, postgres.log, durable=False)
    again.start()
    assert again.running
    assert not processes.runs(left, "postgres")
    again.stop()
    postgres.start()


@pytest.mark.parametrize("stale", ["", "1\n", "not a number\n", "{this_process}\n/elsewhere\n"])
def test_a_stale_pid_file_is_no_obstacle(postgres: Postgres, stale: str) -> None:
    postgres.stop()
    (postgres.data / "postmaster.pid").write_text(stale.format(this_process=os.getpid()))
    postgres.start()
    assert postgres.running


def test_it_can_be_stopped_by_its_process_alone(postgres: Postgres) -> None:
    os.kill(int((postgres.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    assert processes.until(lambda: not postgres.running, 5)
    time.sleep(0.1)
    postgres.start()
    assert postgres.running


def test_an_interrupted_first_start_leaves_nothing_half_made(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres", tmp_path / "postgres.log", durable=False)
    (tmp_path / "postgres" / "data.new").mkdir(parents=True)
    (tmp_path / "postgres" / "data.new" / "PG_VERSION").write_text("18\n")
    server.start()
    server.stop()
    assert not (tmp_path / "postgres" / "data.new").exists()
