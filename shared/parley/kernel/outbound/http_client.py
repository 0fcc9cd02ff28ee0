"""Requests to addresses that customers name: guarded against being sent into our own network (SSRF), and against who never ends.

A name is resolved once, every address of it is checked, and the connection goes to a checked address, with the name in SNI and Host: a
name that changes between look and connect changes nothing. No redirects are followed, no proxy of the environment is asked, and the answer
is read up to a limit and a deadline, whatever its sender does.
"""

import io
import re
import socket
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from parley.kernel.outbound.ssrf_guard import Address, AddressRefused, NameNotResolved, allows_loopback, normalized, resolve
from parley.kernel.values.errors import Unprocessable

DEADLINE_SECONDS = 15.0
PORTS: dict[str, tuple[int, ...]] = {"https": (443, 8443), "http": (80, 8080)}
LONGEST_URL = 2000
_HEAD_BYTES = 64 * 1024
_MOST_ADDRESSES = 3
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PRINTABLE = re.compile(r"[!-~\u00a1-\U0010ffff]+")


class UrlRefused(Unprocessable):
    """We do not send requests to an address of this form."""


class RequestFailed(Exception):
    """No answer. `code`: address_refused, name_not_resolved, resolver_away, connection_failed, tls_failed, timed_out, bad_response."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class CheckedUrl:
    """A checked URL, taken apart. `host` is a name in ASCII, or an IP address."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == PORTS[self.scheme][0] else f"{shown}:{self.port}"


@dataclass(frozen=True, slots=True)
class ClientResponse:
    """`body` is what came within limit and deadline; `is_complete` says whether that is all. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_complete: bool


def check_url(url: str, schemes: tuple[str, ...] = ("https",)) -> CheckedUrl:
    """Take a URL apart, without asking anybody. Ports 443 and 8443, for http 80 and 8080.

    On a developer's machine, loopback is allowed with any port, and without TLS. Raises `UrlRefused`, `AddressRefused`.
    """
    if len(url) > LONGEST_URL or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise UrlRefused(f"A URL has at most {LONGEST_URL} printable characters, no spaces and no backslashes.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise UrlRefused("This is not a URL.") from None
    if "@" in parts.netloc or parts.fragment or "%" in parts.netloc or not host:
        raise UrlRefused("A URL names a host; it has no user, password, fragment, nor escapes in the host.")
    is_local = host in _LOOPBACK and allows_loopback()
    scheme = parts.scheme.lower()
    if scheme not in schemes and not (is_local and scheme == "http"):
        raise UrlRefused(f"The URL must begin with {' or '.join(f'{name}://' for name in schemes)}.")
    if port is None:
        port = PORTS[scheme][0]
    if port not in PORTS[scheme] and not is_local:
        raise UrlRefused(f"Use one of the ports {', '.join(str(number) for number in PORTS[scheme])}.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise UrlRefused("Path and query must be percent-encoded.")
    return CheckedUrl(scheme, normalized(host), port, path)


def check_reachable(target: CheckedUrl, seconds: float = 2.0) -> None:
    """Refuse a name that leads to an address that is not public. One that does not resolve now may do so later, and passes.

    Raises `AddressRefused`.
    """
    try:
        resolve(target.host, target.port, seconds)
    except NameNotResolved:
        return


def check_destination(url: str, schemes: tuple[str, ...] = ("https",)) -> None:
    """What is asked before a URL is stored: its form, and where its name leads now. Raises `UrlRefused`, `AddressRefused`."""
    check_reachable(check_url(url, schemes))


def request(
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes = b"",
    *,
    schemes: tuple[str, ...] = ("https",),
    seconds: float = DEADLINE_SECONDS,
    most_bytes: int = 4096,
) -> ClientResponse:
    """Send one request and read up to `most_bytes` of the answer, all within `seconds`. Any status is an answer. Raises `RequestFailed`.

    Host, Content-Length, Connection and Accept-Encoding are set here; header names and values must have been checked.
    """
    deadline = time.monotonic() + seconds
    try:
        target = check_url(url, schemes)
        addresses = resolve(target.host, target.port, min(5.0, seconds))
        with _connected(target, addresses, deadline) as connection:
            connection.settimeout(_left(deadline))  # for all that is sent: who does not read it has no time of its own
            connection.sendall(_head(method, target, headers, len(body)) + body)
            return _read(connection, method, deadline, most_bytes)
    except (AddressRefused, UrlRefused):
        raise RequestFailed("address_refused") from None
    except NameNotResolved as error:
        raise RequestFailed("resolver_away" if error.is_temporary else "name_not_resolved") from None
    except ssl.SSLError as error:
        raise RequestFailed("tls_failed") from error
    except TimeoutError as error:
        raise RequestFailed("timed_out") from error
    except OSError as error:
        raise RequestFailed("connection_failed") from error
    except (HTTPException, ValueError) as error:
        raise RequestFailed("bad_response") from error


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _connected(target: CheckedUrl, addresses: list[Address], deadline: float) -> socket.socket:
    """A connection to the first checked address that takes one."""
    failure: OSError = ConnectionError()
    tried = addresses[:_MOST_ADDRESSES]
    for index, address in enumerate(tried):
        try:
            plain = socket.create_connection((str(address), target.port), timeout=_left(deadline) / (len(tried) - index))
        except OSError as error:
            failure = error
            continue
        try:
            plain.settimeout(_left(deadline))
            return _tls().wrap_socket(plain, server_hostname=target.host) if target.scheme == "https" else plain
        except BaseException:
            plain.close()
            raise
    raise failure


def _head(method: str, target: CheckedUrl, headers: dict[str, str], length: int) -> bytes:
    fixed = {"host": target.authority, "content-length": str(length), "connection": "close", "accept-encoding": "identity"}
    own = {name: value for name, value in headers.items() if name.lower() not in fixed}
    lines = [f"{method} {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in (fixed | own).items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("A header must be one line.")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class _Bounded(io.RawIOBase):
    """Reads from a socket until the deadline, and no more than so many bytes altogether: a trickle does not begin the time anew."""

    def __init__(self, connection: socket.socket, deadline: float, most: int) -> None:
        self._connection, self._deadline, self._left = connection, deadline, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            return 0
        self._connection.settimeout(_left(self._deadline))
        taken = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= taken
        return taken


class _Socket:
    """What `HTTPResponse` asks of a socket."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self._reader = reader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self._reader


def _read(connection: socket.socket, method: str, deadline: float, most_bytes: int) -> ClientResponse:
    reader = io.BufferedReader(_Bounded(connection, deadline, _HEAD_BYTES + most_bytes + 1))
    # It uses `makefile` alone.
    with closing(HTTPResponse(_Socket(reader), method=method)) as response:  # type: ignore[arg-type]
        response.begin()
        while 100 < response.status < 200 and response.status != HTTPStatus.SWITCHING_PROTOCOLS:
            # RFC 9110, 15.2: others come before the answer, whether one expects them or not. `begin` reads no second time over headers.
            response.headers = None  # type: ignore[assignment]  # as it was before `begin`
            response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        body, is_complete = b"", False
        try:
            while len(body) <= most_bytes and (part := response.read1(most_bytes + 1 - len(body))):
                body += part
            is_complete = len(body) <= most_bytes and not response.length
        except (HTTPException, OSError):  # the status came; its reader decides whether what is missing of the body matters
            pass
        return ClientResponse(response.status, headers, body[:most_bytes], is_complete)
