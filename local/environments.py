"""Execution environments: processes that run functions with Lambda's rules.

An environment handles one event at a time; parallel events get environments of their own, up to a number. One that overruns its function's
Timeout is killed, one that ends by itself is replaced, and the caller hears of it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from local import execution, processes
from local.execution import FORK, KILL
from local.invocation import LARGEST_PAYLOAD, FunctionFailed, FunctionThrottled, FunctionTimedOut, PayloadTooLarge, decode, encode
from local.template import Function

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 29.0  # seconds that a caller waits for an environment to become free; an HTTP API gives up after 30
IMPORT_SECONDS = 120.0
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")


class EnvironmentsProblem(FunctionFailed):
    """The execution environments could not be started; the message has the end of their log."""


class _Environment:
    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.connection = connection
        self.stream: Any = connection.makefile("rwb")
        self.pid = pid

    def close(self) -> None:
        for part in (self.stream, self.connection):
            try:
                part.close()
            except OSError:
                continue


class Environments:
    """`invoke` may be called by any number of threads. `failed` names the functions that could not be imported, and why."""

    def __init__(self, functions: Mapping[str, Function], environment: Mapping[str, str], logs: Path, count: int = 12) -> None:
        self._functions = dict(functions)
        self._environment = dict(environment)
        self._logs = logs
        self._slots = threading.Semaphore(count)
        self._idle: queue.LifoQueue[_Environment] = queue.LifoQueue()
        self._busy: set[_Environment] = set()
        self._forking = threading.Lock()
        self._parent: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._answers: BinaryIO | None = None
        self._stopped = False
        self.failed: dict[str, str] = {}

    def start(self) -> None:
        """Import every handler in a process of its own. Raises EnvironmentsProblem when not even that process lives."""
        self._logs.mkdir(parents=True, exist_ok=True)
        self._end_parent()
        self._stopped = False
        log_path = self._logs / "environments.log"
        parent_socket, child_socket = socket.socketpair()
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'shared'}", "PYTHONHASHSEED": "random", "TZ": "UTC"}
        with log_path.open("ab") as log:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", "local.execution", str(child_socket.fileno())],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment | {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.13", "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"},
                cwd=ROOT,
                pass_fds=[child_socket.fileno()],
                start_new_session=True,
            )
        child_socket.close()
        assert self._parent.stdin is not None
        order = {"functions": execution.described(self._functions), "environment": self._environment, "logs": str(self._logs)}
        self._parent.stdin.write(json.dumps(order).encode())
        self._parent.stdin.close()
        parent_socket.settimeout(IMPORT_SECONDS)
        self._control, self._answers = parent_socket, parent_socket.makefile("rb")
        line = self._answers.readline()
        if not line:
            raise EnvironmentsProblem(f"The execution environments did not start. The end of {log_path}:\n{processes.tail(log_path)}")
        self.failed = json.loads(line)

    def stop(self) -> None:
        """End every environment at once; who waits for an answer gets FunctionFailed."""
        self._stopped = True
        for environment in list(self._busy):
            self._kill(environment)
        while not self._idle.empty():
            self._idle.get_nowait().close()
        self._end_parent()

    def _end_parent(self) -> None:
        for part in (self._answers, self._control):
            if part is not None:
                part.close()
        if self._parent is not None:
            processes.stop(self._parent, (signal.SIGTERM,), 2)
        self._parent = self._control = self._answers = None

    def invoke(self, name: str, event: Any) -> Any:
        """Call a function and wait for its answer. Raises the exceptions of `local.invocation`."""
        function, payload = self._functions[name], encode(event)
        if len(payload) > LARGEST_PAYLOAD:
            raise PayloadTooLarge(f"{name}: the event has {len(payload)} bytes")
        if not self._slots.acquire(timeout=PATIENCE):
            raise FunctionThrottled(f"{name}: no execution environment became free within {PATIENCE:.0f} s")
        try:
            environment = self._take()
            self._busy.add(environment)
            try:
                answer = self._exchange(environment, function, payload)
            except BaseException:
                self._kill(environment)
                raise
            finally:
                self._busy.discard(environment)
            self._idle.put(environment)
        finally:
            self._slots.release()
        status, content = answer
        if status != execution.ANSWERED:
            raise FunctionFailed(f"{name}: {content.decode('utf-8', 'replace').strip()}")
        return decode(content)

    @property
    def pids(self) -> list[int]:
        """The processes of the environments that exist now; tests kill some of them."""
        return [environment.pid for environment in [*self._idle.queue, *self._busy]]

    def _exchange(self, environment: _Environment, function: Function, payload: bytes) -> tuple[bytes, bytes]:
        environment.connection.settimeout(function.timeout)
        try:
            execution.send(environment.stream, function.name.encode(), payload)
            return execution.receive(environment.stream), execution.receive(environment.stream)
        except TimeoutError as problem:
            raise FunctionTimedOut(f"{function.name}: Task timed out after {function.timeout} seconds") from problem
        except (EOFError, OSError, ValueError) as problem:
            raise FunctionFailed(f"{function.name}: its process ended") from problem

    def _take(self) -> _Environment:
        """An idle environment that still lives, the last used first, or a new one."""
        while True:
            try:
                environment = self._idle.get_nowait()
            except queue.Empty:
                return self._fork()
            if _alive(environment):
                return environment
            environment.close()

    def _fork(self) -> _Environment:
        with self._forking:
            if self._stopped:
                raise FunctionThrottled("the execution environments are stopped")
            if self._parent is None or self._parent.poll() is not None:
                self.start()
            assert self._control is not None
            assert self._answers is not None
            parent_socket, child_socket = socket.socketpair()
            try:
                socket.send_fds(self._control, [FORK + b"\n"], [child_socket.fileno()])
                line = self._answers.readline()
            except (OSError, ValueError) as problem:
                raise FunctionFailed("the execution environments ended") from problem
            finally:
                child_socket.close()
            if not line:
                raise FunctionFailed("the execution environments ended")
            return _Environment(parent_socket, int(line))

    def _kill(self, environment: _Environment) -> None:
        """Through its parent, which alone knows whether the number still means this process."""
        try:
            with self._forking:
                if self._control is not None:
                    self._control.sendall(KILL + b"%d\n" % environment.pid)
        except OSError:
            pass
        environment.close()


def _alive(environment: _Environment) -> bool:
    """An idle environment has nothing to say: a readable socket means that it ended."""
    environment.connection.setblocking(False)
    try:
        environment.connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
