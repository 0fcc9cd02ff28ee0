"""A request of SCIM (RFC 7644), from the gateway's event to the answer: one transaction, for the caller's organization."""

import json
import logging
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from scim2_models import SCIMException
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.service import scim_exception_of

from parley.kernel.access.callers import Caller
from parley.kernel.edge.request_context import caller_of
from parley.kernel.edge.request_parsing import read_json
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.errors import Forbidden, TooLarge
from parley.scim import request_normalization, scim_settings
from parley.scim.scim_storage import TenantStorage
from parley.scim.service_provider_config import service

log = logging.getLogger(__name__)

MOST_OPERATIONS = 1000


def serve(event: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request. Raises refusals of ours, and whatever a fault is."""
    caller = caller_of(event)
    if caller is None:
        raise Forbidden("This route needs a caller, and the gateway named none.")
    request = _request(event, caller)
    body = read_json(event.get("body"))
    if isinstance(body, dict) and _length(body.get("Operations")) > MOST_OPERATIONS:
        raise TooLarge(f"A PATCH has at most {MOST_OPERATIONS} operations.")
    try:
        changed = request_normalization.normalized(request.method, request.path, body)
        if changed != body:
            request = replace(request, body=json.dumps(changed).encode())
        with transaction(caller) as session:
            scim_settings.require_open(session, caller)
            answered = ScimHandler(service(), TenantStorage(session, caller, request.method)).handle(request)
    except SCIMException as refused:
        log.info("refused", extra={"code": refused.scim_type or "scim", "status": refused.status})
        # A PATCH quotes what the validation wrote for programmers; a POST says it in a sentence.
        cause = refused.__cause__
        answered = service().error_response(scim_exception_of(cause) if isinstance(cause, ValidationError) else refused)
    return _answer(answered)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0


def _request(event: dict[str, Any], caller: Caller) -> ScimRequest:
    http = event["requestContext"]["http"]
    return ScimRequest(
        method=http["method"].upper(),
        base_url=scim_settings.base_url(),
        path=f"/{(event.get('pathParameters') or {}).get('proxy', '')}",
        query=event.get("queryStringParameters") or {},
        headers=event["headers"],
        body=(event.get("body") or "").encode(),
        subject=caller,
    )


def _answer(answered: ScimResponse) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in answered.headers.items()}
    if answered.body is None:
        headers.pop("content-type", None)
    body = "" if answered.body is None else json.dumps(answered.body, separators=(",", ":"), ensure_ascii=False)
    return {"statusCode": int(answered.status), "headers": headers, "body": body, "isBase64Encoded": False}
