"""What a browser keeps for the minutes that a log-in at a provider takes: out of reach for scripts, over TLS alone, for this host alone."""

from typing import Any

from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from parley.identity.providers.identity_handover import SECONDS as HANDOVER_SECONDS
from parley.identity.providers.oauth_state import SECONDS, AuthorizationAttempt
from parley.identity.providers.provider_settings import ProviderKind

# The prefix binds a browser: no other host of the domain can set such a cookie (RFC 6265bis, 4.1.3.2).
_ATTEMPT = "__Host-parley_attempt_{}"
_HANDOVER = "__Host-parley_handover_{}"


def attempt_cookie(kind: str, attempt: AuthorizationAttempt) -> Cookie:
    """A later attempt with the same provider takes the place of an earlier one."""
    return _cookie(_ATTEMPT, kind, attempt.content, SECONDS)


def handover_cookie(kind: ProviderKind, handover: str) -> Cookie:
    return _cookie(_HANDOVER, kind, handover, HANDOVER_SECONDS)


def expired_attempt_cookie(kind: str) -> Cookie:
    return _cookie(_ATTEMPT, kind, "", 0)


def expired_handover_cookie(kind: ProviderKind) -> Cookie:
    return _cookie(_HANDOVER, kind, "", 0)


def read_attempt_cookie(event: dict[str, Any], kind: str) -> str:
    """What the browser brought; empty when it brought nothing."""
    return _brought(event, _ATTEMPT.format(kind))


def read_handover_cookie(event: dict[str, Any], kind: ProviderKind) -> str:
    return _brought(event, _HANDOVER.format(kind))


def _cookie(name: str, kind: str, value: str, seconds: int) -> Cookie:
    # The form that Apple's page posts is a request of another site: Lax cookies stay behind.
    same_site = SameSite.NONE_MODE if kind is ProviderKind.APPLE else SameSite.LAX_MODE
    return Cookie(name.format(kind), value, path="/", secure=True, http_only=True, max_age=seconds, same_site=same_site)


def _brought(event: dict[str, Any], name: str) -> str:
    # The same name twice is nobody's cookie of ours: we set it for one path.
    values = [value for key, _, value in (cookie.partition("=") for cookie in event.get("cookies") or []) if key == name]
    return values[0] if len(values) == 1 else ""
