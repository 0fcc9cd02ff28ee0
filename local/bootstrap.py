"""What `make run` runs first: any Python, nothing installed.

    python3 local/bootstrap.py [--requirements local|test] -- python -m local.run

Makes .venv if there is none (with Python 3.13 when one is found, as on AWS), installs the locked packages if the lock has changed since,
and becomes the command, with .venv in front of the path. Only the standard library, and no syntax that an old Python 3 could not read: it
must be able to say that it is too old.
"""
# ruff: noqa: UP031 - an old Python must be able to read this file

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

if False:  # for type checkers; `typing` has no NoReturn in an old Python
    from typing import NoReturn

OLDEST = (3, 11)
PREFERRED = (3, 13)
ROOT = Path(__file__).resolve().parent.parent
NAMES = ("local", "test")
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def say(text: str) -> None:
    sys.stderr.write(text + "\n")  # the output belongs to the command: TOKEN=$(make -s token)


def fail(text: str) -> "NoReturn":
    sys.stderr.write(text + "\n")
    sys.exit(1)


def version(python: str) -> "tuple[int, ...] | None":
    """(3, 13) for an interpreter that works, None for one that does not (a pyenv shim of a version that is not there)."""
    try:
        text = subprocess.check_output([python, "-c", "import sys; print('%d %d' % sys.version_info[:2])"], stderr=subprocess.DEVNULL)
        return tuple(int(part) for part in text.split())
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None


def find_python() -> str:
    """The interpreter for .venv: the wanted one, a 3.13, or the one that runs this."""
    wanted = os.environ.get("PARLEY_PYTHON")
    if wanted:
        python_version = version(wanted)
        if python_version is None or python_version < OLDEST:
            fail("PARLEY_PYTHON=%s is not a Python %d.%d or newer." % (wanted, *OLDEST))
        return wanted
    pyenv = Path(os.environ.get("PYENV_ROOT") or os.environ.get("HOME", "/") + "/.pyenv")
    for candidate in ["python3.13", *map(str, sorted(pyenv.glob("versions/3.13*/bin/python3.13"), reverse=True))]:
        if version(candidate) == PREFERRED:
            return candidate
    if sys.version_info[:2] < OLDEST:
        for candidate in ["python3.14", "python3.12", "python3.11"]:
            if version(candidate):
                return candidate
        fail(
            "Parley needs Python %d.%d or newer (%d.%d is best); this is %d.%d and no newer one was found.\n"
            "Install one, or name it: PARLEY_PYTHON=/path/to/python make run" % (*OLDEST, *PREFERRED, *sys.version_info[:2])
        )
    return sys.executable


def make_venv() -> None:
    python_version = version(str(PYTHON))
    if python_version and python_version >= OLDEST:
        return
    python = find_python()
    say("Making .venv with Python %s" % ".".join(map(str, version(python) or ())))
    shutil.rmtree(str(VENV), ignore_errors=True)
    made = subprocess.Popen([python, "-m", "venv", str(VENV)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = made.communicate()[0].decode("utf-8", "replace")
    if made.returncode or not version(str(PYTHON)):
        shutil.rmtree(str(VENV), ignore_errors=True)
        hint = ""
        if "ensurepip" in output or "No module named venv" in output:
            package = "python%s-venv" % ".".join(map(str, version(python) or ()))
            hint = "\nThis Python comes without the modules venv and ensurepip. On Debian and Ubuntu: apt install " + package
        fail("A virtual environment could not be made:\n%s%s" % (output.strip(), hint))


def pinned(name: str) -> "set[bytes]":
    """The packages of a lock, with their versions."""
    lines = (ROOT / "requirements" / (name + ".txt")).read_bytes().splitlines()
    return {line.split()[0] for line in lines if b"==" in line and not line.startswith((b" ", b"#"))}


def installed(name: str) -> "tuple[Path, str]":
    """Where the digest of the lock that was installed last stands, and that of the lock as it is."""
    digest = hashlib.sha256((ROOT / "requirements" / (name + ".txt")).read_bytes()).hexdigest()
    return VENV / (".installed-" + name), digest


def install(name: str) -> None:
    """Install a lock, unless this very lock is what was installed last; what lies whole in it counts as installed too."""
    lock = ROOT / "requirements" / (name + ".txt")
    stamp, digest = installed(name)
    if stamp.exists() and stamp.read_text() == digest:
        return
    total = len(pinned(name))
    say("Installing %d locked packages (once; a minute or less with a good connection)" % total)
    began = time.time()
    # Modules are compiled when they are first imported: most never are.
    options = ["--no-compile", "--require-hashes", "--no-deps", "--disable-pip-version-check", "--no-input", "-r", str(lock)]
    command = [str(PYTHON), "-m", "pip", "install", *options]
    pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=str(ROOT))
    lines, done = [], 0
    for raw in pip.stdout or []:
        line = raw.decode("utf-8", "replace").rstrip()
        lines.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied")):
            done += 1
            progress(done, total, line.split()[1] if line.startswith("Collecting") else "")
        elif line.startswith("Installing collected"):
            progress(total, total, "unpacking")
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    if pip.wait():
        fail("pip could not install %s:\n%s" % (lock.name, "\n".join(lines[-20:])))
    for other in NAMES:
        if pinned(other) <= pinned(name):
            path, content = installed(other)
            path.write_text(content)
    say("Installed in %.0f s" % (time.time() - began))


def progress(done: int, total: int, text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K  %d of %d  %s" % (done, total, text))
        sys.stderr.flush()
    elif done % 10 == 0 or done == total:
        say("  %d of %d" % (done, total))


def main(arguments: "list[str]") -> None:
    if "--" not in arguments:
        fail("usage: python3 local/bootstrap.py [--requirements local|test] -- command ...")
    at = arguments.index("--")
    options, command = arguments[:at], arguments[at + 1 :]
    name = options[1] if options[:1] == ["--requirements"] and len(options) == 2 else "local"
    make_venv()
    install(name)
    os.environ["VIRTUAL_ENV"] = str(VENV)
    os.environ["PATH"] = str(VENV / "bin") + os.pathsep + os.environ.get("PATH", "")
    os.environ.pop("PYTHONHOME", None)
    os.chdir(str(ROOT))
    if not command:
        return
    program = str(PYTHON) if command[0] in ("python", "python3") else command[0]
    try:
        os.execvp(program, [program, *command[1:]])
    except OSError as problem:
        fail("%s: %s" % (program, problem))


if __name__ == "__main__":
    main(sys.argv[1:])
