"""What README.md tells a stranger to type is true, as it stands there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from local.emulator import ROOT
from tests.stack.conftest import ServedStack

# `make mail` asks the stack of the checkout; here it is the one that is being tested.
MAKE = """
make() {{ {python} - <<'END'
import time
from local.emulator import mails
from local.mail import shown
for _ in range(100):
    sent = [mail for mail in mails("{emulator}") if "eve@" in str(mail["to"])]
    if sent:
        break
    time.sleep(0.1)
print(shown(sent[-1]))
END
}}
"""


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("bash"), reason="the quick start is written for a shell with curl")
def test_the_quick_start_of_the_readme(served: ServedStack) -> None:
    [commands] = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert "http://127.0.0.1:3000" in commands
    make = MAKE.format(python=sys.executable, emulator=served.stack.emulator.endpoint)
    script = f"set -euo pipefail\n{make}\n{commands.replace('http://127.0.0.1:3000', served.stack.url)}"
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False, env=os.environ)
    assert run.returncode == 0, run.stderr
    bookings = run.stdout[run.stdout.rindex('{"items"') :]
    me = run.stdout[run.stdout.rindex('{"user_id"') :].removesuffix(bookings)
    assert json.loads(bookings) == {"items": [], "next_cursor": None}
    seen = json.loads(me)
    assert (seen["email"], seen["role"], seen["organization"]["slug"]) == ("eve@example.com", "OWNER", "example")
