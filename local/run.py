"""`make run` and `make demo`: the whole bundle on this machine, its flows played, then served until Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from types import FrameType

from local import settings
from local.client import Client
from local.demo import PLAYS, Played, PlayFailed, Scene
from local.emulator import ROOT
from local.environments import Environments
from local.handlers import SHARED
from local.problems import Problem
from local.seed import Seeded, seed
from local.stack import ENVIRONMENTS, PORT, SettingProblem, Stack

FOLDER = ROOT / ".local"


class HandlersFail(Problem):
    """A function that would answer every call with an error."""


class Steps:
    """Progress: each step with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:7.1f} s  {text}", flush=True)


class Ending:
    """The first Ctrl-C or SIGTERM ends the run; the ones after it must not interrupt the orderly end."""

    def __init__(self) -> None:
        self.is_near = False
        for wanted in (signal.SIGINT, signal.SIGTERM):
            signal.signal(wanted, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if not self.is_near:
            self.is_near = True
            raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    sys.path.insert(0, str(SHARED))
    try:
        values = settings.current()
        wanted = _arguments(values, arguments)
        return _guarded(values, wanted)
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except PermissionError as problem:
        print(f"\n{problem.filename} belongs to another account: run as that account, or remove {FOLDER}.", file=sys.stderr)
        return 1


def _arguments(values: dict[str, str], arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.run", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="play the flows, then end; the exit status says whether they went well")
    parser.add_argument("--port", type=int, default=_number(values, "PARLEY_PORT") or PORT, help="of the API (default: %(default)s)")
    return parser.parse_args(arguments)


def _guarded(values: dict[str, str], wanted: argparse.Namespace) -> int:
    _log_to_file()
    ending, steps = Ending(), Steps()
    try:
        stack = Stack(FOLDER, settings=values, port=wanted.port, say=steps.say)
        with stack:
            return _run(stack, values, steps, wanted.demo)
    except KeyboardInterrupt:
        return 130 if wanted.demo else 0
    finally:
        ending.is_near = True


def _number(values: dict[str, str], name: str) -> int | None:
    text = values.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise SettingProblem(f"{name}={text} is not a number.")
    return int(text)


def _run(stack: Stack, values: dict[str, str], steps: Steps, is_demo: bool) -> int:
    stack.serve(_number(values, "PARLEY_ENVIRONMENTS") or ENVIRONMENTS, retry_seconds=_number(values, "PARLEY_RETRY_SECONDS"))
    assert stack.environments is not None
    expect_imports(stack.environments)
    os.environ.update(stack.environment)
    steps.say("seeded organization")
    seeded = seed(stack)
    steps.say(f"serving {stack.url}")
    scene = Scene(stack, seeded, Client(stack.url, seeded.token), Client(stack.url))
    commands, went_well = _play(scene)
    if is_demo:
        print("\nEvery flow went as it should." if went_well else "\nA flow failed.", flush=True)
        return 0 if went_well else 1
    _invite(stack, seeded, commands)
    while True:  # in short sleeps: a signal that reaches another thread does not wake this one
        time.sleep(0.5)


def expect_imports(environments: Environments) -> None:
    """Raises `HandlersFail` with the name of each function that can't be imported, and why."""
    if environments.failed:
        raise HandlersFail(
            "These functions can't be imported:\n" + "\n".join(f"  {name}: {why}" for name, why in environments.failed.items())
        )


def _play(scene: Scene) -> tuple[list[str], bool]:
    """Play everything; a play that fails is told and the next one goes on. Returns the commands to try, and whether all went well."""
    commands: list[str] = []
    went_well = True
    for title, play in PLAYS:
        print(f"\n{title}", flush=True)
        try:
            played = play(scene)
        except (PlayFailed, OSError, LookupError, TypeError, ValueError) as problem:
            print(f"  FAILED  {type(problem).__name__}: {problem}\n          The functions' logs are in {FOLDER.name}/logs.", flush=True)
            went_well = False
            continue
        _show(played)
        commands += [command.replace("{url}", scene.stack.url) for command in played.curl]
    return commands, went_well


def _show(played: Played) -> None:
    width = min(max((len(row.step) for row in played.rows), default=0), 70)
    for row in played.rows:
        print(f"  {row.step:<{width}}  {row.outcome}")
    if played.text:
        print("\n" + "\n".join(f"    | {line}" for line in played.text.splitlines()))
    sys.stdout.flush()


def _invite(stack: Stack, seeded: Seeded, commands: list[str]) -> None:
    print(f"\nA token of {seeded.name}'s owner, good for twelve hours:\n\nTOKEN={seeded.token}\n")
    print("\n".join(commands))
    print(f"\nDocumentation: {stack.url}/docs   Logs: {FOLDER.name}/logs   Ctrl-C ends it; data stays until `make clean`.", flush=True)


def _log_to_file() -> None:
    folder = FOLDER / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=folder / "stack.log", level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
