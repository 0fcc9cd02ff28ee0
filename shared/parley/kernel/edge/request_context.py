"""Who a request comes from, as the gateway says it."""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from pkgutil import resolve_name
from typing import Any
from uuid import UUID

from parley.kernel.access.admission import Admission
from parley.kernel.access.callers import NOWHERE, ActorType, Caller
from parley.kernel.access.device_tokens import COOKIE, HEADER
from parley.kernel.values import networks
from parley.kernel.values.errors import Forbidden, Unavailable
from parley.kernel.values.settings import setting

_KNOWN, VISITOR, LIMIT = "parley.caller", "parley.visitor", "parley.limit"


class Access(Enum):
    """Who may call a route that asks for no scope."""

    ANYBODY = "anybody"  # no authorizer: visitors, and callers as visitors
    PERSON = "person"  # a logged-in user, whether or not they have chosen an organization
    MEMBER = "member"  # anybody who works for an organization: users and keys


class NotAPerson(Forbidden):
    """A route for people, asked by an API key."""


class NoOrganizationChosen(Forbidden):
    """The user has not said for which organization."""


class OutsideTheProject(Forbidden):
    """A key of a project asked for another one, or for what is the whole organization's."""


def authorize(caller: Caller | None, needs: Access | str, *, knows_projects: bool = False) -> None:
    """Raise a refusal unless the caller may call a route that needs this. Keys of projects may call those that `knows_projects` alone.

    Raises `MissingScope`, `NotAPerson`, `NoOrganizationChosen`, `OutsideTheProject`, `TokenExpired`.
    """
    if needs is Access.ANYBODY:
        return
    if caller is None:
        raise Forbidden("This route needs a caller, and the gateway named none.")
    if caller.admission is not None:
        caller.admission.in_time()
    if needs is Access.PERSON:
        if caller.actor_type is not ActorType.USER:
            raise NotAPerson("This is for people; log in, an API key can't do it.")
        return
    if not caller.has_organization:
        raise NoOrganizationChosen("Choose an organization first: POST /v1/auth/switch.")
    if isinstance(needs, str):
        caller.require(needs)
    if caller.project_id is not None and not knows_projects:
        raise OutsideTheProject("This is the whole organization's, and your API key is of one project; use a key of the organization.")


def resolve_credential(event: dict[str, Any]) -> None:
    """Refuse a token or key that names nobody, and look up one for which the authorizer got no answer from the database.

    Raises a refusal of `credentials`, `Unavailable` while there is still no answer.
    """
    context = (event.get("requestContext", {}).get("authorizer") or {}).get("lambda") or {}
    if "refused" in context:
        from parley.kernel.edge import credentials  # here and below: what no request of somebody known needs

        raise credentials.refusal_of(context["refused"])
    if "key_digest" not in context:
        return
    from parley.kernel.postgres.authorizer_lookup import LookupFailed

    # By a setting: whose keys they are is a domain's, and no request but this one needs it.
    context_of: Callable[[UUID, str], dict[str, Any] | None] = resolve_name(setting("API_KEY_LOOKUP"))
    try:
        key_context = context_of(UUID(context["organization_id"]), context["key_digest"])
    except LookupFailed as failure:
        raise Unavailable("The database does not answer right now; try again in a moment.") from failure
    if key_context is None:
        from parley.kernel.edge import credentials

        raise credentials.refusal_of("unknown_key")
    event["requestContext"]["authorizer"]["lambda"] = {name: str(value) for name, value in key_context.items() if value is not None}


def caller_of(event: dict[str, Any]) -> Caller | None:
    """The caller that the authorizer passed on; None on a public route. Headers are never asked. The same object each time."""
    context = (event.get("requestContext", {}).get("authorizer") or {}).get("lambda") or {}
    if "actor_type" not in context:
        return None
    if _KNOWN not in event:
        event[_KNOWN] = _read(event, context)
    caller: Caller = event[_KNOWN]
    return caller


def _read(event: dict[str, Any], context: dict[str, Any]) -> Caller:
    seen = event.get("requestContext", {}).get("http", {})
    return Caller(
        organization_id=_uuid(context.get("organization_id")) or NOWHERE,
        actor_type=ActorType(context["actor_type"]),
        actor_id=UUID(context["actor_id"]),
        role=context.get("role") or None,
        scopes=frozenset(context.get("scopes", "").split()),
        ip_address=address_of(event),
        user_agent=_agent(seen),
        project_id=_uuid(context.get("project_id")),
        maker_id=_uuid(context.get("maker_id")),
        admission=Admission(_uuid(context.get("session_id")), tuple(context.get("roles", "").split()), _seconds(context)),
        device_token=_device(event),
        accept_language=_languages(event),
    )


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def _seconds(context: dict[str, Any]) -> int | None:
    return int(context["expires_at"]) if context.get("expires_at") else None


def visitor_of(event: dict[str, Any]) -> Caller:
    """Somebody without an account, for no organization yet, with what the request is to be counted for. The same object each time."""
    if VISITOR not in event:
        from parley.kernel.access import visitor_limits  # for who has visitors

        seen = event.get("requestContext", {}).get("http", {})
        at = address_of(event)
        due = visitor_limits.of_request(event.get("routeKey", ""), at, event.get(LIMIT))
        token = _device(event)
        caller = Caller(NOWHERE, ActorType.VISITOR, ip_address=at, user_agent=_agent(seen), device_token=token, dues=due)
        event[VISITOR] = replace(caller, accept_language=_languages(event))
    visitor: Caller = event[VISITOR]
    return visitor


def address_of(event: dict[str, Any]) -> str | None:
    """The network address that a request comes from: what the gateway saw, and nothing that the client says of itself.

    Where the gateway saw one of `TRUSTED_PROXIES`, it is the last in X-Forwarded-For that is none of them: what such a proxy saw.
    """
    seen: str = event.get("requestContext", {}).get("http", {}).get("sourceIp") or ""
    if seen and (proxies := networks.from_setting("TRUSTED_PROXIES")):
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        return networks.client_address(proxies, seen, headers.get("x-forwarded-for", ""))
    return seen or None


def _device(event: dict[str, Any]) -> str | None:
    cookies = dict(cookie.partition("=")[::2] for cookie in event.get("cookies") or [])
    return cookies.get(COOKIE) or (event.get("headers") or {}).get(HEADER) or None


def _languages(event: dict[str, Any]) -> str | None:
    headers = event.get("headers") or {}
    return (headers.get("accept-language") or headers.get("Accept-Language") or "")[:500] or None


def _agent(seen: dict[str, Any]) -> str | None:
    agent = seen.get("userAgent") or ""
    return "".join(character for character in agent if character.isprintable())[:300] or None
