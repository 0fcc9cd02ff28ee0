"""Who a request comes from, as the gateway says it."""

from typing import Any
from uuid import UUID

from parley.kernel.callers import ActorType, Caller

_NOWHERE = UUID(int=0)


def caller_of(event: dict[str, Any]) -> Caller | None:
    """The caller that the authorizer passed on; None on a public route. Headers are never asked."""
    context = (event.get("requestContext", {}).get("authorizer") or {}).get("lambda") or {}
    if "organization_id" not in context:
        return None
    seen = event.get("requestContext", {}).get("http", {})
    return Caller(
        organization_id=UUID(context["organization_id"]),
        actor_type=ActorType(context["actor_type"]),
        actor_id=UUID(context["actor_id"]),
        role=context.get("role"),
        scopes=frozenset(context.get("scopes", "").split()),
        ip_address=seen.get("sourceIp") or None,
        user_agent=_agent(seen),
    )


def visitor_of(event: dict[str, Any]) -> Caller:
    """Somebody without an account, for no organization yet."""
    seen = event.get("requestContext", {}).get("http", {})
    return Caller(_NOWHERE, ActorType.VISITOR, ip_address=seen.get("sourceIp") or None, user_agent=_agent(seen))


def _agent(seen: dict[str, Any]) -> str | None:
    agent = seen.get("userAgent") or ""
    return "".join(character for character in agent if character.isprintable())[:300] or None
