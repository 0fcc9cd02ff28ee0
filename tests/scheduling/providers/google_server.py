"""Google's OAuth and Calendar API v3 on loopback.

Sources: Google, "Using OAuth 2.0 for web server applications"; Calendar API reference v3 (CalendarList, Events, Freebusy, Channels);
guides "Synchronize resources efficiently", "Get push notifications", "Handle API errors".
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from flask import Flask, Response, request

from tests.scheduling.providers.calendar_server import Calendar, CalendarUser, Grant, Site, as_json, every, instant, rfc3339

_AUTH = "https://www.googleapis.com/auth/"
_LISTING = {f"{_AUTH}{name}" for name in ("calendar", "calendar.readonly", "calendar.calendarlist", "calendar.calendarlist.readonly")}
_FREE_BUSY = {f"{_AUTH}{name}" for name in ("calendar", "calendar.readonly", "calendar.freebusy", "calendar.events.freebusy")}
_READING = {f"{_AUTH}{name}" for name in ("calendar", "calendar.readonly", "calendar.events", "calendar.events.readonly")}
_WRITING = {f"{_AUTH}{name}" for name in ("calendar", "calendar.events")}
_ROLES = ["freeBusyReader", "reader", "writer", "owner"]
_FILTERS = {"timeMin", "timeMax", "updatedMin", "orderBy", "q", "iCalUID", "privateExtendedProperty", "sharedExtendedProperty"}


def refusal(
    status: int, reason: str, message: str, domain: str = "global", headers: dict[str, str] | None = None, **where: str
) -> Response:
    error = {"domain": domain, "reason": reason, "message": message} | where
    return as_json({"error": {"errors": [error], "code": status, "message": message}}, status, headers)


def rate_limited(status: int = 403, reason: str = "rateLimitExceeded", retry_after: int | None = None) -> Response:
    """403 with rateLimitExceeded or userRateLimitExceeded, quotaExceeded, or 429; the guide promises no Retry-After."""
    headers = {"retry-after": str(retry_after)} if retry_after is not None else None
    return refusal(status, reason, "Rate Limit Exceeded", "usageLimits", headers)


@dataclass
class Channel:
    id: str
    token: str | None
    address: str
    resource_id: str
    calendar: Calendar
    expires_at: int
    notices: int = 0
    is_stopped: bool = False


class GoogleServer(Site):
    kind = "google"

    def __init__(self, client_url: str) -> None:
        self.channels: dict[str, Channel] = {}
        super().__init__(client_url)

    def first_calendar(self, someone: CalendarUser) -> Calendar:
        return Calendar(someone.email, someone.email, is_primary=True)

    def is_offline(self, query: dict[str, str], someone: CalendarUser) -> bool:
        """Only the first consent brings a refresh token, unless the page is asked to be shown again."""
        return query.get("access_type") == "offline" and (not someone.has_agreed or "consent" in query.get("prompt", ""))

    def settings(self) -> dict[str, str]:
        """What a deployment would say of it."""
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "authorization": f"{self.url}/o/oauth2/v2/auth",
            "token": f"{self.url}/token",
            "userinfo": f"{self.url}/v1/userinfo",
            "api": f"{self.url}/calendar/v3",
        }

    # --- what people do in their calendars ----------------------------------------------------------------------------------------------

    def add_event(self, calendar: Calendar, start: datetime, end: datetime, **fields: Any) -> str:
        """An event as its person would make it. `start` and `end` at midnight with `all_day`: dates."""
        number = fields.pop("id", secrets.token_hex(13))
        is_dated = fields.pop("all_day", False)
        times = {
            name: {"date": moment.strftime("%Y-%m-%d")} if is_dated else {"dateTime": moment.isoformat(), "timeZone": calendar.timezone}
            for name, moment in (("start", start), ("end", end))
        }
        self._store(calendar, {"id": number, "summary": "Something", "status": "confirmed"} | times | fields)
        return str(number)

    def add_series(self, calendar: Calendar, start: datetime, end: datetime, step: timedelta, count: int, **fields: Any) -> list[str]:
        """The instances of a recurring event: with `singleEvents` they are what the API tells."""
        number = secrets.token_hex(13)
        made = []
        for begins, ends in every(start, end, step, count):
            at = begins.astimezone(ZoneInfo("UTC")).strftime("%Y%m%dT%H%M%SZ")
            original = {"dateTime": begins.isoformat(), "timeZone": calendar.timezone}
            of = {"id": f"{number}_{at}", "recurringEventId": number, "originalStartTime": original}
            made.append(self.add_event(calendar, begins, ends, **(of | fields)))
        return made

    def change_event(self, calendar: Calendar, number: str, **fields: Any) -> None:
        self._store(calendar, calendar.events[number] | fields)

    def delete_event(self, calendar: Calendar, number: str) -> None:
        self._store(calendar, calendar.events[number] | {"status": "cancelled"})

    def _store(self, calendar: Calendar, event: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            at = self.touch(calendar, event["id"])
            own = {"kind": "calendar#event", "etag": f'"{at}"', "updated": rfc3339(datetime.now(ZoneInfo("UTC")))}
            own |= {"iCalUID": event.get("iCalUID", f"{event['id']}@google.com"), "sequence": event.get("sequence", 0)}
            calendar.events[event["id"]] = event | own
            return calendar.events[event["id"]]

    def notify(self, calendar: Calendar, state: str = "exists", **changed: str) -> list[int]:
        """Tell the channels of a calendar; the statuses that came back."""
        return [
            self._tell(channel, state, **changed)
            for channel in self.channels.values()
            if channel.calendar is calendar and not channel.is_stopped
        ]

    def _tell(self, channel: Channel, state: str, **changed: str) -> int:
        channel.notices += 1
        headers = {
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Expiration": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(channel.expires_at / 1000)),
            "X-Goog-Resource-ID": channel.resource_id,
            "X-Goog-Resource-URI": f"{self.url}/calendar/v3/calendars/{channel.calendar.id}/events?alt=json",
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(channel.notices),
        }
        if channel.token is not None:
            headers["X-Goog-Channel-Token"] = channel.token
        assert self.push is not None
        return self.push(channel.address, {"content-length": "0"} | headers | changed, b"")[0]

    # --- the API ------------------------------------------------------------------------------------------------------------------------

    def routes(self, app: Flask) -> None:
        app.add_url_rule("/o/oauth2/v2/auth", "authorize", self.authorize)
        app.add_url_rule("/token", "token", self.token, methods=["POST"])
        app.add_url_rule("/v1/userinfo", "userinfo", self._userinfo)
        base = "/calendar/v3"
        app.add_url_rule(f"{base}/users/me/calendarList", "calendar_list", self._calendar_list)
        app.add_url_rule(f"{base}/freeBusy", "free_busy", self._free_busy, methods=["POST"])
        app.add_url_rule(f"{base}/channels/stop", "stop_channel", self._stop, methods=["POST"])
        app.add_url_rule(f"{base}/calendars/<calendar>/events", "events", self._list)
        app.add_url_rule(f"{base}/calendars/<calendar>/events", "insert", self._insert, methods=["POST"])
        app.add_url_rule(f"{base}/calendars/<calendar>/events/watch", "watch", self._watch, methods=["POST"])
        app.add_url_rule(f"{base}/calendars/<calendar>/events/<event>", "event", self._event, methods=["GET", "PUT", "PATCH", "DELETE"])

    def _allowed(self, scopes: set[str]) -> Grant | Response:
        grant = self.bearer()
        if grant is None:
            where = {"locationType": "header", "location": "Authorization"}
            return refusal(401, "authError", "Invalid Credentials", headers={"www-authenticate": "Bearer"}, **where)
        if not grant.scopes & scopes:
            return refusal(403, "insufficientPermissions", "Insufficient Permission: Request had insufficient authentication scopes.")
        return grant

    def _calendar(self, grant: Grant, name: str, role: str) -> Calendar | Response:
        someone, name = grant.someone, unquote(name)
        calendar = someone.primary if name == "primary" else someone.calendars.get(name)
        if calendar is None:
            return refusal(404, "notFound", "Not Found")
        if _ROLES.index(calendar.role) < _ROLES.index(role):
            return refusal(403, "requiredAccessLevel", f"You need to have {role} access to this calendar.", "calendar")
        return calendar

    def _userinfo(self) -> Response:
        grant = self._allowed({"openid"})
        if isinstance(grant, Response):
            return grant
        return as_json({"sub": grant.someone.subject, "email": grant.someone.email, "email_verified": True})

    def _calendar_list(self) -> Response:
        grant = self._allowed(_LISTING)
        if isinstance(grant, Response):
            return grant
        least = request.args.get("minAccessRole", "freeBusyReader")
        shown = [calendar for calendar in grant.someone.calendars.values() if _ROLES.index(calendar.role) >= _ROLES.index(least)]
        items, following = self._page(shown, 250)
        made = [
            {"kind": "calendar#calendarListEntry", "id": item.id, "summary": item.name, "timeZone": item.timezone, "accessRole": item.role}
            | ({"primary": True} if item.is_primary else {})
            for item in items
        ]
        return as_json({"kind": "calendar#calendarList", "items": made} | following)

    def _page(self, rows: list[Any], most: int) -> tuple[list[Any], dict[str, str]]:
        size = min(self.page_size, int(request.args.get("maxResults", most)))
        first = int(base64.urlsafe_b64decode(request.args["pageToken"])) if request.args.get("pageToken") else 0
        more = {"nextPageToken": base64.urlsafe_b64encode(str(first + size).encode()).decode()} if first + size < len(rows) else {}
        return rows[first : first + size], more

    def _free_busy(self) -> Response:
        grant = self._allowed(_FREE_BUSY)
        if isinstance(grant, Response):
            return grant
        wanted = request.get_json()
        start, end = instant(wanted["timeMin"]), instant(wanted["timeMax"])
        if end <= start:
            return refusal(400, "timeRangeEmpty", "The specified time range is empty.", "calendar", locationType="parameter")
        if len(wanted["items"]) > 50:
            return refusal(400, "tooManyCalendarsRequested", "The number of calendars requested is too large for a single query.")
        calendars: dict[str, Any] = {}
        for item in wanted["items"]:
            calendar = grant.someone.calendars.get(item["id"])
            if calendar is None:
                calendars[item["id"]] = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
                continue
            spans = sorted(
                (max(start, begins), min(end, ends))
                for begins, ends in (_span(event, calendar) for event in calendar.events.values() if _is_busy(event))
                if begins < end and ends > start
            )
            calendars[item["id"]] = {"busy": [{"start": rfc3339(begins), "end": rfc3339(ends)} for begins, ends in _joined(spans)]}
        return as_json({"kind": "calendar#freeBusy", "timeMin": rfc3339(start), "timeMax": rfc3339(end), "calendars": calendars})

    def _list(self, calendar: str) -> Response:
        grant = self._allowed(_READING)
        stored_calendar = grant if isinstance(grant, Response) else self._calendar(grant, calendar, "reader")
        if isinstance(stored_calendar, Response):
            return stored_calendar
        query = request.args
        if query.get("singleEvents") != "true":
            raise AssertionError("only asked for with instances here")
        since = 0
        if token := query.get("syncToken"):
            if wrong := _FILTERS & set(query):
                return refusal(400, "badRequest", f"Sync token cannot be used with {min(wrong)}.")
            try:
                of, since = json.loads(base64.urlsafe_b64decode(token))
            except ValueError:
                of, since = None, 0
            if of != stored_calendar.id or since < self.forgotten_before:
                where = {"locationType": "parameter", "location": "syncToken"}
                return refusal(
                    410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.", "calendar", None, **where
                )
        with self.lock:
            at = self.now_at
            rows = [
                stored_calendar.events[event_id]
                for event_id, moment in sorted(stored_calendar.changed_at.items(), key=lambda pair: pair[1])
                if moment > since
            ]
        if not token:
            start = instant(query["timeMin"]) if "timeMin" in query else None
            end = instant(query["timeMax"]) if "timeMax" in query else None
            spans = [
                (row, *_span(row, stored_calendar)) for row in rows if query.get("showDeleted") == "true" or row["status"] != "cancelled"
            ]
            rows = [row for row, begins, ends in spans if (end is None or begins < end) and (start is None or ends > start)]
        items, following = self._page([_told(row) for row in rows], 250)
        if not following:
            following = {"nextSyncToken": base64.urlsafe_b64encode(json.dumps([stored_calendar.id, at]).encode()).decode()}
        own = {
            "kind": "calendar#events",
            "summary": stored_calendar.name,
            "timeZone": stored_calendar.timezone,
            "accessRole": stored_calendar.role,
        }
        return as_json(own | {"items": items} | following)

    def _insert(self, calendar: str) -> Response:
        grant = self._allowed(_WRITING)
        stored_calendar = grant if isinstance(grant, Response) else self._calendar(grant, calendar, "writer")
        if isinstance(stored_calendar, Response):
            return stored_calendar
        wanted = request.get_json()
        number = wanted.get("id") or secrets.token_hex(13)
        if not re.fullmatch("[a-v0-9]{5,1024}", number):
            return refusal(400, "invalid", "Invalid resource id value.")
        if wrong := _wrong(wanted):
            return wrong
        with self.lock:
            if number in stored_calendar.events:  # also when it is deleted
                return refusal(409, "duplicate", "The requested identifier already exists.")
            return as_json(self._store(stored_calendar, wanted | {"id": number, "status": wanted.get("status", "confirmed")}))

    def _event(self, calendar: str, event: str) -> Response:  # noqa: PLR0911  # each refusal is one
        grant = self._allowed(_READING if request.method == "GET" else _WRITING)
        stored_calendar = (
            grant if isinstance(grant, Response) else self._calendar(grant, calendar, "reader" if request.method == "GET" else "writer")
        )
        if isinstance(stored_calendar, Response):
            return stored_calendar
        with self.lock:
            stored_event = stored_calendar.events.get(event)
            if stored_event is None:
                return refusal(404, "notFound", "Not Found")
            if request.headers.get("if-match", stored_event["etag"]) not in (stored_event["etag"], "*"):
                return refusal(412, "conditionNotMet", "Precondition Failed", locationType="header", location="If-Match")
            if request.method == "GET":
                return as_json(stored_event)
            if request.method == "DELETE":
                if stored_event["status"] == "cancelled":
                    return refusal(410, "deleted", "Resource has been deleted")
                self.delete_event(stored_calendar, event)
                return Response(status=204)
            wanted = request.get_json()
            kept = stored_event if request.method == "PATCH" else {"status": "confirmed", "iCalUID": stored_event["iCalUID"]}
            if wrong := _wrong(kept | wanted):
                return wrong
            return as_json(self._store(stored_calendar, kept | wanted | {"id": event}))

    def _watch(self, calendar: str) -> Response:
        grant = self._allowed(_READING)
        stored_calendar = grant if isinstance(grant, Response) else self._calendar(grant, calendar, "reader")
        if isinstance(stored_calendar, Response):
            return stored_calendar
        wanted = request.get_json()
        if wanted.get("type") not in ("web_hook", "webhook") or not re.fullmatch(r"[A-Za-z0-9\-_+/=]{1,64}", wanted.get("id", "")):
            return refusal(400, "required", "Required")
        if not wanted["address"].startswith(("https://", "http://127.0.0.1")):
            return refusal(400, "push.webhookUrlNotHttps", f"WebHook callback must be HTTPS: {wanted['address']}")
        if len(wanted.get("token", "")) > 256:
            return refusal(400, "invalid", "Channel token is too long.")
        if wanted["id"] in self.channels:
            return refusal(400, "channelIdNotUnique", f"Channel id {wanted['id']} not unique")
        seconds = int(wanted.get("params", {}).get("ttl", 604800))
        most = int(time.time() * 1000) + min(seconds, 2592000) * 1000
        expires_at = min(int(wanted.get("expiration", most)), most)
        channel = Channel(
            wanted["id"], wanted.get("token"), wanted["address"], f"resource-of-{stored_calendar.id}", stored_calendar, expires_at
        )
        self.channels[channel.id] = channel
        if self.push is not None:
            self._tell(channel, "sync")
        resource = {"kind": "api#channel", "id": channel.id, "resourceId": channel.resource_id, "expiration": str(expires_at)}
        return as_json(resource | {"resourceUri": f"{self.url}/calendar/v3/calendars/{stored_calendar.id}/events"})

    def _stop(self) -> Response:
        grant = self._allowed(_READING)
        if isinstance(grant, Response):
            return grant
        wanted = request.get_json()
        channel = self.channels.get(wanted["id"])
        if channel is None or channel.is_stopped or channel.resource_id != wanted["resourceId"]:
            return refusal(404, "notFound", f"Channel '{wanted['id']}' not found for project")
        channel.is_stopped = True
        return Response(status=204)


def _wrong(event: dict[str, Any]) -> Response | None:
    """What Google says of an event whose times are none."""
    try:
        start, end = (event[name].get("dateTime") or event[name]["date"] for name in ("start", "end"))
        if instant(end) < instant(start):
            return refusal(400, "timeRangeEmpty", "The specified time range is empty.", "calendar")
    except (KeyError, ValueError, AttributeError):
        return refusal(400, "required", "Missing end time.")
    return None


def _told(event: dict[str, Any]) -> dict[str, Any]:
    """A deleted event is told with no more than its name, and whose instance it was."""
    if event["status"] != "cancelled":
        return event
    kept = ("kind", "etag", "id", "status", "recurringEventId", "originalStartTime")
    return {name: event[name] for name in kept if name in event}


def _is_busy(event: dict[str, Any]) -> bool:
    return event["status"] != "cancelled" and event.get("transparency") != "transparent"


def _span(event: dict[str, Any], calendar: Calendar) -> tuple[datetime, datetime]:
    zone = ZoneInfo(calendar.timezone)
    times = (event[name] for name in ("start", "end"))
    begins, ends = (
        instant(event_time["dateTime"]) if "dateTime" in event_time else datetime.fromisoformat(event_time["date"]).replace(tzinfo=zone)
        for event_time in times
    )
    return begins, ends


def _joined(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    joined: list[tuple[datetime, datetime]] = []
    for begins, ends in spans:
        if joined and begins <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], ends))
        else:
            joined.append((begins, ends))
    return joined


@cache
def standing(client_url: str) -> GoogleServer:
    """The one of this test process."""
    return GoogleServer(client_url)
