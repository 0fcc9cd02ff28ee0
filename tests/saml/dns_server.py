"""A name server on loopback, which answers for every domain what a test has written into it: UDP, and nothing but TXT."""

from __future__ import annotations

import os
import socket
import threading
from functools import cache

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class NameServer:
    """`records`: texts by name. `broken`: names that get SERVFAIL, `silent`: that get no answer at all."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self.broken: set[str] = set()
        self.silent: set[str] = set()
        self.requests: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def _serve(self) -> None:
        while True:
            wire, client = self._socket.recvfrom(4096)
            query = dns.message.from_wire(wire)
            [question] = query.question
            name = question.name.to_text().rstrip(".").lower()
            self.requests.append(name)
            if name in self.silent:
                continue
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            if name in self.broken:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif name in self.records:
                texts = [" ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)) for text in self.records[name]]
                answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", "TXT", texts))
            else:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self._socket.sendto(answer.to_wire(), client)


@cache
def nameserver() -> NameServer:
    """One a test process; functions ask it from then on."""
    server = NameServer()
    os.environ["DNS_RESOLVER"] = server.address
    return server
