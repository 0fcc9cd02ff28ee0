from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from local import settings
from local.emulator import ROOT


def test_env_files_are_read_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# comment\nexport MAIL_FROM='a b@c.example'\nPUBLIC_URL = http://x?a=b#c \nEMPTY=\nnot a line\n")
    assert settings.read(path) == {"MAIL_FROM": "a b@c.example", "PUBLIC_URL": "http://x?a=b#c", "EMPTY": ""}


def test_the_shell_wins_and_foreign_credentials_stay_outside(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("MAIL_FROM=file@x.example\nPARLEY_PORT=3001\nUNKNOWN=1\n")
    shell = {"MAIL_FROM": "shell@x.example", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "real", "HOME": "/"}
    assert settings.current(shell, path) == {"MAIL_FROM": "shell@x.example", "PARLEY_PORT": "3001"}
    with_endpoint = settings.current(shell | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, path)
    assert with_endpoint["AWS_ACCESS_KEY_ID"] == "AKIA"


def test_every_setting_of_the_code_is_in_the_example() -> None:
    used: set[str] = set()
    for path in [*(ROOT / "shared").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        used |= set(re.findall(r"(?:setting|is_set)\(\"([A-Z_]+)\"", path.read_text()))
    assert used - set(settings.names()) <= {"AWS_LAMBDA_FUNCTION_NAME", "AWS_DEFAULT_REGION"}


def test_a_taken_port_ends_the_run_with_a_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "local.run", "--demo", "--port", str(taken.getsockname()[1])]
        run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=20, check=False)
    assert run.returncode == 1
    assert "is taken" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_first_step_says_when_no_python_will_do(tmp_path: Path) -> None:
    """As far as it can be tried with the Python at hand: the wanted interpreter is no Python."""
    copy = tmp_path / "local" / "bootstrap.py"
    copy.parent.mkdir()
    copy.write_text((ROOT / "local" / "bootstrap.py").read_text())
    environment = os.environ | {"PARLEY_PYTHON": "/bin/false"}
    run = subprocess.run([sys.executable, copy, "--", "true"], capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 1
    assert "PARLEY_PYTHON=/bin/false is not a Python 3.11 or newer" in run.stderr
