"""`make backup`, `make restore`: the whole database into a file, and out of it into a database of its own. See docs/operations.md.

Of the bundle that runs on this machine, or of the server that BACKUP_DATABASE_URL names, whose role reads past row-level security: the
owner's own can't dump what it forces on itself.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pg8000.exceptions
import pg8000.native

from local import files, settings
from local.emulator import ROOT
from local.postgres import APPLICATION_GROUP, DATABASE, OWNER, Postgres, programs
from local.problems import Problem

RESTORED = "parley_restored"
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


@dataclass(frozen=True)
class Server:
    """A server: the address of a database of it for libpq, and a connection to one for asking."""

    address: Callable[[str], str]
    connect: Callable[[str], pg8000.native.Connection]


def embedded(postgres: Postgres) -> Server:
    """The bundle's own, through the socket that only the owner of its folder can reach."""
    return Server(lambda name: f"postgresql://postgres@/{name}?host={postgres.socket_folder}&port={postgres.port}", postgres.superuser)


def elsewhere(url: str) -> Server:
    """The one that a `postgresql://` URL names, with the role that it names."""
    parts = urlsplit(url)

    def connect(name: str) -> pg8000.native.Connection:
        host, port = parts.hostname or "127.0.0.1", parts.port or 5432
        try:
            return pg8000.native.Connection(parts.username or OWNER, host, name, port, parts.password)
        except pg8000.exceptions.Error as problem:
            raise Problem(f"The server at {host}:{port} can't be asked: {problem}. Is BACKUP_DATABASE_URL right?") from problem

    return Server(lambda name: urlunsplit(parts._replace(path=f"/{name}")), connect)


def dump(server: Server, file: Path, database: str = DATABASE) -> None:
    """Write a database into a file, as it is at one instant. Raises Problem; a file of before stays as it was."""
    aside = file.with_name(f"{file.name}.part")
    aside.touch(mode=0o600)
    _run("pg_dump", "--format=custom", f"--file={aside.absolute()}", server.address(database))
    aside.replace(file)


def restore(server: Server, file: Path, database: str = RESTORED) -> None:
    """Read a file into a database that is made for it, or is empty. All of it or nothing. Raises Problem."""
    with server.connect("postgres") as connection:
        if not connection.run("SELECT 1 FROM pg_roles WHERE rolname = :name", name=APPLICATION_GROUP):
            raise Problem(f"The server has no role {APPLICATION_GROUP}: make it, and {OWNER}, first; a dump holds no roles.")
        if not connection.run("SELECT 1 FROM pg_database WHERE datname = :name", name=database):
            connection.run(f'CREATE DATABASE "{database}" OWNER {OWNER}')
    with server.connect(database) as connection:
        if connection.run(_TABLES) != [[0]]:
            raise Problem(f"The database {database} has tables: restore into another one, and rename it then.")
    _run("pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={server.address(database)}", str(file.absolute()))


def _run(program: str, *arguments: str) -> None:
    own = programs() / program
    path = str(own) if own.exists() else shutil.which(program)
    if path is None:
        raise Problem(f"There is no {program} on this machine: install PostgreSQL's client programs, at least as new as the server.")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        hint = " The role has to bypass row-level security (BYPASSRLS)." if "row-level security" in done.stderr else ""
        raise Problem(f"{program} failed: {done.stderr.strip()}{hint}")


def _server() -> Server:
    url = settings.current().get("BACKUP_DATABASE_URL") or os.environ.get("BACKUP_DATABASE_URL")
    if url:
        return elsewhere(url)
    postgres = Postgres(ROOT / ".local" / "postgres", ROOT / ".local" / "logs" / "postgres.log")
    postgres.port = files.number(postgres.folder / "port")
    if not (postgres.socket_folder / f".s.PGSQL.{postgres.port}").exists():
        raise Problem("No bundle runs on this machine (`make run`), and BACKUP_DATABASE_URL names no server.")
    return embedded(postgres)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.backup", description=__doc__)
    parser.add_argument("action", choices=("dump", "restore"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--database", default="")
    arguments = parser.parse_args()
    try:
        database = arguments.database or (DATABASE if arguments.action == "dump" else RESTORED)
        (dump if arguments.action == "dump" else restore)(_server(), arguments.file, database)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{arguments.file} {'holds' if arguments.action == 'dump' else 'is in'} the database {database}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
