"""Refusals of ours in the words of SCIM (RFC 7644, section 3.12)."""

import json
from typing import Any

from parley.identity.accounts.user_accounts import EmailTaken
from parley.kernel.edge.request_parsing import InvalidRequest, MalformedJson, MalformedRequest
from parley.kernel.values.errors import Conflict, Forbidden, Refusal

MEDIA_TYPE = "application/scim+json"
_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_TYPES: dict[type[Refusal], str] = {
    MalformedJson: "invalidSyntax",
    MalformedRequest: "invalidSyntax",
    InvalidRequest: "invalidValue",
    EmailTaken: "uniqueness",
}


class ScimTurnedOff(Forbidden):
    """The organization has not switched provisioning on."""


class ScimAwaitsOwner(Forbidden):
    """The owner has not agreed to the token."""


class DuplicateResource(Conflict):
    """Another resource has the name or the external id."""


def scim_error(refused: Refusal) -> dict[str, Any]:
    """The whole answer. SCIM knows no 422: a value that does not fit is a 400."""
    status = 400 if refused.status == 422 else refused.status
    body = {"schemas": [_ERROR], "status": str(status), "detail": refused.detail}
    kind = "uniqueness" if isinstance(refused, DuplicateResource) else _TYPES.get(type(refused))
    if kind:
        body["scimType"] = kind
    headers = {"content-type": MEDIA_TYPE} | refused.headers
    return {"statusCode": status, "headers": headers, "body": json.dumps(body), "isBase64Encoded": False}
