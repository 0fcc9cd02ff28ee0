"""Calendars of Microsoft 365 and Outlook.com, by Microsoft Graph v1.0.

Sources: Microsoft Graph reference (calendar, event, subscription); "Get incremental changes to events in a calendar view"; "Receive change
notifications through webhooks"; "Microsoft Graph error responses"; "Obtain immutable identifiers for Outlook resources".

The delta of a calendar view leaves out most of what an occurrence is, and says nothing of one that was taken out of its series (issue 5602
and pull request 4501 of its documentation). So it tells us that something has changed; what, the calendar view does: docs/decisions/0025.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, Field

from parley.calendars import oauth
from parley.calendars.protocol import (
    Busy,
    BusyTime,
    Changed,
    ChangedEvent,
    Changes,
    DeleteEvent,
    Discover,
    Discovered,
    Done,
    Event,
    ExchangeCode,
    FoundCalendar,
    FreeBusy,
    InTrouble,
    OAuthAccount,
    Provider,
    RefreshTokens,
    StopWatching,
    Tokens,
    TroubleCode,
    Watch,
    Watching,
    WriteEvent,
    Written,
)
from parley.calendars.rest import Place, Said, ask, error_of, side_by_side
from parley.calendars.wire import Deadline, trouble_of
from parley.kernel.outgoing import Answer

_SLACK = timedelta(days=14)
_WATCHED = timedelta(minutes=4200)  # 4230 is the most for events
_MOST_PAGES = 50
_SELECTED = "id,iCalUId,start,end,showAs,isCancelled,isAllDay,originalStartTimeZone,responseStatus"
_FREE = frozenset({"free", "workingElsewhere"})
# An id that an event keeps when it is moved; every request must say so, or its ids are others.
_PREFER = 'IdType="ImmutableId", outlook.timezone="UTC"'
# Our own id as a named property: the one thing that a search finds events by.
_OURS = "String {6c1f0f0e-5f0b-4d7c-9d0a-6b7b1f0f2a11} Name ParleyEvent"
_GONE = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired", "errorinvalidsyncstatedata"})


class _Moment(Said):
    date_time: str = Field("", alias="dateTime")
    zone_name: str = Field("UTC", alias="timeZone")

    def at(self, day_of: str | None) -> datetime | None:
        """The instant; midnight of an all-day event (`day_of` names its zone) is that of the zone, whatever zone was asked for."""
        try:
            wall = datetime.fromisoformat(self.date_time[:19])
        except ValueError:
            return None
        name = day_of if day_of is not None and wall.time() == time() else self.zone_name
        return wall.replace(tzinfo=_zone(name)).astimezone(UTC)


_NEVER = _Moment.model_validate({})


class _Response(Said):
    response: str = "none"


class _Event(Said):
    id: str
    uid: str | None = Field(None, alias="iCalUId")
    start: _Moment = _NEVER
    end: _Moment = _NEVER
    shown_as: str = Field("busy", alias="showAs")
    is_canceled: bool = Field(False, alias="isCancelled")
    is_all_day: bool = Field(False, alias="isAllDay")
    zone_name: str | None = Field(None, alias="originalStartTimeZone")
    response: _Response | None = Field(None, alias="responseStatus")

    def times(self) -> list[tuple[datetime, datetime]]:
        is_declined = self.response is not None and self.response.response == "declined"
        if self.shown_as in _FREE or self.is_canceled or is_declined:
            return []
        day_of = (self.zone_name or "UTC") if self.is_all_day else None
        start, end = self.start.at(day_of), self.end.at(day_of)
        return [(start, end)] if start is not None and end is not None and start < end else []


class _Page(Said):
    value: list[Any] = []
    following: str | None = Field(None, alias="@odata.nextLink")
    delta: str | None = Field(None, alias="@odata.deltaLink")


class _View(Said):
    value: list[_Event] = []
    following: str | None = Field(None, alias="@odata.nextLink")


class _Calendar(Said):
    id: str
    name: str | None = None
    can_edit: bool = Field(False, alias="canEdit")
    is_default: bool = Field(False, alias="isDefaultCalendar")


class _Calendars(Said):
    value: list[_Calendar] = []
    following: str | None = Field(None, alias="@odata.nextLink")


class _Person(Said):
    id: str
    mail: str | None = None
    principal: str | None = Field(None, alias="userPrincipalName")


class _Made(Said):
    id: str


class _Subscription(Said):
    id: str
    resource: str
    expires_at: AwareDatetime = Field(alias="expirationDateTime")


class _Found(Said):
    value: list[_Made] = []


class _AlreadyUsed(Exception):
    """A `transactionId` was used before. `event_id` is the event's that it made, if that is still there and Graph says so."""

    def __init__(self, event_id: str | None) -> None:
        super().__init__()
        self.event_id = event_id


def exchange_code(_: OAuthAccount, wanted: ExchangeCode, deadline: Deadline) -> Tokens:
    return _short_scopes(oauth.exchanged(oauth.client_of(Provider.MICROSOFT), wanted, deadline))


def refresh_tokens(_: OAuthAccount, wanted: RefreshTokens, deadline: Deadline) -> Tokens:
    """Each one brings another refresh token, that takes the place of the former."""
    return _short_scopes(oauth.refreshed(oauth.client_of(Provider.MICROSOFT), wanted, deadline))


def _short_scopes(tokens: Tokens) -> Tokens:
    """Granted scopes are named with their resource or without it."""
    return tokens.model_copy(update={"scopes": [scope.removeprefix("https://graph.microsoft.com/") for scope in tokens.scopes]})


def discover(account: OAuthAccount, _: Discover, deadline: Deadline) -> Discovered:
    person = _Person.of(_good(_ask("GET", f"{_base()}/me", account, deadline)))
    found: list[_Calendar] = []
    link: str | None = f"{_base()}/me/calendars?{urlencode({'$top': 100, '$select': 'id,name,canEdit,isDefaultCalendar'})}"
    while link is not None:
        told = _Calendars.of(_good(_ask("GET", _own(link), account, deadline)))
        found += told.value
        link = told.following
    calendars = [
        FoundCalendar(id=one.id, name=one.name or "Calendar", is_writable=one.can_edit, is_usual=one.is_default, counts=one.can_edit)
        for one in found
    ]
    return Discovered(account_id=person.id, account_name=person.mail or person.principal or person.id, calendars=calendars)


def free_busy(account: OAuthAccount, wanted: FreeBusy, deadline: Deadline) -> Busy:
    """By calendar views: `getSchedule` knows no event, no calendar but the usual one, and no personal account."""

    def busy(calendar_id: str) -> list[BusyTime]:
        return [
            BusyTime(start=start, end=end, event_id=event.id, uid=event.uid)
            for event in _view(account, calendar_id, wanted.start, wanted.end, deadline)
            for start, end in event.times()
        ]

    return side_by_side(wanted.calendar_ids, busy)


def _view(account: OAuthAccount, calendar_id: str, start: datetime, end: datetime, deadline: Deadline) -> Iterator[_Event]:
    link: str | None = _view_link(calendar_id, start, end)
    while link is not None:
        told = _View.of(_good(_ask("GET", _own(link), account, deadline)))
        yield from told.value
        link = told.following


def _view_link(calendar_id: str, start: datetime, end: datetime) -> str:
    query = {"startDateTime": _utc(start), "endDateTime": _utc(end), "$select": _SELECTED, "$top": 500}
    return f"{_base()}{_path(calendar_id)}/calendarView?{urlencode(query)}"


def changes(account: OAuthAccount, wanted: Changes, deadline: Deadline) -> Changed:
    """Nothing, where the delta is empty; else all of the window, a page at a time."""
    place = Place.read(wanted.sync_token, wanted.end)
    if place is None:
        place = Place(since=wanted.start, until=wanted.end + _SLACK)
        place = place.model_copy(update={"sync": _now(account, wanted.calendar_id, place, deadline), "is_full": True})
    elif place.page is None:
        link, is_changed = _since(account, place, deadline) if place.sync else (_now(account, wanted.calendar_id, place, deadline), True)
        place = place.model_copy(update={"sync": link, "is_full": is_changed})
    if not place.is_full:
        return Changed(events=[], sync_token=place.token, is_full=False)

    # The delta was asked first: what changes meanwhile is in the next one.
    told = _View.of(_good(_ask("GET", _own(place.page or _view_link(wanted.calendar_id, place.since, place.until)), account, deadline)))
    events = [ChangedEvent(event_id=event.id, uid=event.uid, times=event.times()) for event in told.value]
    following = place.model_copy(update={"page": told.following, "is_full": told.following is not None})
    return Changed(events=events, sync_token=following.token, is_full=True, has_more=told.following is not None)


def _now(account: OAuthAccount, calendar_id: str, place: Place, deadline: Deadline) -> str | None:
    """Where the delta is now. It has to be walked through once; None where it never ends, and the next time reads all again."""
    window = {"startDateTime": _utc(place.since), "endDateTime": _utc(place.until)}
    return _walked(account, f"{_base()}{_path(calendar_id)}/calendarView/delta?{urlencode(window)}", deadline)[0]


def _since(account: OAuthAccount, place: Place, deadline: Deadline) -> tuple[str | None, bool]:
    return _walked(account, place.sync or "", deadline)


def _walked(account: OAuthAccount, link: str, deadline: Deadline) -> tuple[str | None, bool]:
    """The delta's end, and whether anything was on the way."""
    is_changed = False
    for _ in range(_MOST_PAGES):
        prefer = {"prefer": f"{_PREFER}, odata.maxpagesize=100"}
        told = _Page.of(_good(_ask("GET", _own(link), account, deadline, headers=prefer), is_delta=True))
        is_changed = is_changed or bool(told.value)
        if told.following is None:
            return told.delta, is_changed
        link = told.following
    return None, True


def write_event(account: OAuthAccount, wanted: WriteEvent, deadline: Deadline) -> Written:
    """`transactionId` has Graph make one event of two requests. It stays used when its event is deleted: then another one is taken."""
    event, said = wanted.event, _written(wanted.event)
    if event.provider_event_id is not None:
        answer = _ask("PATCH", _event_url(event.provider_event_id), account, deadline, said)
        if answer.status != 404:
            return Written(event_id=_Made.of(_good(answer)).id)
    try:
        return _made(account, wanted.calendar_id, said, event.id, deadline)
    except _AlreadyUsed as used:
        known = used.event_id or _found(account, event.id, deadline)
        if known is not None:
            return Written(event_id=_Made.of(_good(_ask("PATCH", _event_url(known), account, deadline, said))).id)
    try:
        another = uuid5(NAMESPACE_URL, f"{event.id} {event.sequence} {event.stamp.isoformat()}")
        return _made(account, wanted.calendar_id, said, str(another), deadline)
    except _AlreadyUsed:
        raise InTrouble(TroubleCode.CONFLICT, "Microsoft says that this event is there, and does not show it.") from None


def _made(account: OAuthAccount, calendar_id: str, said: dict[str, Any], transaction: str, deadline: Deadline) -> Written:
    answer = _ask("POST", f"{_base()}{_path(calendar_id)}/events", account, deadline, said | {"transactionId": transaction})
    if 400 <= answer.status < 500:
        error = error_of(answer)
        if error.get("code") == "ErrorDuplicateTransactionId":
            known = error.get("@event.existingEventId")
            raise _AlreadyUsed(known if isinstance(known, str) and known else None)
    return Written(event_id=_Made.of(_good(answer)).id)


def _found(account: OAuthAccount, event_id: str, deadline: Deadline) -> str | None:
    ours = f"singleValueExtendedProperties/Any(ep: ep/id eq '{_OURS}' and ep/value eq '{event_id}')"
    url = f"{_base()}/me/events?{urlencode({'$filter': ours, '$select': 'id'}, quote_via=quote)}"
    found = _Found.of(_good(_ask("GET", url, account, deadline))).value
    return found[0].id if found else None


def _written(event: Event) -> dict[str, Any]:
    """Without attendees: Graph would invite them, and offers no way not to."""
    return {
        "subject": event.title,
        "body": {"contentType": "text", "content": event.description},
        "location": {"displayName": event.location or ""},
        "start": {"dateTime": _utc(event.start).removesuffix("Z"), "timeZone": "UTC"},
        "end": {"dateTime": _utc(event.end).removesuffix("Z"), "timeZone": "UTC"},
        "showAs": "busy",
        "singleValueExtendedProperties": [{"id": _OURS, "value": event.id}],
    }


def delete_event(account: OAuthAccount, wanted: DeleteEvent, deadline: Deadline) -> Done:
    answer = _ask("DELETE", _event_url(wanted.event_id), account, deadline)
    if answer.status != 404:
        _good(answer)
    return Done()


def watch(account: OAuthAccount, wanted: Watch, deadline: Deadline) -> Watching:
    """Graph posts to the address before it answers, to see that it is ours."""
    asked = {
        "changeType": "created,updated,deleted",
        "notificationUrl": wanted.address,
        "lifecycleNotificationUrl": wanted.address,
        "resource": f"{_path(wanted.calendar_id)}/events",
        "expirationDateTime": _utc(datetime.now(UTC) + _WATCHED),
        "clientState": wanted.token,
    }
    made = _Subscription.of(_good(_ask("POST", f"{_base()}/subscriptions", account, deadline, asked)))
    return Watching(channel_id=made.id, resource_id=made.resource, expires_at=made.expires_at)


def stop_watching(account: OAuthAccount, wanted: StopWatching, deadline: Deadline) -> Done:
    answer = _ask("DELETE", f"{_base()}/subscriptions/{quote(wanted.channel_id, safe='')}", account, deadline)
    if answer.status != 404:
        _good(answer)
    return Done()


def _base() -> str:
    return oauth.client_of(Provider.MICROSOFT).api


def _path(calendar_id: str) -> str:
    return f"/me/calendars/{quote(calendar_id, safe='')}"


def _event_url(event_id: str) -> str:
    return f"{_base()}/me/events/{quote(event_id, safe='')}"


def _own(link: str) -> str:
    """A link that Graph gave. The access token goes to Graph, whatever a link says."""
    if not link.startswith(f"{_base()}/"):
        raise InTrouble(TroubleCode.SYNC_EXPIRED, "Microsoft sent us somewhere else.")
    return link


def _ask(
    method: str, url: str, account: OAuthAccount, deadline: Deadline, wanted: Any = None, headers: dict[str, str] | None = None
) -> Answer:
    return ask(method, url, account.access_token, deadline, wanted, {"prefer": _PREFER} | (headers or {}))


def _good(answer: Answer, *, is_delta: bool = False) -> Answer:
    """The answer, if it is none of Graph's refusals. Source: "Microsoft Graph error responses and resource types"."""
    if 200 <= answer.status < 300:
        return answer
    codes = set(_codes(error_of(answer)))
    met = trouble_of(answer, "Microsoft refused this.").trouble
    code = met.code
    if is_delta and (answer.status == 410 or codes & _GONE):
        code = TroubleCode.SYNC_EXPIRED
    elif answer.status == 509:
        code = TroubleCode.RATE_LIMITED
    raise InTrouble(code, _SENTENCES.get(code, met.said), met.retry_after)


def _codes(error: Any) -> Iterator[str]:
    """The codes of an error and of those inside it, in small letters: Graph writes them in either."""
    for _ in range(8):
        if not isinstance(error, dict):
            return
        yield str(error.get("code", "")).lower()
        error = error.get("innerError", error.get("innererror"))


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _zone(name: str) -> ZoneInfo:
    """A zone of Windows or of IANA; what is neither is UTC."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    try:
        return ZoneInfo(WINDOWS_TO_OLSON.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


_SENTENCES = {
    TroubleCode.RATE_LIMITED: "Microsoft asks us to slow down.",
    TroubleCode.UNAUTHORIZED: "Microsoft does not let us in any more; connect this account again.",
    TroubleCode.SYNC_EXPIRED: "Microsoft has forgotten where we were in this calendar.",
    TroubleCode.NOT_FOUND: "Microsoft has no such calendar or event for this account.",
    TroubleCode.UNAVAILABLE: "Microsoft's calendars do not answer as they should right now.",
}
