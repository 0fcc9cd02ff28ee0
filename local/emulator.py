"""An emulated AWS (moto) in a process of its own on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from local import files, ports, processes
from local.problems import Problem

ROOT = Path(__file__).resolve().parents[1]


class EmulatorProblem(Problem):
    """The emulator did not start; the message has the end of its log."""


class Emulator:
    """`start` and `stop` may be called again and again; the address stays the same as long as its port is free."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder.resolve()
        self.log = log.resolve()
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> None:
        """Start without waiting: it takes about a second, in which other things can be started."""
        self.stop()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        last = self.port or files.number(self.folder / "port")
        port = ports.choose(last or ports.of_folder(self.folder), insist=bool(last))
        quiet = {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false", "PYTHONPATH": str(ROOT)}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_", "PYTEST"))}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.moto_process", str(self.folder), str(port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=inherited | quiet,
                cwd=ROOT,
                start_new_session=True,
            )

    def await_ready(self) -> None:
        """Wait until it answers. Raises EmulatorProblem."""
        assert self._process is not None
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        if not answer.isdigit():
            self.stop()
            raise EmulatorProblem(f"The emulated AWS did not start. The end of {self.log}:\n{processes.tail(self.log)}")
        self.port = int(answer)
        (self.folder / "port").write_text(str(self.port))

    def start(self) -> None:
        self.launch()
        self.await_ready()

    def stop(self) -> None:
        if self._process is not None:
            processes.stop(self._process, (signal.SIGTERM,), 5)
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None

    def mails(self, after: int = 0) -> list[dict[str, Any]]:
        """What was sent through SES, oldest first, without the first `after`: id, from, to, raw."""
        return mails(self.endpoint, after)

    def waiting(self) -> list[str]:
        """The names of the queues that have a message to give now."""
        return list(_ask(self.endpoint, "waiting"))

    def forget_messages(self) -> None:
        """Empty every queue."""
        _ask(self.endpoint, "forget")

    def texts(self) -> list[dict[str, str]]:
        """What was sent to telephones through SNS, oldest first: to, text."""
        with urllib.request.urlopen(f"{self.endpoint}/local/texts", timeout=10) as answer:
            sent: list[dict[str, str]] = json.load(answer)
        return sent


def _ask(endpoint: str, what: str) -> Any:
    with urllib.request.urlopen(f"{endpoint}/local/{what}", timeout=10) as answer:
        return json.load(answer)


def mails(endpoint: str, after: int = 0) -> list[dict[str, Any]]:
    """What was sent through the SES of the emulator at an address, oldest first, without the first `after`: id, from, to, raw."""
    return list(_ask(endpoint, f"mails?{after}"))
