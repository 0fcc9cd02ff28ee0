"""A proxy on the wire to PostgreSQL that counts how often the client has waited for the server, and loses answers where a test asks it."""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from parley.kernel.persistence import transactions
from parley.kernel.postgres import authorizer_lookup


class PostgresProxy:
    """Listens on loopback and passes everything on. A round trip is counted when the client speaks after the server has spoken."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.round_trips = 0
        self.delay = 0.0  # seconds added to each round trip
        self.loses: list[bytes] = []  # what the server answers to a message with the first of these never arrives, and the connection ends
        self.passes = 0  # how many such messages are answered before one is not
        self.is_cut_by_loss = False  # and nobody gets through after that
        self.is_cut = False  # nobody gets through any more
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.is_cut:
                    client.close()
                    continue
                server = socket.create_connection(self._target)
                for side in (client, server):  # as PostgreSQL does it: an answer in two pieces must not wait for an acknowledgement
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _loses_answer(self, content: bytes) -> bool:
        if not self.loses or self.loses[0] not in content.lower():
            return False
        self.passes -= 1
        if self.passes >= 0:
            return False
        self.loses.pop(0)
        return True

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        server_spoke = True
        with selectors.DefaultSelector() as selector, client, server, suppress(OSError):
            selector.register(client, selectors.EVENT_READ)
            selector.register(server, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    content = key.fileobj.recv(65536)  # type: ignore[union-attr]  # only sockets are registered
                    if not content:
                        return
                    if self.is_cut:
                        return
                    if key.fileobj is client:
                        self.round_trips += server_spoke
                        if server_spoke and self.delay:
                            time.sleep(self.delay)
                        server_spoke = False
                        server.sendall(content)
                        if self._loses_answer(content):
                            server.recv(65536)  # it is done by then
                            self.is_cut = self.is_cut_by_loss
                            return
                    else:
                        server_spoke = True
                        client.sendall(content)


@contextmanager
def wired() -> Iterator[PostgresProxy]:
    """While it lasts, everything that this process asks of the database goes over a wire that counts."""
    url = os.environ["DATABASE_URL"]
    parts = urlsplit(url)
    assert parts.hostname is not None and parts.port is not None
    wire = PostgresProxy(parts.hostname, parts.port)
    transactions.engine().dispose()
    os.environ["DATABASE_URL"] = url.replace(f":{parts.port}/", f":{wire.port}/")
    try:
        yield wire
    finally:
        transactions.engine().dispose()
        authorizer_lookup.hang_up()
        os.environ["DATABASE_URL"] = url
        wire.close()
