"""Microsoft's identity platform and Graph v1.0 calendars on loopback.

Sources: Microsoft, "OAuth 2.0 authorization code flow"; Graph reference (user, calendar, event, subscription), "Get incremental changes to
events in a calendar view", "Receive change notifications through webhooks", "Microsoft Graph error responses", throttling guidance. What
the delta leaves out of occurrences is as its issue 5602 tells (microsoftgraph/microsoft-graph-docs-contrib).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote, unquote, urlencode
from uuid import uuid4
from zoneinfo import ZoneInfo

from flask import Flask, Response, request

from tests.scheduling.providers.calendar_server import Calendar, CalendarUser, Grant, Site, as_json, every, instant

_BASE = "/v1.0/me"
_MOST_MINUTES = 4230
_SHORT = ("@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end")
_FILTER = re.compile(r"singleValueExtendedProperties/Any\(ep: ep/id eq '([^']+)' and ep/value eq '([^']+)'\)")


def refusal(status: int, code: str, message: str = "Told by the test.", headers: dict[str, str] | None = None, **more: str) -> Response:
    inner = {"date": datetime.now(UTC).isoformat(), "request-id": str(uuid4()), "client-request-id": str(uuid4())}
    return as_json({"error": {"code": code, "message": message, "innerError": inner} | more}, status, headers)


def throttled(seconds: int = 10, status: int = 429) -> Response:
    code = "ApplicationThrottled" if status == 429 else "serviceNotAvailable"
    return refusal(status, code, "Application is over its MailboxConcurrency limit.", {"retry-after": str(seconds)})


@dataclass
class Subscription:
    id: str
    url: str
    lifecycle_url: str | None
    client_state: str
    resource: str
    calendar: Calendar
    expires_at: datetime
    validated_with: int = 0


class MicrosoftServer(Site):
    kind = "microsoft"

    def __init__(self, client_url: str) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self.used: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}  # transactionIds of a mailbox outlive their events
        super().__init__(client_url)
        self.rotates = True

    def first_calendar(self, someone: CalendarUser) -> Calendar:
        return Calendar(f"AAMk{secrets.token_urlsafe(12)}=", "Calendar", is_primary=True)

    def is_offline(self, query: dict[str, str], someone: CalendarUser) -> bool:
        return "offline_access" in query.get("scope", "").split()

    def settings(self) -> dict[str, str]:
        at = f"{self.url}/common/oauth2/v2.0"
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "authorization": f"{at}/authorize",
            "token": f"{at}/token",
            "api": f"{self.url}/v1.0",
        }

    def revoked(self) -> dict[str, Any]:
        description = "AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed."
        return {"error": "invalid_grant", "error_description": description, "error_codes": [50173], "suberror": "bad_token"}

    # --- what people do in their calendars ----------------------------------------------------------------------------------------------

    def add_event(self, calendar: Calendar, start: datetime, end: datetime, **fields: Any) -> str:
        """An event as its person would make it; with `isAllDay` the dates of `start` and `end` count, wherever that is."""
        number = fields.pop("id", f"AAkALg{secrets.token_urlsafe(18)}=")
        is_dated = fields.get("isAllDay", False)
        times = {
            name: {"dateTime": _dated(moment.replace(tzinfo=UTC) if is_dated else moment), "timeZone": "UTC"}
            for name, moment in (("start", start), ("end", end))
        }
        own: dict[str, Any] = {
            "subject": "Something",
            "type": "singleInstance",
            "seriesMasterId": None,
            "showAs": "busy",
            "isAllDay": False,
        }
        own |= {"isCancelled": False, "responseStatus": {"response": "organizer"}, "originalStartTimeZone": "W. Europe Standard Time"}
        own |= {"iCalUId": f"040000008200E{secrets.token_hex(20).upper()}", "body": {"contentType": "html", "content": ""}}
        self._store(calendar, {"id": number} | own | times | fields)
        return str(number)

    def add_series(self, calendar: Calendar, start: datetime, end: datetime, step: timedelta, count: int, **fields: Any) -> list[str]:
        """A recurring event: its master, and its occurrences, which only calendar views tell."""
        master = self.add_event(calendar, start, end, **(fields | {"type": "seriesMaster"}))
        of = {"type": "occurrence", "seriesMasterId": master}
        return [self.add_event(calendar, begins, ends, **(fields | of)) for begins, ends in every(start, end, step, count)]

    def change_event(self, calendar: Calendar, number: str, **fields: Any) -> None:
        self._store(calendar, calendar.events[number] | fields)

    def move_event(self, calendar: Calendar, number: str, start: datetime, end: datetime) -> None:
        self.change_event(calendar, number, **{name: _time(moment) for name, moment in (("start", start), ("end", end))})

    def delete_event(self, calendar: Calendar, number: str) -> None:
        """The delta does not tell of an occurrence that was taken out: it tells its series once more."""
        with self.lock:
            event = calendar.events.pop(number)
            if event["type"] == "occurrence":
                calendar.changed_at.pop(number)
                self.touch(calendar, event["seriesMasterId"])
            else:
                self.touch(calendar, number)

    def _store(self, calendar: Calendar, event: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            at = self.touch(calendar, event["id"])
            own = {"@odata.type": "#microsoft.graph.event", "@odata.etag": f'W/"{at}"', "changeKey": str(at)}
            calendar.events[event["id"]] = event | own
            return calendar.events[event["id"]]

    def notify(self, calendar: Calendar, **changed: Any) -> list[int]:
        """Tell the subscriptions of a calendar; the statuses that came back."""
        notice = {"changeType": "updated", "resource": f"Users/{uuid4()}/Events/AAMk"} | changed
        return [self.tell(subscription, **notice) for subscription in self.subscriptions.values() if subscription.calendar is calendar]

    def tell(self, subscription: Subscription, *, lifecycle: str | None = None, **changed: Any) -> int:
        notice = {
            "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": subscription.expires_at.isoformat(),
            "clientState": subscription.client_state,
            "tenantId": str(uuid4()),
        }
        url = subscription.url
        if lifecycle is not None:
            notice["lifecycleEvent"] = lifecycle
            url = subscription.lifecycle_url or url
        assert self.push is not None
        body = as_json({"value": [notice | changed]}).get_data()
        return self.push(url, {"content-type": "application/json; charset=utf-8"}, body)[0]

    # --- the API ------------------------------------------------------------------------------------------------------------------------

    def routes(self, app: Flask) -> None:
        app.add_url_rule("/common/oauth2/v2.0/authorize", "authorize", self.authorize)
        app.add_url_rule("/common/oauth2/v2.0/token", "token", self.token, methods=["POST"])
        app.add_url_rule(_BASE, "me", self._me)
        app.add_url_rule(f"{_BASE}/calendars", "calendars", self._calendars)
        app.add_url_rule(f"{_BASE}/calendars/<calendar>/calendarView", "view", self._view)
        app.add_url_rule(f"{_BASE}/calendars/<calendar>/calendarView/delta", "delta", self._delta)
        app.add_url_rule(f"{_BASE}/calendars/<calendar>/events", "post", self._post, methods=["POST"])
        app.add_url_rule(f"{_BASE}/events", "find", self._find)
        app.add_url_rule(f"{_BASE}/events/<event>", "event", self._event, methods=["GET", "PATCH", "DELETE"])
        app.add_url_rule("/v1.0/subscriptions", "subscribe", self._subscribe, methods=["POST"])
        app.add_url_rule("/v1.0/subscriptions/<number>", "subscription", self._subscription, methods=["PATCH", "DELETE"])

    def _allowed(self, *scopes: str) -> Grant | Response:
        grant = self.bearer()
        if grant is None:
            message = "Lifetime validation failed, the token is expired."
            return refusal(401, "InvalidAuthenticationToken", message, {"www-authenticate": 'Bearer realm=""'})
        if not {scope.lower().rpartition("/")[2] for scope in grant.scopes} & {scope.lower() for scope in scopes}:
            return refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        return grant

    def _readable(self, name: str) -> Calendar | Response:
        grant = self._allowed("Calendars.Read", "Calendars.ReadWrite")
        if isinstance(grant, Response):
            return grant
        calendar = grant.someone.calendars.get(unquote(name))
        return calendar or refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")

    def _me(self) -> Response:
        grant = self._allowed("User.Read")
        if isinstance(grant, Response):
            return grant
        someone = grant.someone
        return as_json({"id": someone.subject, "displayName": "Somebody", "mail": someone.email, "userPrincipalName": someone.email})

    def _paged(self, rows: list[Any], most: int, last: dict[str, str], **query: str) -> Response:
        size, first = min(self.page_size, most), int(request.args.get("$skip", request.args.get("$skiptoken", "0")).partition("-")[0])
        page: dict[str, Any] = {"@odata.context": f"{self.url}/v1.0/$metadata", "value": rows[first : first + size]}
        if first + size < len(rows):
            parameters = request.args.to_dict() | query
            parameters |= {"$skip": str(first + size)} if not query else {}
            page["@odata.nextLink"] = f"{self.url}{quote(request.path)}?{urlencode(parameters)}"
        else:
            page |= last
        return as_json(page)

    def _calendars(self) -> Response:
        grant = self._allowed("Calendars.Read", "Calendars.ReadWrite")
        if isinstance(grant, Response):
            return grant
        made = [
            {
                "id": calendar.id,
                "name": calendar.name,
                "canEdit": calendar.role in ("owner", "writer"),
                "isDefaultCalendar": calendar.is_primary,
            }
            for calendar in grant.someone.calendars.values()
        ]
        return self._paged(made, int(request.args.get("$top", 10)), {})

    def _in_view(self, calendar: Calendar) -> list[dict[str, Any]] | Response:
        try:
            start, end = instant(request.args["startDateTime"]), instant(request.args["endDateTime"])
        except (KeyError, ValueError):
            message = "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime."
            return refusal(400, "ErrorInvalidRequest", message)
        return [
            event
            for event in calendar.events.values()
            if instant(event["start"]["dateTime"]) < end and instant(event["end"]["dateTime"]) > start
        ]

    def _view(self, calendar: str) -> Response:
        stored_calendar = self._readable(calendar)
        rows = stored_calendar if isinstance(stored_calendar, Response) else self._in_view(stored_calendar)
        if isinstance(rows, Response):
            return rows
        chosen = [name for name in request.args.get("$select", "").split(",") if name]
        events = [
            {name: value for name, value in event.items() if not chosen or name in chosen or name in ("id", "@odata.etag")}
            for event in sorted(rows, key=lambda row: str(row["start"]["dateTime"]))
            if event["type"] != "seriesMaster"
        ]
        return self._paged([self._shown(event) for event in events], int(request.args.get("$top", 10)), {})

    def _delta(self, calendar: str) -> Response:
        stored_calendar = self._readable(calendar)
        if isinstance(stored_calendar, Response):
            return stored_calendar
        if "$select" in request.args or "$filter" in request.args:
            return refusal(400, "ErrorInvalidUrlQuery", "The following parameters are not supported with change tracking: '$Select'.")
        most = re.search(r"odata\.maxpagesize=(\d+)", ", ".join(request.headers.getlist("prefer")))
        size = int(most[1]) if most else 10
        token = request.args.get("$deltatoken") or request.args.get("$skiptoken", "").partition("-")[2]
        since, at, start, end = 0, self.now_at, request.args.get("startDateTime", ""), request.args.get("endDateTime", "")
        if token:
            numbers = token.split("_")
            since, at, start, end = int(numbers[0]), int(numbers[1]), numbers[2], numbers[3]
            if request.args.get("$deltatoken"):
                since, at = at, self.now_at
            if at < self.forgotten_before or (since and since < self.forgotten_before):
                headers = {"location": f"{self.url}{quote(request.path)}?$deltatoken="}
                return refusal(410, "SyncStateNotFound", "The sync state generation is not found; continuing with a full sync.", headers)
        elif not start:
            return refusal(400, "ErrorInvalidRequest", "StartDateTime and EndDateTime are needed.")
        state = f"{since}_{at}_{start}_{end}"
        with self.lock:
            changed = {name for name, moment in stored_calendar.changed_at.items() if since < moment <= at}
            series = {
                row.get("seriesMasterId") or row["id"]
                for name in changed
                if (row := stored_calendar.events.get(name)) and row["type"] != "singleInstance"
            }
            changed |= {name for name, row in stored_calendar.events.items() if row["id"] in series or row.get("seriesMasterId") in series}
            rows = [self._changed(stored_calendar, name, instant(start), instant(end)) for name in sorted(changed)]
            rows = [row for row in rows if since or "@removed" not in row]
        link = f"{self.url}{quote(request.path)}?{urlencode({'$deltatoken': state})}"
        first = int(request.args.get("$skiptoken", "0-").partition("-")[0])
        size = min(size, self.page_size)
        page: dict[str, Any] = {"@odata.context": f"{self.url}/v1.0/$metadata#Collection(event)", "value": rows[first : first + size]}
        if first + size < len(rows):
            page["@odata.nextLink"] = f"{self.url}{quote(request.path)}?{urlencode({'$skiptoken': f'{first + size}-{state}'})}"
        else:
            page["@odata.deltaLink"] = link
        return as_json(page)

    def _changed(self, calendar: Calendar, name: str, start: datetime, end: datetime) -> dict[str, Any]:
        event = calendar.events.get(name)
        if event is None or not (instant(event["start"]["dateTime"]) < end and instant(event["end"]["dateTime"]) > start):
            return {"@odata.type": "#microsoft.graph.event", "id": name, "@removed": {"reason": "deleted"}}
        if event["type"] == "occurrence":
            return {key: event[key] for key in _SHORT}
        return event

    def _shown(self, event: dict[str, Any]) -> dict[str, Any]:
        """In the time zone that is asked for; all-day events are midnights wherever."""
        wanted = re.search(r'outlook\.timezone="([^"]+)"', ", ".join(request.headers.getlist("prefer")))
        if wanted is None or wanted[1] == "UTC" or event.get("isAllDay"):
            return event
        zone = ZoneInfo(wanted[1])
        times = {name: instant(event[name]["dateTime"]).astimezone(zone) for name in ("start", "end") if name in event}
        return event | {name: {"dateTime": f"{time:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": wanted[1]} for name, time in times.items()}

    def _post(self, calendar: str) -> Response:
        grant = self._allowed("Calendars.ReadWrite")
        stored_calendar = grant if isinstance(grant, Response) else self._readable(calendar)
        if isinstance(stored_calendar, Response):
            return stored_calendar
        if stored_calendar.role not in ("owner", "writer"):
            return refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        wanted = request.get_json()
        if wanted.get("attendees"):
            raise AssertionError("Graph would send invitations")
        transaction = (grant.someone.subject, wanted.get("transactionId"))  # type: ignore[union-attr]  # it was allowed
        with self.lock:
            if transaction in self.used:
                number, before = self.used[transaction]
                if number in stored_calendar.events and before == wanted:
                    return as_json(stored_calendar.events[number], 201)
                message = "The TransactionId specified in the request has already been used to create a different event."
                more = {"@event.existingEventId": number} if number in stored_calendar.events else {}
                return refusal(409, "ErrorDuplicateTransactionId", f"Your request can't be completed. {message}", None, **more)
            start, end = (_moment(wanted[name]) for name in ("start", "end"))
            own = {name: value for name, value in wanted.items() if name not in ("start", "end")}
            number = self.add_event(stored_calendar, start, end, **own)
            if transaction[1]:
                self.used[transaction] = (number, wanted)
            return as_json(stored_calendar.events[number], 201)

    def _owner(self, number: str, *scopes: str) -> tuple[Calendar, str] | Response:
        grant = self._allowed(*scopes)
        if isinstance(grant, Response):
            return grant
        for calendar in grant.someone.calendars.values():
            if unquote(number) in calendar.events:
                return calendar, unquote(number)
        return refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")

    def _event(self, event: str) -> Response:
        reading = ("Calendars.Read", "Calendars.ReadWrite") if request.method == "GET" else ("Calendars.ReadWrite",)
        with self.lock:
            location = self._owner(event, *reading)
            if isinstance(location, Response):
                return location
            calendar, number = location
            if request.method == "GET":
                return as_json(calendar.events[number])
            if request.method == "DELETE":
                self.delete_event(calendar, number)
                return Response(status=204)
            wanted = request.get_json()
            if wanted.get("transactionId") not in (None, calendar.events[number].get("transactionId")):
                return refusal(400, "ErrorPropertyValidationFailure", "transactionId can't be changed.")
            times = {name: _time(_moment(wanted.pop(name))) for name in ("start", "end") if name in wanted}
            return as_json(self._store(calendar, calendar.events[number] | wanted | times))

    def _find(self) -> Response:
        grant = self._allowed("Calendars.Read", "Calendars.ReadWrite")
        if isinstance(grant, Response):
            return grant
        match = _FILTER.fullmatch(request.args.get("$filter", ""))
        if match is None:
            return refusal(400, "ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes.")
        of = {"id": match[1], "value": match[2]}
        events = (event for calendar in grant.someone.calendars.values() for event in calendar.events.values())
        return self._paged([event for event in events if of in event.get("singleValueExtendedProperties", [])], 10, {})

    # --- change notifications -----------------------------------------------------------------------------------------------------------

    def _subscribe(self) -> Response:
        grant = self._allowed("Calendars.Read", "Calendars.ReadWrite")
        if isinstance(grant, Response):
            return grant
        wanted = request.get_json()
        named = re.fullmatch(r"/?me/calendars/([^/]+)/events", wanted["resource"])
        calendar = grant.someone.calendars.get(unquote(named[1])) if named else None
        if calendar is None:
            return refusal(404, "ResourceNotFound", "The resource is not found.")
        expires_at = instant(wanted["expirationDateTime"])
        if expires_at > datetime.now(UTC) + timedelta(minutes=_MOST_MINUTES + 5) or len(wanted["clientState"]) > 128:
            return refusal(400, "ExtensionError", "Subscription expiration can only be 4230 minutes in the future.")
        made = Subscription(
            str(uuid4()), wanted["notificationUrl"], wanted.get("lifecycleNotificationUrl"), wanted["clientState"], wanted["resource"],
            calendar, expires_at,
        )  # fmt: skip
        for url in filter(None, (made.url, made.lifecycle_url)):
            token = f"Validation: Testing client application reachability for subscription {secrets.token_hex(4)} & +%/<ü>"
            if self.push is None:
                return refusal(400, "ValidationError", "The remote name could not be resolved.")
            joint = "&" if "?" in url else "?"
            status, body = self.push(f"{url}{joint}validationToken={quote(token)}", {"content-type": "text/plain; charset=utf-8"}, b"")
            made.validated_with = status
            if status != 200 or body != token.encode():
                return refusal(400, "ValidationError", "Subscription validation request failed. Must respond with 200 OK to this request.")
        self.subscriptions[made.id] = made
        return as_json(self._told(made), 201)

    def _subscription(self, number: str) -> Response:
        grant = self._allowed("Calendars.Read", "Calendars.ReadWrite")
        if isinstance(grant, Response):
            return grant
        subscription = self.subscriptions.get(number)
        if subscription is None:
            return refusal(404, "ResourceNotFound", "The object was not found.")
        if request.method == "DELETE":
            del self.subscriptions[number]
            return Response(status=204)
        subscription.expires_at = instant(request.get_json()["expirationDateTime"])
        return as_json(self._told(subscription))

    def _told(self, subscription: Subscription) -> dict[str, Any]:
        until = subscription.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
        return {"id": subscription.id, "resource": subscription.resource, "expirationDateTime": until, "clientState": None}


def _dated(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.0000000"


def _time(moment: datetime) -> dict[str, str]:
    return {"dateTime": _dated(moment), "timeZone": "UTC"}


def _moment(date_time: dict[str, str]) -> datetime:
    return datetime.fromisoformat(date_time["dateTime"][:19]).replace(tzinfo=ZoneInfo(date_time["timeZone"]))


@cache
def standing(client_url: str) -> MicrosoftServer:
    """The one of this test process."""
    return MicrosoftServer(client_url)
