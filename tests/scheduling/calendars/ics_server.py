"""A site with one ICS address, and what its calendar keeps busy by the function that asks calendars."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from parley.calendar_providers.adapter_dispatch import answer
from parley.calendar_providers.provider_protocol import (
    ChangesResult,
    FreeBusy,
    FreeBusyResult,
    IcsAccount,
    Operation,
    ProviderReply,
    ProviderRequest,
    ReadChanges,
)
from tests.scheduling.calendars.caldav_server import calendar_of

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)


class Site:
    """One address that answers `body`; `/away` leads to `location`."""

    def __init__(self) -> None:
        self.body, self.location, self.conditional, self.is_gone = "", "", 0, False
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_away = self.path == "/away"
                is_known = self.headers.get("if-none-match") == site.etag
                site.conditional += is_known
                self.send_response(404 if site.is_gone else 302 if is_away else 304 if is_known else 200)
                for name, value in [("location", site.location)] if is_away else [("etag", site.etag)]:
                    self.send_header(name, value)
                sent = b"" if is_away or is_known else site.body.encode()
                self.send_header("content-length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def etag(self) -> str:
        return f'"{hash(self.body)}"'

    def ask(self, wanted: Operation, path: str = "/calendar.ics", seconds: float = 5.0) -> ProviderReply:
        url = f"http://127.0.0.1:{self.server.server_port}{path}"
        return answer(ProviderRequest(account=IcsAccount(url=url), wanted=wanted, seconds=seconds))

    def changed(self, body: str, **other: str) -> ChangesResult:
        """All that a sync is told of this calendar."""
        self.body = body
        wanted = {"calendar_id": "calendar", "sync_token": None, "start": START, "end": END}
        reply = self.ask(ReadChanges.model_validate(wanted | other), seconds=20.0)
        assert isinstance(reply.answer, ChangesResult), reply
        return reply.answer

    def busy(self, *events: str, zone: str = "") -> list[tuple[str, str]]:
        self.body = calendar_of(*events, zone=zone)
        reply = self.ask(FreeBusy(calendar_ids=["calendar"], start=START, end=END, timezones={"calendar": "America/New_York"}))
        assert isinstance(reply.answer, FreeBusyResult), reply
        return sorted((f"{busy_time.start:%m-%d %H:%M}", f"{busy_time.end:%m-%d %H:%M}") for busy_time in reply.answer.times)
