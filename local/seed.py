"""The organization that is there when the stack starts. The same one at every start: its ids are fixed, and what exists stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from local.stack import Stack
    from parley.kernel.access.callers import Caller

ORGANIZATION = UUID("01990000-0000-7000-8000-000000000001")
OWNER = UUID("01990000-0000-7000-8000-000000000002")
NAME, SLUG, OWNER_NAME, OWNER_EMAIL = "Acme", "acme", "Ada Owner", "ada@acme.example"
PHONE_NUMBER_ID = "106540352242922"
TOKEN_LIFE = timedelta(hours=12)


@dataclass(frozen=True)
class Seeded:
    """What a client needs to know of the seeded organization."""

    organization_id: UUID
    user_id: UUID
    name: str
    token: str  # an access token of its owner


def seed(stack: Stack) -> Seeded:
    """Found the organization if it is not there, and issue a token for its owner.

    `os.environ` must hold `stack.environment`: this calls the product's services in this process, as the application's role.
    """
    # Imported here: the settings that these modules read exist only now.
    from parley.identity.models import Organization
    from parley.identity.organizations import organization_creation
    from parley.kernel.access.plans import PlanType
    from parley.kernel.persistence import transactions

    caller = _owner()
    with transactions.transaction(caller) as session:
        if session.get(Organization, ORGANIZATION) is None:
            organization_creation.create_organization(
                session, caller, name=NAME, slug=SLUG, owner_name=OWNER_NAME, owner_email=OWNER_EMAIL, plan=PlanType.BUSINESS
            )
    _connect_number()
    return Seeded(ORGANIZATION, OWNER, NAME, token(stack.environment))


def token(environment: Mapping[str, str], role: str = "OWNER") -> str:
    """A new access token of the seeded owner, or of a colleague with another role, who joins when first asked for."""
    from parley.identity.sessions import access_tokens, token_signing_keys

    kid = str(json.loads(environment["TOKEN_JWKS"])["keys"][0]["kid"])
    key = environment["TOKEN_KEY_ID"]
    bearer = access_tokens.Bearer(ORGANIZATION, OWNER if role == "OWNER" else _colleague(role), role)
    return access_tokens.issue(lambda message: token_signing_keys.sign(key, message), kid, bearer, datetime.now(UTC), TOKEN_LIFE)


def _connect_number() -> None:
    """The WhatsApp number that the recorded events in tests/events/ name."""
    from parley.inbox import service
    from parley.inbox.schemas import ConnectionCreate
    from parley.kernel.persistence import transactions

    caller = _owner()
    wanted = {"platform": "WHATSAPP", "phone_number_id": PHONE_NUMBER_ID, "access_token": "x" * 40, "display_name": "Support"}
    try:
        with transactions.transaction(caller) as session:
            service.connect_number(session, caller, ConnectionCreate.model_validate(wanted))
    except service.NumberTaken:
        pass  # connected at an earlier start


def _owner() -> Caller:
    from parley.kernel.access.callers import ActorType, Caller

    return Caller(ORGANIZATION, ActorType.USER, OWNER, "OWNER", frozenset({"*"}))


def _colleague(role: str) -> UUID:
    from sqlalchemy import select

    from parley.identity.models import MemberRole, User
    from parley.identity.organizations import organization_creation
    from parley.kernel.persistence import transactions

    caller, email = _owner(), f"{role.lower()}@acme.example"
    with transactions.transaction(caller) as session:
        user_id = session.scalar(select(User.id).where(User.email == email))
        return (
            user_id
            or organization_creation.add_member(session, caller, name=f"{role.title()} of {NAME}", email=email, role=MemberRole(role)).id
        )
