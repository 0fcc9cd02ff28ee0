"""Radicale, a CalDAV server that is not ours, in a thread of the tests, and somebody's other program that works on the same calendars."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from radicale.app import Application
from radicale.config import load

USER, PASSWORD = "ada", "correct horse battery"  # of a server that lives as long as the tests


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


class Radicale:
    """`delay` seconds pass before each answer; while `is_down`, it answers 503. `requests` are the methods and paths that came.

    What Radicale does not do, and others do: `wants_digest` takes no password but a digest of it, `addresses` are whom invitations call
    its user, and without `shows_events` a calendar says when it is busy, and no more.
    """

    def __init__(self, folder: Path) -> None:
        users = folder / "users"
        users.write_text(f"{USER}:{PASSWORD}\nbob:{PASSWORD}\n")
        settings = load()
        settings.update(
            {
                "auth": {"type": "htpasswd", "htpasswd_filename": str(users), "htpasswd_encryption": "plain", "delay": "0"},
                "storage": {"filesystem_folder": str(folder / "collections"), "_filesystem_fsync": "False"},
                "logging": {"level": "critical"},
            },
            "tests",
            privileged=True,
        )
        self._application = Application(settings)
        self.delay, self.is_down, self.refuses = 0.0, False, False
        self.wants_digest, self.shows_events, self.digests = False, True, 0
        self.addresses: list[str] = []
        self.requests: list[tuple[str, str]] = []
        self._server = make_server("127.0.0.1", 0, self._answer, _Threads, _Quiet)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if self.delay:
            time.sleep(self.delay)
        if self.is_down:
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return []
        if self.refuses:
            start_response("401 Unauthorized", [("Content-Length", "0")])
            return []
        if self.wants_digest and not self._is_digest(environ):
            challenge = f'Digest realm="Radicale, at home", qop="auth,auth-int", nonce="n{self.digests // 3}", opaque="o"'
            start_response("401 Unauthorized", [("Content-Length", "0"), ("WWW-Authenticate", challenge)])
            return []
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        if b"calendar-query" in body and not self.shows_events:
            start_response("403 Forbidden", [("Content-Length", "0")])
            return []
        if b"calendar-user-address-set" in body:
            return self._whose(environ, start_response)
        return self._application(environ, start_response)

    def _is_digest(self, environ: dict[str, Any]) -> bool:
        """RFC 7616, 3.4.1; a nonce is good for three requests. Radicale itself is then told the password."""
        scheme, _, credentials = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme != "Digest":
            return False
        of = dict(re.findall(r'(\w+)="?([^",]*)"?', credentials.replace("Radicale, at home", "")))

        def hashed(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        target = environ["PATH_INFO"] + (f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else "")
        secret, request = hashed(f"{USER}:Radicale, at home:{PASSWORD}"), hashed(f"{environ['REQUEST_METHOD']}:{of['uri']}")
        wanted = hashed(f"{secret}:{of['nonce']}:{of['nc']}:{of['cnonce']}:auth:{request}")
        is_good = (of["response"], of["uri"], of["opaque"]) == (wanted, target, "o") and of["nonce"] == f"n{self.digests // 3}"
        self.digests += is_good
        environ["HTTP_AUTHORIZATION"] = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        return is_good

    def _whose(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        hrefs = "".join(f"<D:href>{address}</D:href>" for address in self.addresses)
        inner = (
            f"<D:href>{environ['PATH_INFO']}</D:href><D:propstat><D:prop><C:calendar-user-address-set>{hrefs}</C:calendar-user-address-set>"
        )
        inner += "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
        body = f'<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:response>{inner}</D:response></D:multistatus>'
        start_response("207 Multi-Status", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body.encode()]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def other_password(self) -> Iterator[None]:
        """Somebody has changed it: everybody is refused."""
        self.refuses = True
        try:
            yield
        finally:
            self.refuses = False

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def send(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
        """As another program of the same person."""
        password = base64.b64encode(f"{path.split('/')[1]}:{PASSWORD}".encode()).decode()
        connection = HTTPConnection("127.0.0.1", self._server.server_port, timeout=10)
        try:
            connection.request(method, path, body.encode(), {"authorization": f"Basic {password}"} | headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def make_calendar(self, path: str, name: str = "Work") -> str:
        """`path` is `/ada/work/`. Returns its address."""
        inner = '<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><C:supported-calendar-component-set><C:comp name="VEVENT"/>'
        inner += f"</C:supported-calendar-component-set><D:displayname>{name}</D:displayname>"
        spaces = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
        status, body = self.send("MKCOL", path, f"<D:mkcol {spaces}><D:set><D:prop>{inner}</D:prop></D:set></D:mkcol>")
        assert status == 201, body
        return self.url + path

    def put(self, path: str, event: str) -> None:
        status, body = self.send("PUT", path, calendar_of(event), **{"content-type": "text/calendar"})
        assert status in (201, 204), body

    def delete(self, path: str) -> None:
        assert self.send("DELETE", path)[0] in (200, 204)

    def events(self, path: str) -> list[str]:
        """The iCalendars that lie in a calendar, as another program sees them."""
        _, whole = self.send("GET", path)
        return whole.split("BEGIN:VEVENT")[1:]


def calendar_of(*events: str, zone: str = "") -> str:
    inner = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Somebody//EN\n{zone}{inner}END:VCALENDAR\n".replace("\n", "\r\n")


@contextmanager
def radicale(folder: Path) -> Iterator[Radicale]:
    made = Radicale(folder)
    try:
        yield made
    finally:
        made.stop()
