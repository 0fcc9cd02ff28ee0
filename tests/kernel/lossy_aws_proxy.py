"""An endpoint before the emulated AWS that passes requests on, and loses the answers: the connection ends without one."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from parley.kernel.aws import boto3_clients


class LossyProxy(ThreadingHTTPServer):
    """`taken` counts the requests that went on; with `loses` off, answers come back. `status` is answered in the place of passing on.

    A mail to one of the addresses of `refuses` is refused.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.target = os.environ["AWS_ENDPOINT_URL"].rstrip("/")
        self.taken = 0
        self.loses = True
        self.status: int | None = None
        self.refuses: set[str] = set()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Passing(BaseHTTPRequestHandler):
    server: LossyProxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.taken += 1
        is_refused = any(f'"{address}"'.encode() in body for address in self.server.refuses)
        if self.server.status is not None or is_refused:
            self.send_response(400 if is_refused else self.server.status or 500)
            self.send_header("content-length", "0")
            self.end_headers()
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        request = urllib.request.Request(self.server.target + self.path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                status, kind, content = answer.status, answer.headers["content-type"], answer.read()
        except urllib.error.HTTPError as refusal:
            status, kind, content = refusal.code, refusal.headers["content-type"], refusal.read()
        if self.server.loses:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        pass


@contextmanager
def losing(monkeypatch: pytest.MonkeyPatch, service: str) -> Iterator[LossyProxy]:
    """The calls of a service (`sesv2`, `sns`) go through one, while the block lasts."""
    with monkeypatch.context() as patch, LossyProxy() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        patch.setenv(f"AWS_ENDPOINT_URL_{service.upper()}", server.endpoint)
        boto3_clients.client.cache_clear()
        try:
            yield server
        finally:
            server.shutdown()
            boto3_clients.client.cache_clear()
