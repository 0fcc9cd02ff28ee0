"""What a provider's answer leads to, whichever way the browser brings it."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from parley.identity.providers import identity_handover, provider_cookies, provider_identity, provider_settings, redirects
from parley.identity.providers.oauth_state import AuthorizationAttempt
from parley.kernel.values.errors import Refusal


def redirect(name: str, event: dict[str, Any], answer: Mapping[str, str]) -> Response[None]:
    """On to /complete with what was found, sealed; or back to where the attempt began, with the refusal's code."""
    provider = provider_settings.configured_provider(name)
    kind = provider.kind
    attempt = AuthorizationAttempt.resume(kind, provider_cookies.read_attempt_cookie(event, kind), answer.get("state", ""))
    over = provider_cookies.expired_attempt_cookie(kind)
    try:
        handover = identity_handover.seal(attempt, provider_identity.identity(provider, attempt, dict(answer)))
    except Refusal as refusal:
        return redirects.refusal_response(refusal, attempt.return_to, over)
    return redirects.redirect_response(303, f"/v1/auth/providers/{kind}/complete", over, provider_cookies.handover_cookie(kind, handover))
