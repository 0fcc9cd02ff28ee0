"""$default: what no route answers to is 404, and a known path with another method 405."""

from typing import Any

from parley.kernel.documentation import methods_of
from parley.kernel.errors import MethodNotAllowed, NoSuchRoute
from parley.kernel.http import refuse


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    allowed = methods_of(event["rawPath"])
    if not allowed:
        return refuse(NoSuchRoute("There is nothing at this address; /docs lists what there is."))
    refusal = MethodNotAllowed(f"This address answers to {', '.join(allowed)}.")
    refusal.headers = {"allow": ", ".join(allowed)}
    return refuse(refusal)
