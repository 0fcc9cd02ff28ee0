"""A plain HTTP client, as anybody outside would use one."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    raw: bytes

    @property
    def body(self) -> Any:
        """Parsed where it is JSON, else the text."""
        if "json" in self.headers.get("content-type", ""):
            return json.loads(self.raw)
        return self.raw.decode("utf-8", "replace")


@dataclass(frozen=True)
class Client:
    """Talks to one address; with a token as a member, without as a stranger."""

    address: str
    token: str | None = None
    seconds: float = 60.0
    headers: Mapping[str, str] = field(default_factory=dict)

    def request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """body: bytes as they are, anything else as JSON. path: of the address, or a whole URL (a presigned one). Raises OSError."""
        foreign = "://" in path
        sent = {} if foreign else dict(self.headers) | ({"authorization": f"Bearer {self.token}"} if self.token else {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["content-type"] = "application/json"
        url = path if foreign else self.address + path
        wanted = urllib.request.Request(url, body, sent | dict(headers or {}), method=method)
        try:
            with urllib.request.urlopen(wanted, timeout=self.seconds) as answer:
                return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, {name.lower(): value for name, value in refusal.headers.items()}, refusal.read())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, None, headers)

    def post(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("POST", path, {} if body is None else body, headers)
