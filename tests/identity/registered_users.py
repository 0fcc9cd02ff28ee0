"""People who come in by the front door: they register, open the mail, and log in."""

from __future__ import annotations

import email
import email.policy
import itertools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.client import Answer
from parley.identity.sessions.session_cookies import COOKIE
from parley.kernel.values.ids import new_id
from tests.harness import Client, World

PASSWORD = "a window over the harbour 7"
_TURN = itertools.count(1)


def address() -> str:
    return f"person-{new_id().hex}@people.example"


@dataclass
class ReceivedMail:
    subject: str
    text: str
    html: str
    recipient: str

    @property
    def token(self) -> str:
        match = re.search(re.escape(os.environ["PUBLIC_URL"]) + r"/links/([\w-]+)", self.text)
        assert match, self.text
        return match[1]


def received_mails(world: World, recipient: str) -> list[ReceivedMail]:
    """What was sent to an address, oldest first."""
    world.pump()
    mails = []
    for sent in world.mails():
        if recipient.lower() in str(sent["to"]).lower():
            message = email.message_from_string(sent["raw"], policy=email.policy.default)
            bodies = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
            mails.append(ReceivedMail(message["Subject"], bodies["text/plain"], bodies["text/html"], recipient))
    return mails


@dataclass
class ProgramClient(Client):
    """A client with an address of its own in the network, that keeps cookies and says where its pages come from."""

    cookie: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        turn = next(_TURN)
        self.ip = f"10.{turn >> 16 & 255}.{turn >> 8 & 255}.{turn & 255}"

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, query: Mapping[str, Any] | None = None
    ) -> Answer:
        kept = {"cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}
        return super().request(method, path, body, kept | dict(headers or {}), query)


def register(world: World, recipient: str | None = None, **other: Any) -> tuple[str, str]:
    """A registration whose mail has come: the address and the link's token."""
    recipient = recipient or address()
    answer = ProgramClient(world).post("/v1/auth/register", {"email": recipient, "name": "Grace Hopper"} | other)
    assert answer.status == 202, answer.raw
    return recipient, received_mails(world, recipient)[-1].token


def verify(client: Client, token: str, password: str = PASSWORD, **other: Any) -> Answer:
    """What the page of a registration's link does."""
    return client.post("/v1/auth/verify-email", {"token": token, "password": password} | other)


@dataclass
class Person(ProgramClient):
    """Somebody with an account, logged in."""

    email: str = field(default="", kw_only=True)
    refresh_token: str = field(default="", kw_only=True)
    tokens: Any = field(default=None, kw_only=True)

    def takes(self, answer: Answer) -> Answer:
        assert answer.status == 200, (answer.status, answer.raw)
        self.tokens = answer.body
        self.token, self.refresh_token = answer.body["access_token"], answer.body["refresh_token"]
        return answer

    def log_in(self, password: str = PASSWORD, **other: Any) -> Answer:
        """Not taken over: see `takes`."""
        return ProgramClient(self.world).post("/v1/auth/login", {"email": self.email, "password": password} | other)


def person(world: World) -> Person:
    recipient, token = register(world)
    made = Person(world, email=recipient)
    made.takes(verify(made, token))
    return made
