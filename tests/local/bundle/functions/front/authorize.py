"""Lets "Bearer good" pass, refuses others, fails at "Bearer broken"."""

from typing import Any


def lambda_handler(event: Any, context: Any) -> Any:
    token = event["identitySource"][0]
    if token == "Bearer broken":
        raise RuntimeError("the authorizer is broken")
    return {"isAuthorized": token.startswith("Bearer good"), "context": {"actor_id": token[7:], "asked_for": event["rawPath"]}}
