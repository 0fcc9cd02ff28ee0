"""Refusals of tokens and keys that name nobody: the authorizer says the reason, and the function what it means (RFC 6750, 3.1).

Nothing is asked for them: they cost no round trip.
"""

from parley.kernel.access.admission import TokenExpired
from parley.kernel.values.errors import CredentialRefused, Refusal, Unauthenticated


class UnknownKey(CredentialRefused):
    """The API key was never made, was revoked since, or its organization, project or maker is gone."""


class MalformedKey(CredentialRefused):
    """It begins like an API key, and is not a whole one of this environment."""


class InvalidBearerToken(CredentialRefused):
    """It is no access token of ours."""


class NoBearerToken(Unauthenticated):
    """The Authorization header names another scheme, or nothing after it. No error in the challenge: nothing of ours was shown."""


_REFUSALS: dict[str, tuple[type[Refusal], str]] = {
    "token_expired": (TokenExpired, "This token has expired; refresh it, and try again."),
    "invalid_token": (InvalidBearerToken, "This token is not valid here; log in again, and send the access token as it came."),
    "malformed_key": (MalformedKey, "This is not a whole API key of this environment; copy it again, or make a new one."),
    "unknown_key": (UnknownKey, "This API key is not in use; make a new one."),
    "no_bearer_token": (NoBearerToken, "Send Authorization: Bearer, and behind it an access token or an API key."),
}


def refusal_of(reason: str) -> Refusal:
    """What a request is refused with whose token or key the authorizer could not take, for that reason."""
    refusal, detail = _REFUSALS.get(reason, _REFUSALS["invalid_token"])
    return refusal(detail)
