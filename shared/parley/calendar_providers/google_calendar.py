"""Google Calendar, API v3.

Sources: Google, Calendar API reference v3; guides "Synchronize resources efficiently", "Get push notifications", "Handle API errors",
"Manage quotas". Recurring events are asked for as their instances (`singleEvents`).
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, Field

from parley.calendar_providers import calendar_oauth
from parley.calendar_providers.json_api import ProviderEvent, ProviderModel, SyncPosition, ask, error_of, side_by_side
from parley.calendar_providers.provider_http import Deadline, Operations, error_of_status
from parley.calendar_providers.provider_protocol import (
    BookingEvent,
    CalendarTokens,
    ChangedEvent,
    ChangesResult,
    DeleteEvent,
    Discover,
    DiscoveryResult,
    EmptyResult,
    ExchangeCode,
    FreeBusy,
    FreeBusyResult,
    OAuthAccount,
    ProviderBusyTime,
    ProviderCalendar,
    ProviderError,
    ProviderErrorCode,
    ProviderName,
    ReadChanges,
    RefreshTokens,
    StopWatching,
    Watch,
    WatchResult,
    WriteEvent,
    WriteResult,
)
from parley.kernel.outbound.http_client import ClientResponse

_SLACK = timedelta(days=14)
_LONGEST_QUESTION = timedelta(days=30)
# What is said of events by a calendar that shows none to the account.
_HIDDEN = frozenset({"requiredAccessLevel", "forbidden", "notFound"})
_WATCHED_SECONDS = 7 * 24 * 3600
_FIELDS = "timeZone,nextPageToken,nextSyncToken,items(id,status,iCalUID,transparency,eventType,start,end,attendees(self,responseStatus))"
_LIMITS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "calendarLimitExceeded"})
_SCOPES = frozenset({"insufficientPermissions", "insufficientScopes"})
_SYNC = frozenset({"fullSyncRequired", "updatedMinTooLongAgo"})


class _Moment(ProviderModel):
    """An instant, or a date of the calendar's time zone."""

    instant: AwareDatetime | None = Field(None, alias="dateTime")
    day: date | None = Field(None, alias="date")

    def at(self, zone: ZoneInfo) -> datetime | None:
        if self.instant is not None:
            return self.instant.astimezone(UTC)
        return datetime.combine(self.day, time(), zone).astimezone(UTC) if self.day is not None else None


_NEVER = _Moment.model_validate({})


class _Attendee(ProviderModel):
    is_self: bool = Field(False, alias="self")
    response: str = Field("", alias="responseStatus")


class _Event(ProviderEvent):
    status: str = "confirmed"
    uid: str | None = Field(None, alias="iCalUID")
    transparency: str = "opaque"
    kind: str = Field("default", alias="eventType")
    start: _Moment = _NEVER
    end: _Moment = _NEVER
    attendees: list[_Attendee] = []

    @property
    def is_read(self) -> bool:
        """Whether it says when it is, unless it is canceled."""
        return self.is_known and (self.status == "cancelled" or not {self.start, self.end} & {_NEVER})

    def times(self, zone: ZoneInfo, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        """What it keeps busy of that window, and is not transparent, declined, or the place where somebody works."""
        is_declined = any(guest.is_self and guest.response == "declined" for guest in self.attendees)
        if self.status == "cancelled" or self.transparency == "transparent" or self.kind == "workingLocation" or is_declined:
            return []
        start, end = self.start.at(zone), self.end.at(zone)
        return [(start, end)] if start is not None and end is not None and start < end and start < until and end > since else []


class _Events(ProviderModel):
    zone_name: str = Field("UTC", alias="timeZone")
    items: list[Any] = []
    page: str | None = Field(None, alias="nextPageToken")
    sync: str | None = Field(None, alias="nextSyncToken")

    @property
    def events(self) -> list[_Event]:
        return list(_Event.each(self.items))

    @property
    def zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone_name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo("UTC")


class _Calendar(ProviderModel):
    id: str
    summary: str = ""
    own_summary: str = Field("", alias="summaryOverride")
    zone_name: str | None = Field(None, alias="timeZone")
    role: str = Field("", alias="accessRole")
    is_primary: bool = Field(False, alias="primary")


class _Calendars(ProviderModel):
    items: list[_Calendar] = []
    page: str | None = Field(None, alias="nextPageToken")


class _Person(ProviderModel):
    sub: str
    email: str = ""


class _Span(ProviderModel):
    start: AwareDatetime
    end: AwareDatetime


class _CalendarBusy(ProviderModel):
    errors: list[dict[str, Any]] = []
    busy: list[_Span] = []


class _FreeBusy(ProviderModel):
    calendars: dict[str, _CalendarBusy] = {}


class _Channel(ProviderModel):
    id: str
    resource_id: str = Field(alias="resourceId")
    expiration: int = 0  # milliseconds, as a text


class _Hidden(ProviderError):
    """The calendar does not show its events to the account, or is not there."""


def exchange_code(_: OAuthAccount, wanted: ExchangeCode, deadline: Deadline) -> CalendarTokens:
    return calendar_oauth.exchange_tokens(calendar_oauth.client_of(ProviderName.GOOGLE), wanted, deadline)


def refresh_tokens(_: OAuthAccount, wanted: RefreshTokens, deadline: Deadline) -> CalendarTokens:
    return calendar_oauth.refresh_access_token(calendar_oauth.client_of(ProviderName.GOOGLE), wanted, deadline)


def discover(account: OAuthAccount, _: Discover, deadline: Deadline) -> DiscoveryResult:
    url = calendar_oauth.client_of(ProviderName.GOOGLE).userinfo
    person = _Person.of(_good(ask("GET", url, account.access_token, deadline)))
    entries: list[_Calendar] = []
    page: str | None = None
    while True:
        calendar_list = _Calendars.of(_api("GET", "/users/me/calendarList", account, deadline, maxResults=250, pageToken=page))
        entries += calendar_list.items
        page = calendar_list.page
        if page is None:
            break
    calendars = [
        ProviderCalendar(
            id=entry.id,
            name=entry.own_summary or entry.summary or entry.id,
            timezone=entry.zone_name,
            is_writable=entry.role in ("owner", "writer"),
            is_usual=entry.is_primary,
            counts=entry.role == "owner",
        )
        for entry in entries
    ]
    return DiscoveryResult(account_id=person.sub, account_name=person.email or person.sub, calendars=calendars)


def free_busy(account: OAuthAccount, wanted: FreeBusy, deadline: Deadline) -> FreeBusyResult:
    def busy(calendar_id: str) -> tuple[list[ProviderBusyTime], bool]:
        try:
            return _listed(account, calendar_id, wanted, deadline)
        except _Hidden:
            return _only_busy(account, calendar_id, wanted.start, wanted.end, deadline), True

    return side_by_side(wanted.calendar_ids, busy)


def _listed(account: OAuthAccount, calendar_id: str, wanted: FreeBusy, deadline: Deadline) -> tuple[list[ProviderBusyTime], bool]:
    window = {"timeMin": wanted.start.isoformat(), "timeMax": wanted.end.isoformat()}
    times: list[ProviderBusyTime] = []
    is_known, page = True, None
    while True:
        query = window | {"singleEvents": "true", "maxResults": "2500", "fields": _FIELDS}
        event_list = _Events.of(_api("GET", f"{_path(calendar_id)}/events", account, deadline, pageToken=page, **query))
        times += [
            ProviderBusyTime(start=start, end=end, event_id=event.id, uid=event.uid)
            for event in event_list.events
            for start, end in event.times(event_list.zone, wanted.start, wanted.end)
        ]
        is_known, page = is_known and all(event.is_read for event in event_list.events), event_list.page
        if page is None:
            return times, is_known


def _only_busy(account: OAuthAccount, calendar_id: str, start: datetime, end: datetime, deadline: Deadline) -> list[ProviderBusyTime]:
    """For a calendar that shows no events: shared with its owner as free or busy alone."""
    body = {"timeMin": start.isoformat(), "timeMax": end.isoformat(), "items": [{"id": calendar_id}]}
    calendar_busy = _FreeBusy.of(_api("POST", "/freeBusy", account, deadline, body)).calendars.get(calendar_id)
    if calendar_busy is None or calendar_busy.errors:
        raise ProviderError(ProviderErrorCode.NOT_FOUND, "Google does not show this calendar to the account.")
    return [ProviderBusyTime(start=span.start, end=span.end) for span in calendar_busy.busy if span.start < span.end]


def _only_busy_now(account: OAuthAccount, wanted: ReadChanges, deadline: Deadline) -> ChangesResult:
    """All of it each time, as if it were one event. A question about long is refused (`timeRangeTooLong`)."""
    times: list[ProviderBusyTime] = []
    start = wanted.start
    while start < wanted.end:
        end = min(start + _LONGEST_QUESTION, wanted.end)
        times += _only_busy(account, wanted.calendar_id, start, end, deadline)
        start = end
    whole = ChangedEvent(event_id="busy", times=[(busy_time.start, busy_time.end) for busy_time in times])
    return ChangesResult(events=[whole], sync_token=None, is_full=True)


def changes(account: OAuthAccount, wanted: ReadChanges, deadline: Deadline) -> ChangesResult:
    """A page at a time. A window that has moved past what the token was made for is read anew, each two weeks or so."""
    position = SyncPosition.read(wanted.sync_token, wanted.end)
    if position is None:
        position = SyncPosition(since=wanted.start, until=wanted.end + _SLACK, is_full=True)
    query = {"singleEvents": "true", "maxResults": "2500", "fields": _FIELDS}
    if position.sync is not None:  # with a token nothing that chooses may be said
        query["syncToken"] = position.sync
    else:
        query |= {"timeMin": position.since.isoformat(), "timeMax": position.until.isoformat()}
    try:
        event_list = _Events.of(_api("GET", f"{_path(wanted.calendar_id)}/events", account, deadline, pageToken=position.page, **query))
    except _Hidden:
        return _only_busy_now(account, wanted, deadline)
    removed_ids = [event.id for event in event_list.events if event.status == "cancelled"]
    events = [
        ChangedEvent(
            event_id=event.id,
            uid=event.uid,
            times=event.times(event_list.zone, position.since, position.until),
            is_clear=event.is_read,
            is_known=event.is_read,
        )
        for event in event_list.events
        if event.status != "cancelled"
    ]
    following = position.model_copy(update={"page": event_list.page})
    if event_list.page is None:
        following = following.model_copy(update={"sync": event_list.sync, "is_full": event_list.sync is None})
    return ChangesResult(
        events=events, removed=removed_ids, sync_token=following.token, is_full=position.is_full, has_more=event_list.page is not None
    )


def write_event(account: OAuthAccount, wanted: WriteEvent, deadline: Deadline) -> WriteResult:
    """By an id of ours: whoever writes first makes it, whoever writes again changes it, even where somebody had deleted it.

    A change leaves alone what its owner has added: colours, reminders, notes of their own.
    """
    event, path = wanted.event, f"{_path(wanted.calendar_id)}/events"
    body = _written(event)
    if event.provider_event_id is not None:
        try:
            _api("PATCH", f"{path}/{quote(event.provider_event_id, safe='')}", account, deadline, body, sendUpdates="none")
            return WriteResult(event_id=event.provider_event_id)
        except ProviderError as met:
            if met.code is not ProviderErrorCode.NOT_FOUND:
                raise
    try:
        _api("POST", path, account, deadline, body | {"id": event.id}, sendUpdates="none")
    except ProviderError as met:
        if met.code is not ProviderErrorCode.CONFLICT:
            raise
        _api("PATCH", f"{path}/{event.id}", account, deadline, body, sendUpdates="none")
    return WriteResult(event_id=event.id)


def _written(event: BookingEvent) -> dict[str, Any]:
    """Nobody is invited by Google: an attendee would find it twice, by our mail and by theirs."""
    return {
        "summary": event.title,
        "description": event.description,
        "location": event.location or "",
        "start": {"dateTime": event.start.astimezone(UTC).isoformat(), "timeZone": event.timezone},
        "end": {"dateTime": event.end.astimezone(UTC).isoformat(), "timeZone": event.timezone},
        "status": "confirmed",
        "transparency": "opaque",
        "extendedProperties": {"private": {"parley": event.uid}},
    }


def delete_event(account: OAuthAccount, wanted: DeleteEvent, deadline: Deadline) -> EmptyResult:
    try:
        _api("DELETE", f"{_path(wanted.calendar_id)}/events/{quote(wanted.event_id, safe='')}", account, deadline, sendUpdates="none")
    except ProviderError as met:
        if met.code is not ProviderErrorCode.NOT_FOUND:
            raise
    return EmptyResult()


def watch(account: OAuthAccount, wanted: Watch, deadline: Deadline) -> WatchResult:
    channel = {"id": wanted.channel_id, "type": "web_hook", "address": wanted.address, "token": wanted.token}
    asked_for = channel | {"params": {"ttl": str(_WATCHED_SECONDS)}}
    made = _Channel.of(_api("POST", f"{_path(wanted.calendar_id)}/events/watch", account, deadline, asked_for))
    until = datetime.fromtimestamp(made.expiration / 1000, UTC) if made.expiration else datetime.now(UTC) + timedelta(hours=1)
    return WatchResult(channel_id=made.id, resource_id=made.resource_id, expires_at=until)


def stop_watching(account: OAuthAccount, wanted: StopWatching, deadline: Deadline) -> EmptyResult:
    try:
        _api("POST", "/channels/stop", account, deadline, {"id": wanted.channel_id, "resourceId": wanted.resource_id})
    except ProviderError as met:
        if met.code is not ProviderErrorCode.NOT_FOUND:
            raise
    return EmptyResult()


def _path(calendar_id: str) -> str:
    return f"/calendars/{quote(calendar_id, safe='')}"


def _api(method: str, path: str, account: OAuthAccount, deadline: Deadline, wanted: Any = None, **query: Any) -> ClientResponse:
    parameters = {name: str(value) for name, value in query.items() if value is not None}
    url = calendar_oauth.client_of(ProviderName.GOOGLE).api + path + (f"?{urlencode(parameters)}" if parameters else "")
    return _good(ask(method, url, account.access_token, deadline, wanted), has_token="syncToken" in parameters)


def _good(answer: ClientResponse, *, has_token: bool = False) -> ClientResponse:
    """The answer, if it is none of Google's refusals. Source: "Handle API errors".

    `has_token`: of a request with a sync token, to which 410 alone says that it is good no more, and 400 that it never was.
    """
    if 200 <= answer.status < 300:
        return answer
    error = error_of(answer)
    listed = error.get("errors")
    reasons = {str(item.get("reason")) for item in (listed if isinstance(listed, list) else []) if isinstance(item, dict)}
    met = error_of_status(answer, "Google refused this.").trouble
    code = met.code
    if reasons & _LIMITS:
        code = ProviderErrorCode.RATE_LIMITED
    elif reasons & _SCOPES:
        code = ProviderErrorCode.UNAUTHORIZED
    elif reasons & _SYNC or (has_token and answer.status in (400, 410)):
        code = ProviderErrorCode.SYNC_EXPIRED
    elif "accessNotConfigured" in reasons:  # by us, at Google: nothing that the calendar's owner could mend
        code = ProviderErrorCode.UNAVAILABLE
    trouble = _Hidden if answer.status in (403, 404) and reasons & _HIDDEN else ProviderError
    raise trouble(code, _SENTENCES.get(code, met.message), met.retry_after)


_SENTENCES = {
    ProviderErrorCode.RATE_LIMITED: "Google asks us to slow down.",
    ProviderErrorCode.UNAUTHORIZED: "Google does not let us in with what this account allows; connect it again.",
    ProviderErrorCode.SYNC_EXPIRED: "Google has forgotten where we were in this calendar.",
    ProviderErrorCode.NOT_FOUND: "Google has no such calendar or event for this account.",
    ProviderErrorCode.UNAVAILABLE: "Google Calendar does not answer as it should right now.",
}


OPERATIONS: Operations = {
    "EXCHANGE_CODE": exchange_code,
    "REFRESH_TOKENS": refresh_tokens,
    "DISCOVER": discover,
    "FREE_BUSY": free_busy,
    "CHANGES": changes,
    "WRITE_EVENT": write_event,
    "DELETE_EVENT": delete_event,
    "WATCH": watch,
    "STOP_WATCHING": stop_watching,
}
