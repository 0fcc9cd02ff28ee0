"""$default: what no route answers to is 404, a known path with another method 405. A slash at the end leads to the address without it."""

from typing import Any
from urllib.parse import quote

from parley.kernel.edge.http import HEADERS, refuse
from parley.kernel.edge.openapi_document import methods_of
from parley.kernel.values.errors import MethodNotAllowed, NoSuchRoute


def _without_slash(event: dict[str, Any]) -> str | None:
    """The address that is meant with `/acme/introduction/`, for 308: method and body are sent again (RFC 9110, 15.4.9)."""
    path, query = event["rawPath"].rstrip("/"), event.get("rawQueryString")
    method = event["requestContext"]["http"]["method"]
    if path == event["rawPath"] or ("GET" if method == "HEAD" else method) not in methods_of(path):
        return None
    return quote(path, errors="replace") + (f"?{query}" if query else "")


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    allowed = methods_of(event["rawPath"])
    if address := _without_slash(event):
        return {"statusCode": 308, "headers": HEADERS | {"location": address}, "body": ""}
    if not allowed:
        return refuse(NoSuchRoute("There is nothing at this address; /docs lists what there is."))
    if "GET" in allowed and not event["rawPath"].startswith("/v1/"):  # docs/decisions/0071
        allowed = [*allowed, "HEAD"]
    refusal = MethodNotAllowed(f"This address answers to {', '.join(allowed)}.")
    refusal.headers = {"allow": ", ".join(allowed)}
    return refuse(refusal)
