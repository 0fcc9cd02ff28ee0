"""`make token`: an access token of the seeded organization's owner, or of a colleague with another role, for the stack that runs."""

from __future__ import annotations

import argparse
import sys

from local import running_stack
from local.problems import Problem
from local.seed import token

ROLES = ("OWNER", "ADMIN", "MEMBER", "VIEWER")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.token", description=__doc__)
    parser.add_argument("--role", choices=ROLES, default="OWNER", type=str.upper)
    role: str = parser.parse_args().role
    try:
        environment = running_stack.enter()
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    print(token(environment, role))
    return 0


if __name__ == "__main__":
    sys.exit(main())
