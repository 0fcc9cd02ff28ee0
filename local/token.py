"""`make token`: an access token of the seeded organization's owner, or of a colleague with another role, for the stack that runs."""

from __future__ import annotations

import argparse
import json
import os
import sys

from local.emulator import ROOT
from local.handlers import SHARED
from local.seed import token
from local.stack import CARD

ROLES = ("OWNER", "ADMIN", "MEMBER", "VIEWER")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.token", description=__doc__)
    parser.add_argument("--role", choices=ROLES, default="OWNER", type=str.upper)
    role: str = parser.parse_args().role
    card = ROOT / ".local" / CARD
    if not card.exists():
        print("No stack is running: start `make run` in another terminal.", file=sys.stderr)
        return 1
    environment: dict[str, str] = json.loads(card.read_text())["environment"]
    sys.path.insert(0, str(SHARED))
    os.environ.update(environment)
    print(token(environment, role))
    return 0


if __name__ == "__main__":
    sys.exit(main())
