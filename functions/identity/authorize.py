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
        scopes = SCOPES[bearer.role]
    except (InvalidToken, KeyError):
        logger.info("a token was refused", request_id=event.get("requestContext", {}).get("requestId"))
        return {"isAuthorized": False}
    return {
        "isAuthorized": True,
        "context": {
            "organization_id": str(bearer.organization_id),
            "actor_type": "USER",
            "actor_id": str(bearer.user_id),
            "role": bearer.role,
            "scopes": " ".join(sorted(scopes)),
        },
    }
