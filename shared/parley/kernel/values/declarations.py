"""What a domain declares in its `declared` module: words that others read, each of a type of its own, so that no two are confused.

They are strings, in rows and on the bus as well; a `declared` module imports nothing but these types, since the authorizer reads it.
Who needs those of all domains gathers them (`parley.domains`).
"""

from collections.abc import Callable
from typing import Any, NamedTuple


class AuditAction(str):
    """What the audit trail says that happened, dotted and in the past tense: `booking.created`."""

    __slots__ = ()


class EventName(str):
    """What is announced in the outbox or sent through a queue: `scheduling.booking_created`, the domain first."""

    __slots__ = ()


class DirectoryKind(str):
    """What sort of outside name the directory leads to a tenant or a person."""

    __slots__ = ()


class Scope(NamedTuple):
    """What somebody may, `resource:action`, and what it lets do. A route says in its handler which one it needs.

    `role` is the least role that has it, of `VIEWER`, `MEMBER`, `ADMIN` and `OWNER`. A key of a project may have it only where `key_group`
    names the least group of permissions that does, of `READ_ONLY`, `STANDARD`, `FULL` and `ADMIN`: the rest is about the organization.
    """

    name: str
    description: str
    role: str
    key_group: str | None = None


class PublicEvent(NamedTuple):
    """What is told outside by webhooks, under a name of its own (`booking.created`), when one of `sources` is on the bus.

    `entity` is the field of their payload with the id of what they tell of. `payload_of` names the function that shows it as its domain's
    API does (`module:function`, called with the session, the name and the id), to be imported by who tells and by nobody else; without one
    it can be subscribed to, and is not told yet. Where an event of the bus is this one only sometimes, `matches` looks at its payload.
    """

    name: str
    description: str
    entity: str
    sources: tuple[EventName, ...]
    payload_of: str | None = None
    matches: Callable[[dict[str, Any]], bool] | None = None

    @property
    def domain(self) -> str:
        return self.sources[0].partition(".")[0]
