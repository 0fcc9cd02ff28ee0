"""The authorizer: an access token becomes a caller without network or database, an API key with one look-up."""

from typing import Any

from aws_lambda_powertools import Logger

from parley.identity.key_form import PREFIX, NotAKey
from parley.identity.scopes import SCOPES
from parley.identity.tokens import InvalidToken, verify

logger = Logger("parley")


def of_token(token: str) -> dict[str, Any]:
    bearer = verify(token)
    who = {"actor_type": "USER", "actor_id": bearer.user_id, "session_id": bearer.session_id, "expires_at": bearer.expires_at}
    scopes = SCOPES[bearer.role] if bearer.role is not None else ()
    return who | {"organization_id": bearer.organization_id, "role": bearer.role, "scopes": " ".join(sorted(scopes))}


def of_key(key: str) -> dict[str, Any]:
    from parley.identity import key_check  # and the database's driver with it, which no token needs
    from parley.kernel.single import LookupFailed

    reference = key_check.reference(key)
    try:
        return key_check.look_up(**reference).context
    except key_check.UnknownKey:
        raise NotAKey from None
    except LookupFailed as failure:
        # What an authorizer raises is the gateway's bare 500. So the function looks the key up (`parties.identify`), and says no.
        logger.warning("a key could not be looked up", failure=str(failure))
        return reference


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    scheme, _, secret = (event.get("identitySource") or [""])[0].strip().partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise InvalidToken
        known = of_key(secret.strip()) if secret.strip().startswith(PREFIX) else of_token(secret.strip())
    except (InvalidToken, NotAKey, KeyError):
        logger.info("a token or key was refused", request_id=event.get("requestContext", {}).get("requestId"))
        return {"isAuthorized": False}
    return {"isAuthorized": True, "context": {name: str(value) for name, value in known.items() if value is not None}}
