"""The flows, played over HTTP as a client outside would, and told as a table.

A play is a function that takes a Scene and returns a Played. It stands in a module of its own (`local/plays/<domain>.py`) and is listed in
PLAYS. It must work on data of earlier starts too: what it makes gets new names, what it finds may be old.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeVar

from local.client import Answer, Client
from local.seed import Seeded
from local.stack import Stack

PATIENCE = 30.0
Found = TypeVar("Found")


class PlayFailed(Exception):
    """A step of a play had another outcome than it should have."""


@dataclass(frozen=True)
class Row:
    """One line of the table: what was done, and what came of it."""

    step: str
    outcome: str


@dataclass
class Played:
    """rows: the table. text: what is worth showing in full (a mail as it was sent). curl: commands to try, with $TOKEN for the token."""

    rows: list[Row] = field(default_factory=list)
    text: str = ""
    curl: list[str] = field(default_factory=list)

    def add_row(self, step: str, outcome: str) -> None:
        self.rows.append(Row(step, outcome))


@dataclass(frozen=True)
class Scene:
    """Where a play takes place. `owner` has a token of the seeded organization, `stranger` has none."""

    stack: Stack
    seeded: Seeded
    owner: Client
    stranger: Client

    def mails_to(self, address: str) -> list[dict[str, Any]]:
        """Mails sent to an address, oldest first: id, from, to, raw. Empty when the mail service is not the embedded one."""
        return [mail for mail in self.stack.mails() if any(address in to for to in mail["to"])]


Play = Callable[[Scene], Played]


def expect(answer: Answer, *statuses: int) -> Any:
    """The answer's body. Raises PlayFailed when its status is another one."""
    if answer.status not in statuses:
        raise PlayFailed(
            f"status {answer.status} instead of {' or '.join(map(str, statuses))}: {answer.raw[:500].decode(errors='replace')}"
        )
    return answer.body


def wait_for(what: str, look: Callable[[], Found | None], seconds: float = PATIENCE) -> Found:
    """What `look` finds, once it finds something. Raises PlayFailed."""
    deadline = time.monotonic() + seconds
    while not (result := look()):
        if time.monotonic() > deadline:
            raise PlayFailed(f"{what}: nothing within {seconds:.0f} s")
        time.sleep(0.05)
    return result


def is_awake(scene: Scene) -> Played:
    played = Played(curl=['curl -s {url}/v1/identity/me -H "Authorization: Bearer $TOKEN"'])
    expect(scene.stranger.get("/health"), 200)
    played.add_row("GET /health", "200: the database answers")
    expect(scene.stranger.get("/v1/identity/me"), 401)
    played.add_row("GET /v1/identity/me without a token", "401 from the gateway")
    me = expect(scene.owner.get("/v1/identity/me"), 200)
    played.add_row("GET /v1/identity/me", f"200 through the authorizer: {', '.join(str(value) for value in list(me.values())[:3])}")
    return played


def _of(domain: str) -> Play:
    """The play of a domain; its module needs this one, so it is imported when it is played."""
    return lambda scene: import_module(f"local.demo_flows.{domain}").play(scene)


PLAYS: list[tuple[str, Play]] = [
    ("The API answers", is_awake),
    ("Somebody signs up", _of("identity")),
    ("A stranger books a meeting", _of("scheduling")),
    ("A form leads to one of several", _of("routing")),
    ("A customer writes on WhatsApp", _of("inbox")),
    ("A recording is uploaded", _of("recordings")),
]
"""Title and play, in the order in which they are played."""
