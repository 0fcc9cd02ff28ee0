"""Calling a function: what every way of running one (in this process, in an execution environment) has in common."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.cloudformation import ACCOUNT, REGION
from local.problems import Problem
from local.template import Function

LARGEST_PAYLOAD = 6 * 1024 * 1024  # of a synchronous call, in either direction

Invoke = Callable[[str, Any], Any]
"""(logical id of the function, event) -> its answer. Raises the exceptions of this module."""


class FunctionFailed(Problem):
    """The function raised an error, ended its process, or its answer was no JSON or too large."""


class FunctionTimedOut(FunctionFailed):
    """The function needed longer than its Timeout."""


class FunctionThrottled(FunctionFailed):
    """No execution environment became free in time."""


class PayloadTooLarge(FunctionFailed):
    """The event is larger than a synchronous call may carry."""


@dataclass
class Context:
    """The second argument of a handler."""

    function_name: str
    memory_limit_in_mb: int
    timeout: int
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    client_context: None = None
    identity: None = None
    log_stream_name: str = "local"
    _began: float = field(default_factory=time.monotonic)

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._began + self.timeout - time.monotonic()) * 1000))


def context_of(function: Function) -> Context:
    return Context(function.name, function.memory, function.timeout)


def encode(payload: Any) -> bytes:
    """A payload as it travels: JSON. Raises TypeError or ValueError for what JSON does not have."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def decode(payload: bytes) -> Any:
    return json.loads(payload.decode("utf-8", "surrogatepass"))
