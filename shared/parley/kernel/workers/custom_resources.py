"""Custom resources: code of ours that runs while CloudFormation deploys.

Source: AWS CloudFormation, "Custom resource request and response".
"""

import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

log = logging.getLogger(__name__)
_SECONDS = 10


def custom_resource(name: str, make: Callable[[dict[str, Any]], dict[str, str]]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """A Lambda handler: `make` gets the resource's properties at creation and update, and returns its attributes. Deletion does nothing."""

    def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answer: dict[str, Any] = {"Status": "SUCCESS", "PhysicalResourceId": name, "Data": {}}
        try:
            if event["RequestType"] != "Delete":
                answer["Data"] = make(event.get("ResourceProperties", {}))
        except Exception as error:  # whatever it is, CloudFormation waits an hour for an answer
            log.exception("the custom resource %s failed", name)
            answer |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:1000]}
        answer |= {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId") if key in event}
        if event.get("ResponseURL"):
            _send(event["ResponseURL"], answer)
        return answer

    return lambda_handler


def _send(url: str, answer: dict[str, Any]) -> None:
    if urlsplit(url).scheme not in ("https", "http"):
        raise ValueError("A response goes to an HTTP address.")
    # The address is signed for a request without a content type.
    request = Request(url, json.dumps(answer).encode(), {"content-type": ""}, method="PUT")  # noqa: S310  # the scheme is checked above
    with urlopen(request, timeout=_SECONDS):  # noqa: S310  # the scheme is checked above
        pass
