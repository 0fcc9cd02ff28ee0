"""The process from which execution environments are forked, and the environments themselves.

The first process imports every handler once and does no more than that: it opens no connection and starts no thread. Each fork then
serves one event at a time, as an execution environment of Lambda does, and ends when its socket closes.
Run by `local.environments`, with its order on standard input and the control socket as the number on the command line.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import signal
import socket
import struct
import sys
import time
from io import BufferedRWPair
from pathlib import Path
from typing import Any

from local.handlers import answer_of, load
from local.invocation import FunctionFailed
from local.template import Function

FORK, KILL = b"F", b"K"
ANSWERED, FAILED = b"+", b"-"


def send(stream: BufferedRWPair, *parts: bytes) -> None:
    """One frame a part: four bytes of length, then the bytes."""
    stream.write(b"".join(struct.pack(">I", len(part)) + part for part in parts))
    stream.flush()


def receive(stream: BufferedRWPair) -> bytes:
    """The next frame. Raises EOFError at the end."""
    head = stream.read(4)
    if len(head) < 4:
        raise EOFError
    (length,) = struct.unpack(">I", head)
    body = stream.read(length)
    if len(body) < length:
        raise EOFError
    return body


def described(functions: dict[str, Function]) -> list[dict[str, Any]]:
    """As JSON; of the variables only the names, their values come with the order."""
    names_only = {function.name: dict.fromkeys(function.environment, "") for function in functions.values()}
    return [
        dataclasses.asdict(function) | {"folder": str(function.folder), "environment": names_only[function.name]}
        for function in functions.values()
    ]


class Execution:
    """One execution environment: answers frames of (function, event) one after the other."""

    def __init__(self, functions: dict[str, Function], logs: Path) -> None:
        self._functions = functions
        self._logs = logs
        self._files: dict[str, int] = {}
        declared = {name for function in functions.values() for name in function.environment}
        self._values = {name: os.environ[name] for name in declared & os.environ.keys()}

    def serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rwb")
        try:
            while True:
                name, payload = receive(stream).decode(), receive(stream)
                send(stream, *self._answer(self._functions[name], payload))
        except (EOFError, OSError):
            return

    def _answer(self, function: Function, payload: bytes) -> tuple[bytes, bytes]:
        self._write_to_log_of(function.name)
        self._show_variables_of(function)
        os.environ["AWS_LAMBDA_FUNCTION_NAME"] = function.name
        os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = str(function.memory)
        began = time.perf_counter()
        try:
            return ANSWERED, answer_of(load(function), function, payload)
        except FunctionFailed as problem:
            print(problem)
            return FAILED, str(problem).encode("utf-8", "replace")
        except Exception as problem:  # noqa: BLE001 - the import failed: Lambda answers such a call with an error, and so does this
            print(f"{function.name} can't be imported: {problem!r}")
            return FAILED, f"{function.name} can't be imported: {problem!r}".encode("utf-8", "replace")
        finally:
            print(f"REPORT {function.name} Duration: {(time.perf_counter() - began) * 1000:.1f} ms")
            sys.stdout.flush()

    def _show_variables_of(self, function: Function) -> None:
        """What the template gives another function this one does not see: what is missing in the template is missing here too."""
        for name, value in self._values.items():
            if name in function.environment:
                os.environ[name] = value
            else:
                os.environ.pop(name, None)

    def _write_to_log_of(self, name: str) -> None:
        if name not in self._files:
            self._files[name] = os.open(self._logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(self._files[name], 1)
        os.dup2(self._files[name], 2)


def import_handlers(functions: dict[str, Function]) -> dict[str, str]:
    """Import every handler. Returns what could not be imported, and why."""
    failed = {}
    for function in functions.values():
        try:
            load(function)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - whatever the module raises is that function's problem, not the others'
            failed[function.name] = f"{type(problem).__name__}: {problem}"
    return failed


def _fork(control: socket.socket, connection: socket.socket, execution: Execution) -> int:
    pid = os.fork()
    if pid:
        connection.close()
        return pid
    status = 1
    try:
        control.close()
        execution.serve(connection)
        status = 0
    finally:
        sys.stdout.flush()
        os._exit(status)


def _reap(children: set[int]) -> None:
    for child in list(children):
        if os.waitpid(child, os.WNOHANG)[0]:
            children.discard(child)


def main(control: socket.socket) -> None:
    order = json.load(sys.stdin)
    os.environ.update(order["environment"])
    functions = {function["name"]: Function(**function | {"folder": Path(function["folder"])}) for function in order["functions"]}
    failed = import_handlers(functions)
    gc.collect()
    gc.freeze()
    control.sendall(json.dumps(failed).encode() + b"\n")
    _obey(control, Execution(functions, Path(order["logs"])))


def _obey(control: socket.socket, execution: Execution) -> None:
    """Lines of FORK (with the socket of the new environment) and KILL with a number, until the control socket closes."""
    children, handles, text = set[int](), list[int](), b""
    control.settimeout(1.0)
    while True:
        _reap(children)
        try:
            message, received, _, _ = socket.recv_fds(control, 4096, 16)
        except TimeoutError:
            continue
        if not message:
            return
        handles += received
        *lines, text = (text + message).split(b"\n")
        for line in lines:
            if line == FORK:
                child = _fork(control, socket.socket(fileno=handles.pop(0)), execution)
                children.add(child)
                control.sendall(b"%d\n" % child)
            elif line.startswith(KILL) and (child := int(line[1:])) in children:
                os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
