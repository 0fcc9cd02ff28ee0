"""Who asks, and for which organization."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from parley.kernel.access.admission import Admission
from parley.kernel.values.errors import Forbidden

if TYPE_CHECKING:
    from parley.kernel.access.visitor_limits import RequestSpending

NOWHERE = UUID(int=0)
"""The organization of who works for none: visitors, and users who have not chosen one. No tenant has this id."""


class ActorType(StrEnum):
    USER = "USER"
    API_KEY = "API_KEY"
    SYSTEM = "SYSTEM"
    VISITOR = "VISITOR"


class MissingScope(Forbidden):
    """The caller is known, and may not."""

    def __init__(self, detail: str, *, scope: str, **extensions: Any) -> None:
        super().__init__(detail, scope=scope, **extensions)
        self.headers = {"www-authenticate": f'Bearer realm="parley", error="insufficient_scope", scope="{scope}"'}  # RFC 6750, 3.1


@dataclass(frozen=True, slots=True)
class Caller:
    """The one on whose behalf a transaction runs. `scopes` are words like `bookings:write`, `bookings:*` or `*`.

    An API key has the user who made it (`maker_id`), and a `project_id` if it belongs to a project. `admission` is there for who came
    through the gateway, and is checked as the first transaction begins; a visitor has `dues` instead, which are counted then.
    `device_token` is what they brought of `devices`, unverified. `accept_language` is what their browser asks for, as it says it.
    """

    organization_id: UUID
    actor_type: ActorType
    actor_id: UUID | None = None
    role: str | None = None
    scopes: frozenset[str] = frozenset()
    ip_address: str | None = None
    user_agent: str | None = None
    project_id: UUID | None = None
    maker_id: UUID | None = None
    admission: Admission | None = field(default=None, compare=False, repr=False)
    dues: "RequestSpending | None" = field(default=None, compare=False, repr=False)
    device_token: str | None = field(default=None, compare=False, repr=False)
    accept_language: str | None = field(default=None, compare=False, repr=False)

    @property
    def has_organization(self) -> bool:
        return self.organization_id != NOWHERE

    @property
    def person_id(self) -> UUID | None:
        """The user who asks, or who made the key that asks."""
        return self.actor_id if self.actor_type is ActorType.USER else self.maker_id

    def may(self, scope: str) -> bool:
        """Whether one of the caller's scopes covers `scope`."""
        return bool(self.scopes & {scope, f"{scope.partition(':')[0]}:*", "*"})

    def require(self, scope: str) -> None:
        """Raise `MissingScope` unless the caller may."""
        if not self.may(scope):
            raise MissingScope(f"This needs the scope {scope}; ask an administrator of your organization for it.", scope=scope)

    def acting_for(self, organization_id: UUID) -> Self:
        """The same caller in an organization that a directory named, or that is just being founded."""
        return replace(self, organization_id=organization_id, admission=None)


def system(organization_id: UUID) -> Caller:
    """The product itself, at work for an organization: workers and schedules."""
    return Caller(organization_id, ActorType.SYSTEM, scopes=frozenset({"*"}))
