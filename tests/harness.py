"""What tests stand on: the whole stack on this machine, and clients that come in by the front door."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import Select

from local.client import Answer
from local.gateway import Gateway
from local.handlers import in_process
from local.http_api import Request
from local.pump import event_sources
from local.stack import Stack
from local.template import Template
from parley.identity.accounts import user_accounts
from parley.identity.models import MemberRole, UserSession
from parley.identity.organizations import organization_creation
from parley.identity.sessions import access_tokens, token_signing_keys
from parley.kernel.access.callers import NOWHERE, ActorType, Caller, system
from parley.kernel.access.plans import PlanType
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id

__all__ = ["Answer", "Client", "Member", "Person", "World", "recorded", "sqs_event"]


@dataclass
class Client:
    """Somebody who talks to the API, with a token or without."""

    world: World
    token: str | None = None
    ip: str = field(default="127.0.0.1", kw_only=True)

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, query: Mapping[str, Any] | None = None
    ) -> Answer:
        """One request through gateway, authorizer and handler. `body`: bytes as they are, anything else as JSON."""
        sent = {"content-type": "application/json"} if body is not None else {}
        sent |= {"authorization": f"Bearer {self.token}"} if self.token else {}
        sent |= dict(headers or {})
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        target = f"{path}?{urlencode({name: value for name, value in query.items() if value is not None})}" if query else path
        response = self.world.gateway.handle(Request(method, target, tuple(sent.items()), content, self.ip))
        return Answer(response.status, dict(response.headers), response.body)

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: Any) -> Answer:
        return self.request("GET", path, None, headers, query)

    def post(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("POST", path, {} if body is None else body, headers)

    def put(self, path: str, body: Any = None) -> Answer:
        return self.request("PUT", path, {} if body is None else body)

    def patch(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("PATCH", path, {} if body is None else body, headers)

    def delete(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("DELETE", path, None, headers)


@dataclass
class Member(Client):
    """A member of an organization."""

    organization_id: UUID = field(default_factory=new_id)
    user_id: UUID = field(default_factory=new_id)
    role: str = "OWNER"

    @property
    def caller(self) -> Caller:
        """For calling a service directly, where a test needs a transaction of its own."""
        return Caller(self.organization_id, ActorType.USER, self.user_id, self.role, frozenset({"*"}))

    def as_role(self, role: str) -> Member:
        """A new colleague with that role."""
        with transactions.transaction(self.caller) as session:
            user = organization_creation.add_member(
                session, self.caller, name=f"{role.title()} Person", email=f"{new_id()}@acme.test", role=MemberRole(role)
            )
        return self.world.member(self.organization_id, user.id, role)

    def key(self, *permissions: str, **wanted: Any) -> Keyed:
        """A program with an API key that this member has made."""
        answer = self.post("/v1/identity/api-keys", {"label": "A key", "permissions": permissions or ("*",)} | wanted)
        assert answer.status == 201, answer.raw
        return Keyed(self.world, answer.body["key"], UUID(answer.body["id"]))

    def rows(self, statement: Select[Any]) -> Sequence[Any]:
        """What the tenant's tables hold: rows, or objects where one entity is selected. Deleted ones too."""
        with transactions.transaction(system(self.organization_id)) as session:
            result = session.execute(statement, execution_options={"with_deleted": True})
            return result.scalars().all() if len(statement.column_descriptions) == 1 else result.all()


@dataclass
class Person(Client):
    """A user with a verified address who has chosen no organization."""

    user_id: UUID = field(default_factory=new_id)
    email: str = ""

    def at(self, organization_id: UUID, role: str) -> Member:
        """The same person, working for an organization."""
        return self.world.member(organization_id, self.user_id, role)


@dataclass
class Keyed(Client):
    """A program with an API key."""

    id: UUID = field(default_factory=new_id)


class World:
    """The stack, with handlers called in this process."""

    def __init__(self, stack: Stack, deployed: Template | None = None) -> None:
        """deployed: the template whose functions answer routes, if it is another than the stack's."""
        self.stack = stack
        self.template = stack.template
        self.deployed = deployed or stack.template
        self.invoke_function = in_process({**self.deployed.functions, **self.template.functions})
        self.gateway = Gateway(self.deployed, self.invoke_function)
        stack.invocations.invoke = self.invoke_function
        self.sources = event_sources(self.template, stack.clients, stack.attributes, self.invoke_function, retry_seconds=0)
        self._mails: list[dict[str, Any]] = []

    @cached_property
    def kid(self) -> str:
        return str(json.loads(os.environ["TOKEN_JWKS"])["keys"][0]["kid"])

    def token(self, organization_id: UUID | None, user_id: UUID, role: str | None, **other: Any) -> str:
        """A token signed by the stack's KMS key."""
        bearer = access_tokens.Bearer(organization_id, user_id, role, other.pop("session_id", None))
        sign = lambda message: token_signing_keys.sign(os.environ["TOKEN_KEY_ID"], message)  # noqa: E731  # one expression, used once
        return access_tokens.issue(sign, self.kid, bearer, other.pop("now", datetime.now(UTC)), **other)

    def member(self, organization_id: UUID, user_id: UUID, role: str) -> Member:
        return Member(self, self.token(organization_id, user_id, role), organization_id, user_id, role)

    def person(self, email: str | None = None, name: str = "Some Person", *, is_verified: bool = True) -> Person:
        """A new account that belongs to no organization; its person has logged in just now."""
        user_id = new_id()
        caller, address = Caller(NOWHERE, ActorType.USER, user_id), email or f"{user_id}@person.test"
        with transactions.personal(caller) as session:
            user_accounts.create(
                session, id=user_id, email=address, name=name, email_verified_at=datetime.now(UTC) if is_verified else None
            )
            begun = UserSession(id=new_id(), user_id=user_id, methods=["email"], expires_at=datetime.now(UTC) + timedelta(days=7))
            session.add(begun)
        return Person(self, self.token(None, user_id, None, session_id=begun.id), user_id, address)

    def organization(self, name: str, plan: PlanType | None = None) -> Member:
        """A new organization; the client is its owner. Without a plan named, there is room enough for any test."""
        terms: dict[str, Any] = (
            {"plan": plan} if plan else {"plan": PlanType.BUSINESS, "seat_limit": 1000, "request_limit": 1_000_000, "mail_limit": 100_000}
        )
        caller = Caller(new_id(), ActorType.USER, new_id(), "OWNER", frozenset({"*"}))
        with transactions.transaction(caller) as session:
            slug, email = f"{name.lower()}-{caller.organization_id.hex}", f"{caller.actor_id}@{name.lower()}.test"
            organization_creation.create_organization(
                session, caller, name=name, slug=slug, owner_name=f"Owner of {name}", owner_email=email, **terms
            )
        assert caller.actor_id is not None
        return self.member(caller.organization_id, caller.actor_id, "OWNER")

    def give_plan(self, organization_id: UUID, plan: str) -> None:
        """As an operator does."""
        self.invoke("identity/set_plan", {"organization_id": str(organization_id), "plan": plan})

    def forget_callers(self) -> None:
        """What the gateway remembers of the authorizer is forgotten, as when its minute is over."""
        self.gateway = Gateway(self.deployed, self.invoke_function)

    def authorized(self, secret: str) -> dict[str, Any]:
        """What the authorizer says of a token or key: its context. Empty when it names nobody."""
        answer = self.invoke("identity/authorize", {"identitySource": [f"Bearer {secret}"], "requestContext": {}})
        assert answer["isAuthorized"]
        context: dict[str, Any] = answer["context"]
        return {} if "refused" in context else context

    def invoke(self, name: str, event: Any) -> Any:
        """Call a function by its file, `inbox/on_webhook_received`, with an event."""
        domain, _, module = name.partition("/")
        function = next(
            candidate for candidate in self.template.functions.values() if (candidate.folder.name, candidate.module) == (domain, module)
        )
        return self.invoke_function(function.name, event)

    def pump(self) -> int:
        """Publish what waits in the outbox and give every queued message to its worker, until nothing is left. Returns how many were given.

        A failed message comes back at once, until its queue's redrive policy puts it aside.
        """
        total = 0
        while True:
            self.invoke("platform/relay_outbox", {"Records": []})
            waiting = set(self.stack.emulator.waiting())
            delivered = sum(source.once() for source in self.sources.values() if source.url.rpartition("/")[2] in waiting)
            total += delivered
            if not delivered:
                return total

    def forget_events(self) -> None:
        """Nothing waits any more: what one module's tests have announced is not delivered at the cost of another's."""
        with self.stack.postgres.superuser("parley") as superuser:
            superuser.run("DELETE FROM outbox_events")
        self.stack.emulator.forget_messages()

    def queue_url(self, logical_id: str) -> str:
        return str(self.stack.attributes[logical_id])

    def queued(self, logical_id: str) -> list[str]:
        """The bodies of the messages in a queue; they stay there."""
        got = self.stack.clients.sqs.receive_message(QueueUrl=self.queue_url(logical_id), MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in got.get("Messages", [])]

    def mails(self) -> list[dict[str, Any]]:
        """What was sent: id, from, to, raw."""
        self._mails += self.stack.emulator.mails(after=len(self._mails))
        return list(self._mails)


def sqs_event(*bodies: str) -> dict[str, Any]:
    """An event with messages of a queue, for `World.invoke`."""
    records = [
        {"messageId": f"message-{at}", "receiptHandle": f"handle-{at}", "body": body, "attributes": {}, "eventSource": "aws:sqs"}
        for at, body in enumerate(bodies)
    ]
    return {"Records": records}


def recorded(name: str) -> Any:
    """A recorded event of tests/events/."""
    return json.loads((Path(__file__).parent / "events" / f"{name}.json").read_text())
