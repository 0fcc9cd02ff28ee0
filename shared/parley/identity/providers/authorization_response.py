"""What a provider's answer leads to, whichever way the browser brings it."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from parley.identity.providers import configured, cookies, endings, handovers, identities
from parley.identity.providers.attempts import Attempt
from parley.kernel.errors import Refusal


def redirect(name: str, event: dict[str, Any], answer: Mapping[str, str]) -> Response[None]:
    """On to /complete with what was found, sealed; or back to where the attempt began, with the refusal's code."""
    provider = configured.named(name)
    kind = provider.kind
    attempt = Attempt.resume(kind, cookies.attempt_of(event, kind), answer.get("state", ""))
    over = cookies.without_attempt(kind)
    try:
        handover = handovers.seal(attempt, identities.identity(provider, attempt, dict(answer)))
    except Refusal as refusal:
        return endings.refused(refusal, attempt.return_to, over)
    return endings.sent(303, f"/v1/auth/providers/{kind}/complete", over, cookies.of_handover(kind, handover))
