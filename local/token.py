"""A token of the seeded organization, from the stack that runs: `python -m local.token [--role VIEWER]` prints it and nothing else."""

from __future__ import annotations

import argparse
import json
import os
import sys

from local.run import FOLDER
from local.seed import ORGANIZATION, OWNER


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.token", description=__doc__)
    parser.add_argument("--role", choices=["OWNER", "ADMIN", "MEMBER", "VIEWER"], default="OWNER", help="default: %(default)s")
    role = parser.parse_args().role
    card = FOLDER / "stack.json"
    if not card.exists():
        print("No stack is running here: start one with `make run`.", file=sys.stderr)
        return 1
    os.environ.update(json.loads(card.read_text())["environment"])

    from datetime import UTC, datetime

    from parley.identity import founding, signing_keys, tokens
    from parley.identity.models import MemberRole
    from parley.kernel import db
    from parley.kernel.callers import ActorType, Caller
    from parley.kernel.ids import new_id

    user_id = OWNER
    if role != "OWNER":
        owner = Caller(ORGANIZATION, ActorType.USER, OWNER, "OWNER", frozenset({"*"}))
        with db.transaction(owner) as session:
            user_id = founding.join(
                session, owner, name=f"{role.title()} of Acme", email=f"{new_id().hex}@acme.example", role=MemberRole(role)
            ).id
    kid = json.loads(os.environ["TOKEN_JWKS"])["keys"][0]["kid"]
    bearer = tokens.Bearer(ORGANIZATION, user_id, role)
    print(tokens.issue(lambda message: signing_keys.sign(os.environ["TOKEN_KEY_ID"], message), kid, bearer, datetime.now(UTC)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
