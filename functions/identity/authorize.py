"""The authorizer: an access token becomes a caller without network or database, an API key with one look-up.

It lets everybody in: whom a token or key does not name comes as nobody, with the reason, and the function refuses (`credentials`). What
the gateway refuses by itself has neither a code nor a challenge, and is 403 where clients refresh a token on 401.
"""

from typing import Any

from aws_lambda_powertools import Logger

from parley.identity.keys.api_key_format import PREFIX, MalformedApiKey
from parley.identity.roles.scopes import SCOPES
from parley.identity.sessions.access_tokens import ExpiredToken, InvalidToken, verify

logger = Logger("parley")


def of_token(token: str) -> dict[str, Any]:
    try:
        bearer = verify(token)
    except ExpiredToken:
        return {"refused": "token_expired"}
    except InvalidToken:
        return {"refused": "invalid_token"}
    scopes = SCOPES.get(bearer.role) if bearer.role is not None else ()
    if scopes is None:
        return {"refused": "invalid_token"}
    who = {"actor_type": "USER", "actor_id": bearer.user_id, "session_id": bearer.session_id, "expires_at": bearer.expires_at}
    return who | {"organization_id": bearer.organization_id, "role": bearer.role, "scopes": " ".join(sorted(scopes))}


def of_key(key: str) -> dict[str, Any]:
    from parley.identity.keys import api_key_lookup  # and the database's driver with it, which no token needs
    from parley.kernel.postgres.authorizer_lookup import LookupFailed

    try:
        reference = api_key_lookup.reference(key)
    except MalformedApiKey:
        return {"refused": "malformed_key"}
    try:
        return api_key_lookup.look_up(**reference).context
    except api_key_lookup.UnknownApiKey:
        return {"refused": "unknown_key"}
    except LookupFailed as failure:
        # What an authorizer raises is the gateway's bare 500. So the function looks the key up (`resolve_credential`), and says no.
        logger.warning("a key could not be looked up", failure=str(failure))
        return reference


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    scheme, _, secret = (event.get("identitySource") or [""])[0].strip().partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        caller_context: dict[str, Any] = {"refused": "no_bearer_token"}
    else:
        caller_context = of_key(secret) if secret.startswith(PREFIX) else of_token(secret)
    if "refused" in caller_context:
        logger.info(
            "a token or key was refused", reason=caller_context["refused"], request_id=event.get("requestContext", {}).get("requestId")
        )
    return {"isAuthorized": True, "context": {name: str(value) for name, value in caller_context.items() if value is not None}}
