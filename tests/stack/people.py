"""More people in the organization that the served stack was seeded with."""

from __future__ import annotations

import os
import uuid

from parley.kernel import db
from parley.kernel.callers import ActorType, Caller
from tests.stack.conftest import Served


def joined(served: Served, count: int) -> list[str]:
    """New members; their ids."""
    from parley.identity import founding
    from parley.identity.models import MemberRole

    me = served.owner.get("/v1/identity/me").body
    before = dict(os.environ)
    os.environ.update(served.stack.environment)
    db.engine().dispose()
    try:
        caller = Caller(uuid.UUID(me["organization"]["id"]), ActorType.USER, uuid.UUID(me["user_id"]), "OWNER", frozenset({"*"}))
        with db.transaction(caller) as session:
            made = [
                founding.join(session, caller, name=f"Host {n}", email=f"{uuid.uuid4()}@acme.test", role=MemberRole.MEMBER)
                for n in range(count)
            ]
            return [str(user.id) for user in made]
    finally:
        db.engine().dispose()
        os.environ.clear()
        os.environ.update(before)
