"""$default: what no route answers to is 404, and a known path with another method 405. A slash too many leads a browser to the page."""

from typing import Any
from urllib.parse import quote

from parley.kernel.edge.http import HEADERS, refuse
from parley.kernel.edge.openapi_document import methods_of
from parley.kernel.values.errors import MethodNotAllowed, NoSuchRoute


def _page_of(event: dict[str, Any]) -> str | None:
    """The address that a browser means with `/acme/introduction/`."""
    path, query = event["rawPath"].rstrip("/"), event.get("rawQueryString")
    is_browsing = event["requestContext"]["http"]["method"] == "GET" and "text/html" in event["headers"].get("accept", "")
    if not is_browsing or path == event["rawPath"] or "GET" not in methods_of(path):
        return None
    return quote(path, errors="replace") + (f"?{query}" if query else "")


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    allowed = methods_of(event["rawPath"])
    if page := _page_of(event):
        return {"statusCode": 308, "headers": HEADERS | {"location": page}, "body": ""}
    if not allowed:
        return refuse(NoSuchRoute("There is nothing at this address; /docs lists what there is."))
    refusal = MethodNotAllowed(f"This address answers to {', '.join(allowed)}.")
    refusal.headers = {"allow": ", ".join(allowed)}
    return refuse(refusal)
