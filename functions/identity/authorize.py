"""The authorizer: a bearer token becomes a caller, without network or database."""

from typing import Any

from aws_lambda_powertools import Logger

from parley.identity.scopes import SCOPES
from parley.identity.tokens import InvalidToken, verify

logger = Logger("parley")


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    scheme, _, token = (event.get("identitySource") or [""])[0].strip().partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise InvalidToken
        bearer = verify(token.strip())
        scopes = SCOPES[bearer.role] if bearer.role is not None else frozenset()
    except (InvalidToken, KeyError):
        logger.info("a token was refused", request_id=event.get("requestContext", {}).get("requestId"))
        return {"isAuthorized": False}
    known = {
        "organization_id": bearer.organization_id,
        "session_id": bearer.session_id,
        "actor_type": "USER",
        "actor_id": bearer.user_id,
        "role": bearer.role,
        "scopes": " ".join(sorted(scopes)),
    }
    return {"isAuthorized": True, "context": {name: str(value) for name, value in known.items() if value is not None}}
