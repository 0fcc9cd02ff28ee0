"""The authorizer: an access token becomes a caller without network or database, an API key with one look-up.

Whom none names is let in as nobody, with the reason, for the function to refuse (`credentials`, docs/decisions/0070).
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
        scopes = SCOPES[bearer.role] if bearer.role is not None else ()
    except (InvalidToken, KeyError) as error:
        return {"refused": "token_expired" if isinstance(error, ExpiredToken) else "invalid_token"}
    who = {"actor_type": "USER", "actor_id": bearer.user_id, "session_id": bearer.session_id, "expires_at": bearer.expires_at}
    return who | {"organization_id": bearer.organization_id, "role": bearer.role, "scopes": " ".join(sorted(scopes))}


def of_key(key: str) -> dict[str, Any]:
    from parley.identity.keys import api_key_lookup  # and the database's driver with it, which no token needs
    from parley.kernel.postgres import authorizer_lookup

    try:
        reference = api_key_lookup.reference(key)
        return api_key_lookup.look_up(**reference).context
    except (MalformedApiKey, api_key_lookup.UnknownApiKey) as error:
        return {"refused": "malformed_key" if isinstance(error, MalformedApiKey) else "unknown_key"}
    except authorizer_lookup.LookupFailed as failure:  # to raise is a bare 500: the function looks it up, or says no
        logger.warning("a key could not be looked up", failure=str(failure))
        return reference


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    scheme, _, secret = (event.get("identitySource") or [""])[0].strip().partition(" ")
    of_secret = of_key if secret.strip().startswith(PREFIX) else of_token
    answer = of_secret(secret.strip()) if scheme.lower() == "bearer" and secret.strip() else {"refused": "no_bearer_token"}
    return {"isAuthorized": True, "context": {name: str(value) for name, value in answer.items() if value is not None}}
