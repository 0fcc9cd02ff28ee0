"""The authorizer: an access token becomes a caller without network or database, an API key with one look-up."""

from typing import Any

from aws_lambda_powertools import Logger

from parley.identity.keys.api_key_format import PREFIX, MalformedApiKey
from parley.identity.roles.scopes import SCOPES
from parley.identity.sessions.access_tokens import InvalidToken, verify

logger = Logger("parley")


def of_token(token: str) -> dict[str, Any]:
    bearer = verify(token)
    who = {"actor_type": "USER", "actor_id": bearer.user_id, "session_id": bearer.session_id, "expires_at": bearer.expires_at}
    scopes = SCOPES[bearer.role] if bearer.role is not None else ()
    return who | {"organization_id": bearer.organization_id, "role": bearer.role, "scopes": " ".join(sorted(scopes))}


def of_key(key: str) -> dict[str, Any]:
    from parley.identity.keys import api_key_lookup  # and the database's driver with it, which no token needs
    from parley.kernel.postgres.authorizer_lookup import LookupFailed

    reference = api_key_lookup.reference(key)
    try:
        return api_key_lookup.look_up(**reference).context
    except api_key_lookup.UnknownApiKey:
        raise MalformedApiKey from None
    except LookupFailed as failure:
        # What an authorizer raises is the gateway's bare 500. So the function looks the key up (`resolve_api_key`), and says no.
        logger.warning("a key could not be looked up", failure=str(failure))
        return reference


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    scheme, _, secret = (event.get("identitySource") or [""])[0].strip().partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise InvalidToken
        caller_context = of_key(secret.strip()) if secret.strip().startswith(PREFIX) else of_token(secret.strip())
    except (InvalidToken, MalformedApiKey, KeyError):
        logger.info("a token or key was refused", request_id=event.get("requestContext", {}).get("requestId"))
        return {"isAuthorized": False}
    return {"isAuthorized": True, "context": {name: str(value) for name, value in caller_context.items() if value is not None}}
