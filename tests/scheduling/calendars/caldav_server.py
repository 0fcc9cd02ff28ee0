"""Radicale, a CalDAV server that is not ours, in a thread of the tests, and somebody's other program that works on the same calendars."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
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
    """`delay` seconds pass before each answer; while `is_down`, it answers 503. `requests` are the methods and paths that came."""

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
        return self._application(environ, start_response)

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
        status, said = self.send("MKCOL", path, f"<D:mkcol {spaces}><D:set><D:prop>{inner}</D:prop></D:set></D:mkcol>")
        assert status == 201, said
        return self.url + path

    def put(self, path: str, event: str) -> None:
        status, said = self.send("PUT", path, calendar_of(event), **{"content-type": "text/calendar"})
        assert status in (201, 204), said

    def delete(self, path: str) -> None:
        assert self.send("DELETE", path)[0] in (200, 204)

    def events(self, path: str) -> list[str]:
        """The iCalendars that lie in a calendar, as another program sees them."""
        _, whole = self.send("GET", path)
        return whole.split("BEGIN:VEVENT")[1:]


def calendar_of(*events: str, zone: str = "") -> str:
    inner = "".join(f"BEGIN:VEVENT\n{one.strip()}\nEND:VEVENT\n" for one in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Somebody//EN\n{zone}{inner}END:VCALENDAR\n".replace("\n", "\r\n")


@contextmanager
def radicale(folder: Path) -> Iterator[Radicale]:
    made = Radicale(folder)
    try:
        yield made
    finally:
        made.stop()
