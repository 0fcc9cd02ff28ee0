"""The HTTP API on a loopback port. It turns bytes into requests and responses into bytes; everything else is the gateway's."""

from __future__ import annotations

import errno
import logging
import re
import socket
import threading
from collections.abc import Callable
from email.errors import FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect, MissingHeaderBodySeparatorDefect
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.gateway import LARGEST_BODY
from local.http_api import Request, Response, message
from local.problems import Problem

log = logging.getLogger(__name__)

Handle = Callable[[Request], Response]
IDLE_SECONDS = 65
LINGER_SECONDS = 1.0
MOST_DISCARDED = 64 * 1024 * 1024
_WITHOUT_BODY = {204, 304}
_NO_HEADER_LINES = (FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect, MissingHeaderBodySeparatorDefect)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r?\n", re.DOTALL)


class PortTaken(Problem):
    """Something else listens on the port."""


class _BadRequest(Exception):
    def __init__(self, response: Response) -> None:
        self.response = response


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    wbufsize = -1  # head and body leave together: two small packets would wait for each other

    def version_string(self) -> str:
        return "parley"

    def _serve(self) -> None:
        try:
            self._expect_http()
            body = self._body()
        except _BadRequest as refusal:
            self._refuse(refusal.response)
            return
        headers = tuple(
            (key, value) for key, value in self.headers.items() if key.lower() not in {"connection", "transfer-encoding", "expect"}
        )
        try:
            response = self.server.answer(Request(self.command, _origin_form(self.path), headers, body, self.client_address[0]))  # type: ignore[attr-defined]
        except Exception:  # a fault of the gateway must not cost the connection's thread a silent death
            self.log_error("%s %s", self.command, self.path)
            self._respond(message(500, "Internal Server Error"))
            raise
        self._respond(response)

    def handle_expect_100(self) -> bool:
        """At once: who waits for it sends no body before."""
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def __getattr__(self, name: str) -> Any:
        """Any method is passed on: whether it is allowed is for the routes to say."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _expect_http(self) -> None:
        """What is read in two ways by two readers is read by none: RFC 9112, 5 and 11.2. Whoever stood in front would let it pass."""
        is_http = self.request_version.startswith("HTTP/1.") and _TOKEN.fullmatch(self.command)
        is_read = not any(isinstance(defect, _NO_HEADER_LINES) for defect in self.headers.defects)
        is_clear = all(_TOKEN.fullmatch(key) and not re.search(r"[\r\n\0]", value) for key, value in self.headers.items())
        if not (is_http and is_read and is_clear):
            self.request_version = "HTTP/1.1"
            raise _BadRequest(message(400, "Bad Request"))

    def _body(self) -> bytes:
        codings = self.headers.get_all("Transfer-Encoding")
        if codings and "Content-Length" in self.headers:
            raise _BadRequest(message(400, "Bad Request"))
        if codings and [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise _BadRequest(message(501, "Not Implemented"))
        if codings:
            return self._chunks()
        lengths = {length.strip() for length in self.headers.get_all("Content-Length") or ["0"]}
        text = lengths.pop()
        if lengths or not (text.isascii() and text.isdigit()):
            raise _BadRequest(message(400, "Bad Request"))
        if len(text) > 12 or int(text) > LARGEST_BODY:
            raise _BadRequest(message(413, "Request Entity Too Large"))
        return self._exactly(int(text))

    def _chunks(self) -> bytes:
        body = b""
        while True:
            line = _CHUNK_SIZE.fullmatch(self.rfile.readline(1026))
            if line is None:
                raise _BadRequest(message(400, "Bad Request"))
            size = int(line[1], 16)
            if len(body) + size > LARGEST_BODY:
                raise _BadRequest(message(413, "Request Entity Too Large"))
            if size == 0:
                while self.rfile.readline(1026).strip():
                    continue
                return body
            body += self._exactly(size)
            if self.rfile.readline(3) not in {b"\r\n", b"\n"}:
                raise _BadRequest(message(400, "Bad Request"))

    def _exactly(self, length: int) -> bytes:
        body = self.rfile.read(length)
        if len(body) < length:
            raise _BadRequest(message(400, "Bad Request"))
        return body

    def _respond(self, response: Response) -> None:
        try:
            self.send_response(response.status)
            for key, value in response.headers:
                self.send_header(key, value.encode("utf-8").decode("latin-1"))
            if response.status not in _WITHOUT_BODY:
                self.send_header("Content-Length", str(len(response.body)))
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD" and response.status not in _WITHOUT_BODY:
                self.wfile.write(response.body)
        except OSError:
            self.close_connection = True

    def send_error(self, code: int, message_text: str | None = None, explain: str | None = None) -> None:
        """What the standard library refuses by itself (a line too long, no HTTP at all) looks like the gateway's refusals."""
        self.command = getattr(self, "command", None) or "GET"
        self.request_version = "HTTP/1.1"  # whatever was sent instead of one
        self._refuse(message(code, message_text or "Bad Request"))

    def _refuse(self, response: Response) -> None:
        """Answer a request that was not read to its end, and give its sender a moment to see that before the connection goes."""
        self.close_connection = True
        self._respond(response)
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(LINGER_SECONDS)
            for _ in range(MOST_DISCARDED // 65_536):
                if not self.connection.recv(65_536):
                    break
        except OSError:
            return

    def log_message(self, text: str, *args: Any) -> None:
        """Nothing: the functions' logs tell what happened."""


def _origin_form(target: str) -> str:
    """Path and query of a target that may have been sent with scheme and host, as to a proxy."""
    if "://" not in target.split("?", 1)[0] or target.startswith("/"):
        return target
    return "/" + target.split("://", 1)[1].partition("/")[2]


class Server(ThreadingHTTPServer):
    """Listens from the moment it is made; `serve` answers in threads until `stop`."""

    request_queue_size = 512
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, answer: Handle) -> None:
        """Raises PortTaken."""
        self.answer = answer
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except (OSError, OverflowError) as problem:
            is_taken = isinstance(problem, OSError) and problem.errno == errno.EADDRINUSE
            why = "is taken by another program, if not by another `make run`" if is_taken else f"can't be had ({problem})"
            raise PortTaken(f"Port {port} of 127.0.0.1 {why}. Choose another one: PARLEY_PORT=3001 make run.") from problem

    @property
    def port(self) -> int:
        port: int = self.server_address[1]
        return port

    def server_bind(self) -> None:
        """Without the look-up of the host's name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.exception("a request failed")

    def serve(self) -> None:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.5}, name="http", daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
