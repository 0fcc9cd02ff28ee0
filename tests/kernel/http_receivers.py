"""HTTP servers on loopback that answer as a test wants: well, slowly, endlessly, or not at all."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic


@dataclass
class ReceivedRequest:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=monotonic)


@dataclass
class Reply:
    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)


class Receiver:
    """Keeps what arrived; `answer` says what comes back."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.arrived: list[ReceivedRequest] = []
        self.challenges: list[ReceivedRequest] = []
        self.agrees = True  # to hear of events, when it is asked
        self.answer: Callable[[ReceivedRequest], Reply] = lambda _: Reply()


def _challenge(body: bytes) -> str | None:
    """What a webhook asks a new address."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    is_challenge = isinstance(message, dict) and message.get("type") == "webhook.challenge"
    return str(message["data"]["challenge"]) if is_challenge else None


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A server that answers each request in a thread of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            arrival = ReceivedRequest(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            challenge = _challenge(body)
            (made.arrived if challenge is None else made.challenges).append(arrival)
            echo = made.agrees and challenge is not None
            reply = Reply(body=json.dumps({"challenge": challenge}).encode()) if echo else made.answer(arrival)
            with suppress(OSError):
                self.send_response(reply.status)
                for name, value in {"content-length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

        do_GET = do_POST  # noqa: N815  # the name that the server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def raw(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does what `serve` does with each connection; its URL. Connections stay open until the end."""
    listening = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []

    def serve_one(connection: socket.socket) -> None:
        with suppress(OSError):
            serve(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                taken.append(connection)
                threading.Thread(target=serve_one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/hook"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for connection in taken:
            connection.close()


@contextmanager
def hanging() -> Iterator[str]:
    """Accepts, reads, and never says a word."""

    def read(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with raw(read) as url:
        yield url
