"""Custom resources: functions that CloudFormation calls at a deployment, and the address where they leave their answer."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from local.cloudformation import ACCOUNT, REGION, STACK, TemplateProblem, named, resolve
from local.invocation import Invoke
from local.problems import Problem
from local.template import Resource


class CustomResourceFailed(Problem):
    """The function said FAILED, or said nothing."""


class Mailbox:
    """A ResponseURL on loopback. Answers arrive by PUT before the function returns."""

    def __init__(self) -> None:
        self._answers: dict[str, dict[str, Any]] = {}
        mailbox = self

        class Receiver(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                mailbox._answers[self.path] = json.loads(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, text: str, *args: Any) -> None:
                """Nothing: the function's own log tells it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{name}"

    def answer(self, name: str) -> dict[str, Any] | None:
        return self._answers.get(f"/{name}")


def deploy(
    resource: Resource, invoke: Invoke, attributes: Mapping[str, Any], mailbox: Mailbox, physical_id: str | None = None
) -> dict[str, Any]:
    """Run one custom resource. known: its physical id of an earlier start, which makes it an Update.

    Returns the attributes that it adds: its Ref, and each entry of its Data. Raises CustomResourceFailed.
    """
    function = named(resource.properties.get("ServiceToken"))
    if function is None:
        raise TemplateProblem(f"{resource.name}: its ServiceToken must be a function of this template")
    event = {
        "RequestType": "Update" if physical_id else "Create",
        "ResponseURL": mailbox.address(resource.name),
        "StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/local",
        "RequestId": str(uuid.uuid4()),
        "ResourceType": resource.type,
        "LogicalResourceId": resource.name,
        "ResourceProperties": resolve(dict(resource.properties), attributes),
    }
    returned = invoke(function, event | ({"PhysicalResourceId": physical_id, "OldResourceProperties": {}} if physical_id else {}))
    answer = mailbox.answer(resource.name) or (returned if isinstance(returned, dict) else None)
    if answer is None:
        raise CustomResourceFailed(f"{resource.name}: {function} left no answer at the ResponseURL and returned none")
    if answer.get("Status", "SUCCESS") != "SUCCESS":
        raise CustomResourceFailed(f"{resource.name}: {answer.get('Reason') or 'failed without a reason'}")
    added = {f"{resource.name}.{name}": value for name, value in (answer.get("Data") or {}).items()}
    return added | {resource.name: answer.get("PhysicalResourceId") or resource.name}
