"""`make oldest`: imports every handler with the oldest Python that pyproject.toml promises.

That Python gets an environment of its own, with the locked packages that the bundle runs with. mypy, which is told the same version,
knows what its standard library lacks; an import shows what a package, or a decorator at work, needs. Where there is no such Python this
says so and fails nothing: `make types` has looked all the same.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from local import bootstrap
from local.emulator import ROOT

VENV = ROOT / ".venv-oldest"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements" / "local.txt"
IMPORTS = "from local import oldest_python; oldest_python.import_all()"


def promised() -> tuple[int, int]:
    """The lowest version of `requires-python`."""
    [(major, minor)] = re.findall(r'^requires-python = ">=(\d+)\.(\d+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    return int(major), int(minor)


def find() -> str | None:
    """An interpreter of exactly that version."""
    wanted = promised()
    name = "python{}.{}".format(*wanted)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    places = [f"/usr/bin/{name}", f"/usr/local/bin/{name}", shutil.which(name) or ""]
    candidates = [sys.executable, *sorted(map(str, pyenv.glob(f"versions/{wanted[0]}.{wanted[1]}.*/bin/{name}"))), *places]
    return next((each for each in candidates if each and bootstrap.version(each) == wanted), None)


def make(python: str) -> None:
    """The environment, once for a lock. The lock is copied there when all of it is installed."""
    stamp = VENV / "installed.txt"
    if stamp.exists() and stamp.read_bytes() == LOCK.read_bytes() and bootstrap.version(str(PYTHON)) == promised():
        return
    print("Installing the locked packages into {} for Python {}.{} (once; about a minute)".format(VENV.name, *promised()), flush=True)
    subprocess.run([python, "-m", "venv", "--clear", str(VENV)], check=True)
    options = ["--quiet", "--no-compile", "--require-hashes", "--no-deps", "--no-input", "--disable-pip-version-check"]
    subprocess.run([str(PYTHON), "-m", "pip", "install", *options, "-r", str(LOCK)], check=True)
    shutil.copy(LOCK, stamp)


def import_all() -> None:
    """Import every handler, in this very Python. Ends with the names of those that can't be."""
    from local.execution import import_handlers
    from local.template import load

    functions = load(ROOT / "template.yaml").functions
    failed = import_handlers(dict(functions))
    version = "{}.{}.{}".format(*sys.version_info)
    if failed:
        sys.exit(f"Python {version} can't import:\n" + "\n".join(f"  {name}: {why}" for name, why in failed.items()))
    print(f"Python {version} imports all {len(functions)} handlers")


def main() -> int:
    python = find()
    if python is None:
        text = "NOT CHECKED: there is no Python {}.{} here, the oldest that is promised; no handler was imported with it.".format(
            *promised()
        )
        print(f"{'*' * len(text)}\n{text}\n{'*' * len(text)}", file=sys.stderr)
        return 0
    make(python)
    clean = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")}
    return subprocess.run([str(PYTHON), "-c", IMPORTS], cwd=ROOT, env=clean | {"PYTHONDONTWRITEBYTECODE": "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
