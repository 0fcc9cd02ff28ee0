"""`make organization`, `make plan`, `make user`, `make key`: what an operator makes by hand, in the bundle that runs on this machine.

They call the product's services as the application's role does, so its policies and constraints hold; addresses count as proven, and
seats are not counted. What was made is printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from local import running_stack
from local.problems import Problem
from local.seed import ORGANIZATION, TOKEN_LIFE

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from parley.kernel.access.callers import Caller


def organization(environment: Mapping[str, str], name: str, email: str, plan: str, slug: str = "") -> dict[str, Any]:
    """An organization with a new account as its owner, and a token of that owner."""
    from parley.identity.members.schemas import InvitationCreate
    from parley.identity.organizations import organization_creation
    from parley.identity.organizations.schemas import OrganizationCreate
    from parley.kernel.access.callers import ActorType, Caller
    from parley.kernel.access.plans import PlanType
    from parley.kernel.persistence import transactions
    from parley.kernel.values.ids import new_id

    wanted = OrganizationCreate(name=name, slug=slug or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"))
    owner = {"owner_name": email.partition("@")[0], "owner_email": InvitationCreate(email=email).email}
    caller = Caller(new_id(), ActorType.USER, new_id(), "OWNER", frozenset({"*"}))
    with transactions.transaction(caller) as session:
        organization_creation.create_organization(session, caller, name=wanted.name, slug=wanted.slug, plan=PlanType(plan), **owner)
    return {"organization_id": str(caller.organization_id), "slug": wanted.slug} | _person(environment, caller)


def user(environment: Mapping[str, str], organization_id: UUID, name: str, email: str, role: str) -> dict[str, Any]:
    """A new account that belongs to the organization, and a token of it."""
    from parley.identity.members.schemas import InvitationCreate
    from parley.identity.models import MemberRole
    from parley.identity.organizations import organization_creation
    from parley.kernel.access.callers import ActorType, Caller, system
    from parley.kernel.persistence import transactions

    address, caller = InvitationCreate(email=email).email, system(organization_id)
    with transactions.transaction(caller) as session:
        _owner(session, organization_id)
        made = organization_creation.add_member(
            session, caller, name=name or address.partition("@")[0], email=address, role=MemberRole(role)
        )
    return _person(environment, Caller(organization_id, ActorType.USER, made.id, role))


def plan(organization_id: UUID, name: str, mail_limit: int | None) -> dict[str, Any]:
    """Give an organization its plan, and a number of mails a day of its own. Nobody does that for themselves."""
    from parley.identity.billing import plan_changes
    from parley.kernel.access.callers import system
    from parley.kernel.access.plans import PlanType
    from parley.kernel.persistence import transactions

    caller = system(organization_id)
    with transactions.transaction(caller) as session:
        made = plan_changes.set_plan(session, caller, PlanType(name), reason="operator", mail_limit=mail_limit)
        return {"organization_id": str(organization_id), "plan": made.plan.value, "mail_limit": made.mail_limit}


def key(organization_id: UUID, label: str, permissions: list[str]) -> dict[str, Any]:
    """An API key of the organization, made by its owner. It is shown here and never again."""
    from parley.identity.keys import api_keys
    from parley.identity.keys.schemas import ApiKeyCreate
    from parley.kernel.access.callers import ActorType, Caller, system
    from parley.kernel.persistence import transactions

    wanted = ApiKeyCreate(label=label, permissions=permissions)
    with transactions.transaction(system(organization_id)) as session:
        owner_id = _owner(session, organization_id)
    caller = Caller(organization_id, ActorType.USER, owner_id, "OWNER", frozenset({"*"}))
    with transactions.transaction(caller) as session:
        made, secret = api_keys.make_key(session, caller, wanted)
    return {"api_key_id": str(made.id), "label": label, "permissions": made.permissions, "key": secret}


def _owner(session: Session, organization_id: UUID) -> UUID:
    from sqlalchemy import select

    from parley.identity.models import Organization

    owner_id = session.scalar(select(Organization.owner_id).where(Organization.id == organization_id))
    if owner_id is None:
        raise Problem(f"There is no organization {organization_id}.")
    return owner_id


def _person(environment: Mapping[str, str], caller: Caller) -> dict[str, Any]:
    from parley.identity.sessions import access_tokens, token_signing_keys

    assert caller.actor_id is not None
    key = environment["TOKEN_KEY_ID"]
    kid = str(json.loads(environment["TOKEN_JWKS"])["keys"][0]["kid"])
    bearer = access_tokens.Bearer(caller.organization_id, caller.actor_id, caller.role)
    token = access_tokens.issue(lambda message: token_signing_keys.sign(key, message), kid, bearer, datetime.now(UTC), TOKEN_LIFE)
    return {"user_id": str(caller.actor_id), "role": caller.role, "token": token}


def main(arguments: list[str] | None = None) -> int:
    wanted = _parser().parse_args(arguments)
    try:
        environment = running_stack.enter()
        from pydantic import ValidationError

        from parley.kernel.values.errors import Refusal

        try:
            print(json.dumps(_made(environment, wanted), indent=1))
        except Refusal as refusal:
            raise Problem(refusal.detail) from refusal
        except ValidationError as error:
            messages = (f"{detail['loc'][0]} {detail['input']}: {detail['msg'].removeprefix('Value error, ')}" for detail in error.errors())
            raise Problem("; ".join(messages)) from error
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _made(environment: Mapping[str, str], wanted: argparse.Namespace) -> dict[str, Any]:
    if wanted.what == "organization":
        return organization(environment, wanted.name, wanted.email, wanted.plan, wanted.slug)
    if wanted.what == "user":
        return user(environment, _id(wanted.organization), wanted.name, wanted.email, wanted.role)
    if wanted.what == "plan":
        return plan(_id(wanted.organization), wanted.plan, wanted.mail_limit)
    return key(_id(wanted.organization), wanted.label, wanted.permissions.split())


def _id(text: str) -> UUID:
    try:
        return UUID(text) if text else ORGANIZATION
    except ValueError:
        raise Problem(f"{text} is not the id of an organization.") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.admin", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    founded = commands.add_parser("organization", usage="make organization NAME=Globex EMAIL=gus@globex.example [SLUG=globex] [PLAN=PRO]")
    founded.add_argument("--name", required=True, type=_given)
    founded.add_argument("--email", required=True, type=_given)
    founded.add_argument("--slug", default="")
    founded.add_argument("--plan", choices=("FREE", "PRO", "BUSINESS"), default="BUSINESS", type=str.upper)
    joined = commands.add_parser("user", usage="make user EMAIL=eva@acme.example [NAME='Eva Smith'] [ROLE=ADMIN] [ORGANIZATION=its id]")
    joined.add_argument("--organization", default="", help="its id; the seeded one without")
    joined.add_argument("--email", required=True, type=_given)
    joined.add_argument("--name", default="")
    joined.add_argument("--role", choices=("ADMIN", "MEMBER", "VIEWER"), default="MEMBER", type=str.upper)
    plan_parser = commands.add_parser("plan", usage="make plan PLAN=PRO [ORGANIZATION=its id] [MAIL_LIMIT=500]")
    plan_parser.add_argument("--organization", default="", help="its id; the seeded one without")
    plan_parser.add_argument("--plan", choices=("FREE", "PRO", "BUSINESS"), required=True, type=str.upper)
    plan_parser.add_argument("--mail-limit", type=int, help="mails a day, instead of what age and plan allow")
    opened = commands.add_parser("key", usage="make key [PERMISSIONS='bookings:read event_types:read'] [ORGANIZATION=its id]")
    opened.add_argument("--organization", default="", help="its id; the seeded one without")
    opened.add_argument("--label", default="made by hand")
    opened.add_argument("--permissions", required=True, type=_given, help="scopes, or READ_ONLY, STANDARD, FULL, ADMIN")
    return parser


def _given(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text.strip()


if __name__ == "__main__":
    sys.exit(main())
