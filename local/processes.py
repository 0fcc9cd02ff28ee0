"""Child processes of the local stack: started apart from the terminal's signals, stopped for certain."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil


def stop(process: subprocess.Popen[bytes], signals: tuple[signal.Signals, ...], patience: float) -> None:
    """Send one signal after the other until the process is gone; SIGKILL is the last word."""
    for wanted in (*signals, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(wanted)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def stop_stranger(pid: int, signals: tuple[signal.Signals, ...], patience: float) -> None:
    """The same for a process that an earlier run left behind."""
    for wanted in (*signals, signal.SIGKILL):
        try:
            os.kill(pid, wanted)
            psutil.Process(pid).wait(patience)
        except (ProcessLookupError, psutil.NoSuchProcess):
            return
        except psutil.TimeoutExpired:
            continue


def runs(pid: int, *words: str) -> bool:
    """Whether the process exists, is no zombie, and has each of the words in its command line."""
    try:
        process = psutil.Process(pid)
        command = " ".join(process.cmdline())
        return process.status() != psutil.STATUS_ZOMBIE and all(word in command for word in words)
    except psutil.Error:
        return False


def tail(path: Path, lines: int = 15) -> str:
    """The end of a log, for a message about what went wrong."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"


def until(condition: Callable[[], object], seconds: float, pause: float = 0.02) -> bool:
    """Wait until the callable answers true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
