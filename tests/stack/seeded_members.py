"""More people in the organization that the served stack was seeded with."""

from __future__ import annotations

import os
import uuid

from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.persistence import transactions
from tests.stack.conftest import ServedStack


def joined(served: ServedStack, count: int) -> list[str]:
    """New members; their ids."""
    from parley.identity.models import MemberRole
    from parley.identity.organizations import organization_creation

    me = served.owner.get("/v1/identity/me").body
    before = dict(os.environ)
    os.environ.update(served.stack.environment)
    transactions.engine().dispose()
    try:
        caller = Caller(uuid.UUID(me["organization"]["id"]), ActorType.USER, uuid.UUID(me["user_id"]), "OWNER", frozenset({"*"}))
        with transactions.transaction(caller) as session:
            made = [
                organization_creation.add_member(
                    session, caller, name=f"Host {n}", email=f"{uuid.uuid4()}@acme.test", role=MemberRole.MEMBER
                )
                for n in range(count)
            ]
            return [str(user.id) for user in made]
    finally:
        transactions.engine().dispose()
        os.environ.clear()
        os.environ.update(before)
