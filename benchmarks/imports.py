"""What it costs to import a handler, in CPU of a fresh interpreter: most of a cold start.

"Without bytecode" is a layer without compiled files: the standard library has its own, the packages and our code are compiled each time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.measurement import Row, Table, show
from local.template import Function, load

ROOT = Path(__file__).resolve().parents[1]
SHARED, SCRIPTS = ROOT / "shared", ROOT / "benchmarks"
TYPICAL = ("scheduling/create_booking", "inbox/receive_webhook", "identity/authorize", "scheduling/on_booking_changed")
ROUNDS, TYPICAL_ROUNDS, UNCOMPILED_ROUNDS, TRACED_ROUNDS = 3, 7, 3, 3
LEAST_SHOWN = 0.02


@dataclass(frozen=True)
class Import:
    """Milliseconds of CPU until a module was there, which of the watched libraries came with it, and its parts if it was traced."""

    cpu: float
    loaded: list[str]
    own: dict[str, float]


class Interpreter:
    """Fresh interpreters that find bytecode in a folder of ours alone, so that nothing depends on what lies in the tree."""

    def __init__(self, folder: Path, functions: list[Function]) -> None:
        self._folder = folder
        self._compiled = folder / "compiled"
        self._standard = folder / "standard"
        self._compile(functions)
        folders = {f"{self._compiled}{SHARED}", f"{self._compiled}{ROOT / 'functions'}"}
        shutil.copytree(
            self._compiled,
            self._standard,
            ignore=lambda at, names: [name for name in names if name == "site-packages" or f"{at}/{name}" in folders],
        )

    def _compile(self, functions: list[Function]) -> None:
        """Import everything once, so that its bytecode is there."""
        files = [str(function.folder / f"{function.module}.py") for function in functions]
        self._ask(self._compiled, [SHARED], [str(SCRIPTS / "compile_imports.py"), *files])
        self.run(None)
        self.run(functions[0], is_traced=True)

    def run(self, function: Function | None, *, has_bytecode: bool = True, is_traced: bool = False) -> Import:
        """Import a handler's module; None: nothing."""
        places = [SHARED] if function is None else [function.folder, SHARED]
        prefix = self._compiled if has_bytecode else self._standard
        script = [str(SCRIPTS / "fresh_import.py"), function.module if function else "", *(["traced"] if is_traced else [])]
        report = json.loads(self._ask(prefix, places, script, may_write=has_bytecode))
        return Import(report["cpu"] * 1000, report["loaded"], {name: cost * 1000 for name, cost in report["own"].items()})

    def _ask(self, prefix: Path, places: list[Path], script: list[str], *, may_write: bool = True) -> bytes:
        environment = {"PYTHONPATH": os.pathsep.join(map(str, places))} | ({} if may_write else {"PYTHONDONTWRITEBYTECODE": "1"})
        command = [sys.executable, "-P", "-X", f"pycache_prefix={prefix}", *script]
        return subprocess.run(command, env=environment, cwd=self._folder, check=True, capture_output=True).stdout  # noqa: S603  # ours


def _name(function: Function) -> str:
    return f"{function.folder.name}/{function.module}"


def _costs(interpreter: Interpreter, functions: dict[str, Function]) -> list[Row]:
    bare: list[float] = []
    taken: dict[str, list[Import]] = defaultdict(list)
    for turn in range(TYPICAL_ROUNDS):
        bare.append(interpreter.run(None).cpu)
        for name, function in functions.items():
            if turn < ROUNDS or name in TYPICAL:
                taken[name].append(interpreter.run(function))
    return [
        Row.of(name, [run.cpu for run in runs], "ms", "Python alone", bare[: len(runs)], ", ".join(runs[0].loaded))
        for name, runs in taken.items()
    ]


def _uncompiled(interpreter: Interpreter, name: str, function: Function) -> Row:
    pairs = [(interpreter.run(function).cpu, interpreter.run(function, has_bytecode=False).cpu) for _ in range(UNCOMPILED_ROUNDS)]
    return Row.of(name, [cpu for cpu, _ in pairs], "ms", "without bytecode", [uncompiled_cpu for _, uncompiled_cpu in pairs])


def _made_of(interpreter: Interpreter, name: str, function: Function) -> list[Row]:
    runs = [_groups(interpreter.run(function, is_traced=True).own, function) for _ in range(TRACED_ROUNDS)]
    parts = {part: median(run.get(part, 0.0) for run in runs) for run in runs for part in run}
    whole = sum(parts.values())
    shown = {part: cost for part, cost in parts.items() if cost / whole >= LEAST_SHOWN}
    rest = {"others": whole - sum(shown.values())}
    ordered = sorted(shown.items(), key=lambda part: -part[1])
    return [Row.exact(f"{name}: {part}", cost, "ms", "all of it", whole) for part, cost in [*ordered, *rest.items()]]


def _groups(own: dict[str, float], function: Function) -> dict[str, float]:
    groups: dict[str, float] = defaultdict(float)
    for package, cost in own.items():
        is_standard = package in sys.stdlib_module_names or package.startswith("_sysconfig")
        groups["standard library" if is_standard else "parley" if package == function.module else package] += cost
    return groups


def measure() -> list[Table]:
    """Every handler; typical ones without bytecode, and what these are made of."""
    functions = {_name(function): function for function in load(ROOT / "template.yaml").functions.values()}
    functions = {name: handler for name, handler in sorted(functions.items()) if (handler.folder / f"{handler.module}.py").exists()}
    typical = {name: functions[name] for name in TYPICAL if name in functions}
    with tempfile.TemporaryDirectory(prefix="parley-imports-") as folder:
        interpreter = Interpreter(Path(folder), list(functions.values()))
        return [
            Table("Import of each handler, with bytecode: CPU, and which libraries come with it", _costs(interpreter, functions)),
            Table("Import with and without bytecode: CPU", [_uncompiled(interpreter, *item) for item in typical.items()]),
            Table("What an import is made of: CPU", [row for item in typical.items() for row in _made_of(interpreter, *item)]),
        ]


if __name__ == "__main__":
    show(measure())
