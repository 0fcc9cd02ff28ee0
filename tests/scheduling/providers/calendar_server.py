"""What the two calendar providers on loopback have in common: a server, people with calendars, OAuth, and trouble on demand.

Each speaks as its own documentation says, and refuses what the documentation refuses. Nothing here is shared with what is tested.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, redirect, request
from werkzeug.serving import make_server

Push = Callable[[str, dict[str, str], bytes], tuple[int, bytes]]


def as_json(payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(payload), status, headers, mimetype="application/json")


@dataclass
class Calendar:
    """Events by their id, as the provider tells them. `role` is what its person may do with it."""

    id: str
    name: str
    role: str = "owner"
    is_primary: bool = False
    timezone: str = "Europe/Berlin"
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed_at: dict[str, int] = field(default_factory=dict)


@dataclass
class CalendarUser:
    """Somebody with an account. `agrees_to` is the part of the scopes that they tick; `denies`: they close the page."""

    subject: str
    email: str
    calendars: dict[str, Calendar] = field(default_factory=dict)
    agrees_to: set[str] | None = None
    denies: bool = False
    has_agreed: bool = False

    @property
    def primary(self) -> Calendar:
        return next(calendar for calendar in self.calendars.values() if calendar.is_primary)

    def add(self, calendar: Calendar) -> Calendar:
        self.calendars[calendar.id] = calendar
        return calendar


@dataclass
class Trouble:
    """The next `times` requests whose method and path begin so are answered like this."""

    begins: str
    answer: Callable[[], Response]
    times: int = 1
    skips: int = 0


@dataclass
class Grant:
    someone: CalendarUser
    scopes: set[str]
    expires_at: float = 0.0
    is_revoked: bool = False


@dataclass
class Code:
    grant: Grant
    redirect_uri: str
    challenge: str
    is_offline: bool


class Site:
    """A provider; `with` stops it. `client_url` is where our API is registered, `push` how its notifications reach us."""

    kind: str
    callback = "/v1/scheduling/calendars/connect/{kind}/callback"

    def __init__(self, client_url: str) -> None:
        self.client_url = client_url.rstrip("/")
        self.client_id, self.client_secret = f"calendar-client-of-{self.kind}", secrets.token_urlsafe(24)
        self.token_seconds = 3599
        self.page_size = 100
        self.rotates = False
        self.people: dict[str, CalendarUser] = {}
        self.codes: dict[str, Code] = {}
        self.access: dict[str, Grant] = {}
        self.refresh: dict[str, Grant] = {}
        self.requests: list[str] = []
        self.refreshes = 0
        self.refresh_takes = 0.0
        self.troubles: list[Trouble] = []
        self.push: Push | None = None
        self.forgotten_before = 0
        self.lock = threading.RLock()
        self._moments = itertools.count(1)
        self.now_at = 0
        self.server = make_server("127.0.0.1", 0, self._app(), threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def redirect_uri(self) -> str:
        return self.client_url + self.callback.format(kind=self.kind)

    # --- what tests do to it ------------------------------------------------------------------------------------------------------------

    def someone(self) -> CalendarUser:
        """Somebody new, with one calendar."""
        subject = secrets.token_hex(10)
        made = CalendarUser(subject, f"{subject}@{self.kind}.test")
        made.add(self.first_calendar(made))
        with self.lock:
            self.people[subject] = made
        return made

    def first_calendar(self, someone: CalendarUser) -> Calendar:
        raise NotImplementedError

    def fail(self, begins: str, answer: Response | Callable[[], Response], times: int = 1, skips: int = 0) -> None:
        self.troubles.append(
            Trouble(begins, answer if callable(answer) and not isinstance(answer, Response) else lambda: answer, times, skips)
        )

    def revoke(self, someone: CalendarUser) -> None:
        """What the page of an account's connected applications does."""
        for grant in [*self.access.values(), *self.refresh.values()]:
            if grant.someone is someone:
                grant.is_revoked = True
        someone.has_agreed = False

    def expire_access(self, someone: CalendarUser) -> None:
        """As when an hour has gone by."""
        for grant in self.access.values():
            if grant.someone is someone:
                grant.expires_at = 0

    def forget_changes(self) -> None:
        """Sync tokens of before are good no more."""
        self.forgotten_before = self.now_at + 1
        self.touch(None, None)

    def touch(self, calendar: Calendar | None, event_id: str | None) -> int:
        """Something has changed."""
        with self.lock:
            self.now_at = next(self._moments)
            if calendar is not None and event_id is not None:
                calendar.changed_at[event_id] = self.now_at
            return self.now_at

    def count(self, begins: str) -> int:
        """How many requests began so."""
        return sum(request_line.startswith(begins) for request_line in self.requests)

    # --- OAuth --------------------------------------------------------------------------------------------------------------------------

    def _app(self) -> Flask:
        app = Flask(f"calendars of {self.kind}")
        app.before_request(self._before)
        self.routes(app)
        return app

    def routes(self, app: Flask) -> None:
        raise NotImplementedError

    def _before(self) -> Response | None:
        line = f"{request.method} {request.path}"
        with self.lock:
            self.requests.append(line)
            for trouble in self.troubles:
                if line.startswith(trouble.begins) and trouble.times > 0:
                    if trouble.skips > 0:
                        trouble.skips -= 1
                        continue
                    trouble.times -= 1
                    break
            else:
                return None
        return trouble.answer()

    def is_offline(self, query: dict[str, str], someone: CalendarUser) -> bool:
        """Whether a refresh token comes with the access token."""
        raise NotImplementedError

    def authorize(self) -> Any:
        query = request.args.to_dict()
        if query.get("client_id") != self.client_id or query.get("redirect_uri") != self.redirect_uri:
            return Response("Error 400: redirect_uri_mismatch", 400)  # never to an address that is not registered
        someone = self.people[request.headers["x-account"]]
        back = {"state": query.get("state", "")}
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            back |= {"error": "invalid_request"}
        elif someone.denies:
            back |= {"error": "access_denied"}
        else:
            scopes = set(query["scope"].split())
            granted = scopes if someone.agrees_to is None else scopes & someone.agrees_to
            is_offline = self.is_offline(query, someone)
            someone.has_agreed = True
            code = secrets.token_urlsafe(24)
            self.codes[code] = Code(Grant(someone, granted), query["redirect_uri"], query["code_challenge"], is_offline)
            back |= {"code": code}
        return redirect(f"{query['redirect_uri']}?{urlencode(back)}")

    def token(self) -> Any:
        form = request.form
        if form.get("client_id") != self.client_id or form.get("client_secret") != self.client_secret:
            return as_json({"error": "invalid_client", "error_description": "Unauthorized"}, 401)
        if form.get("grant_type") == "refresh_token":
            return self._refreshed(form.get("refresh_token", ""))
        if form.get("grant_type") != "authorization_code":
            return as_json({"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}, 400)
        code = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            code is None
            or code.redirect_uri != form.get("redirect_uri")
            or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge
        ):
            return as_json({"error": "invalid_grant", "error_description": "Malformed auth code."}, 400)
        return as_json(self.issued(code.grant, with_refresh=code.is_offline))

    def _refreshed(self, token: str) -> Response:
        if self.refresh_takes:
            time.sleep(self.refresh_takes)
        with self.lock:
            self.refreshes += 1
            grant = self.refresh.get(token)
            if grant is None or grant.is_revoked:
                return as_json(self.revoked(), 400)
            if self.rotates:  # stricter than Microsoft, which lets the former one live on for a while
                del self.refresh[token]
            return as_json(self.issued(grant, with_refresh=self.rotates))

    def revoked(self) -> dict[str, Any]:
        return {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}

    def issued(self, grant: Grant, *, with_refresh: bool) -> dict[str, Any]:
        access = secrets.token_urlsafe(32)
        self.access[access] = Grant(grant.someone, grant.scopes, time.time() + self.token_seconds)
        tokens: dict[str, Any] = {
            "access_token": access,
            "expires_in": self.token_seconds,
            "token_type": "Bearer",
            "scope": " ".join(sorted(grant.scopes)),
        }
        if with_refresh:
            tokens["refresh_token"] = secrets.token_urlsafe(32)
            self.refresh[tokens["refresh_token"]] = grant
        return tokens

    def bearer(self) -> Grant | None:
        """Whose token the request brings, if it is good."""
        grant = self.access.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        return grant if grant is not None and not grant.is_revoked and grant.expires_at > time.time() else None


def instant(text: str) -> datetime:
    """RFC 3339; without an offset it is UTC's."""
    made = datetime.fromisoformat(text)
    return made if made.tzinfo is not None else made.replace(tzinfo=UTC)


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def every(start: datetime, end: datetime, step: timedelta, count: int) -> list[tuple[datetime, datetime]]:
    """The instances of a series, on the wall clock of its start."""
    return [(start + step * number, end + step * number) for number in range(count)]
