"""Calendars of Microsoft 365 and Outlook.com, by Microsoft Graph v1.0.

Sources: Microsoft Graph reference (calendar, event, subscription); "Get incremental changes to events in a calendar view"; "Receive change
notifications through webhooks"; "Microsoft Graph error responses"; "Obtain immutable identifiers for Outlook resources".

The delta of a calendar view leaves out most of what an occurrence is, and says nothing of one that was taken out of its series (issue 5602
and pull request 4501 of its documentation). So it tells us that something has changed; what, the calendar view does: docs/decisions/0025.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import NAMESPACE_URL, uuid5

from parley.calendar_providers import calendar_oauth
from parley.calendar_providers.json_api import SyncPosition, error_of, side_by_side
from parley.calendar_providers.microsoft_graph import (
    PREFER,
    GraphCalendar,
    GraphCalendars,
    GraphCalendarView,
    GraphEvent,
    GraphEventCreated,
    GraphEventsFound,
    GraphPage,
    GraphSubscription,
    GraphUser,
    ask,
    base,
    checked_answer,
    checked_link,
    event_url,
    path,
    utc,
)
from parley.calendar_providers.provider_http import Deadline, Operations
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

_SLACK = timedelta(days=14)
_WATCHED = timedelta(minutes=4200)  # 4230 is the most for events
_FARTHEST = timedelta(hours=14)
_MOST_PAGES = 50
_SELECTED = "id,iCalUId,start,end,showAs,isCancelled,isAllDay,originalStartTimeZone,responseStatus"
# Our own id as a named property: the one thing that a search finds events by.
_OUR_ID = re.compile("[0-9a-f]{32}")
_OURS = "String {6c1f0f0e-5f0b-4d7c-9d0a-6b7b1f0f2a11} Name ParleyEvent"


class _AlreadyUsed(Exception):
    """A `transactionId` was used before. `event_id` is the event's that it made, if that is still there and Graph says so."""

    def __init__(self, event_id: str | None) -> None:
        super().__init__()
        self.event_id = event_id


def exchange_code(_: OAuthAccount, wanted: ExchangeCode, deadline: Deadline) -> CalendarTokens:
    return _short_scopes(calendar_oauth.exchange_tokens(calendar_oauth.client_of(ProviderName.MICROSOFT), wanted, deadline))


def refresh_tokens(_: OAuthAccount, wanted: RefreshTokens, deadline: Deadline) -> CalendarTokens:
    """Each one brings another refresh token, that takes the place of the former."""
    return _short_scopes(calendar_oauth.refresh_access_token(calendar_oauth.client_of(ProviderName.MICROSOFT), wanted, deadline))


def _short_scopes(tokens: CalendarTokens) -> CalendarTokens:
    """Granted scopes are named with their resource or without it."""
    return tokens.model_copy(update={"scopes": [scope.removeprefix("https://graph.microsoft.com/") for scope in tokens.scopes]})


def discover(account: OAuthAccount, _: Discover, deadline: Deadline) -> DiscoveryResult:
    person = GraphUser.of(checked_answer(ask("GET", f"{base()}/me", account, deadline)))
    graph_calendars: list[GraphCalendar] = []
    link: str | None = f"{base()}/me/calendars?{urlencode({'$top': 100, '$select': 'id,name,canEdit,isDefaultCalendar'})}"
    while link is not None:
        calendar_page = GraphCalendars.of(checked_answer(ask("GET", checked_link(link), account, deadline)))
        graph_calendars += calendar_page.value
        link = calendar_page.following
    calendars = [
        ProviderCalendar(
            id=graph_calendar.id,
            name=graph_calendar.name or "Calendar",
            is_writable=graph_calendar.can_edit,
            is_usual=graph_calendar.is_default,
            counts=graph_calendar.can_edit,
        )
        for graph_calendar in graph_calendars
    ]
    return DiscoveryResult(account_id=person.id, account_name=person.mail or person.principal or person.id, calendars=calendars)


def free_busy(account: OAuthAccount, wanted: FreeBusy, deadline: Deadline) -> FreeBusyResult:
    """By calendar views: `getSchedule` knows no event, no calendar but the usual one, and no personal account."""

    def busy(calendar_id: str) -> tuple[list[ProviderBusyTime], bool]:
        # A day of a zone far from UTC may be looked for at UTC's.
        events = list(_view(account, calendar_id, wanted.start - _FARTHEST, wanted.end + _FARTHEST, deadline))
        times = [
            ProviderBusyTime(start=start, end=end, event_id=event.id, uid=event.uid)
            for event in events
            for start, end in event.times(wanted.timezones.get(calendar_id, "UTC"))
            if start < wanted.end and end > wanted.start
        ]
        return times, all(event.is_read for event in events)

    return side_by_side(wanted.calendar_ids, busy)


def _view(account: OAuthAccount, calendar_id: str, start: datetime, end: datetime, deadline: Deadline) -> Iterator[GraphEvent]:
    link: str | None = _view_link(calendar_id, start, end)
    while link is not None:
        calendar_view = GraphCalendarView.of(checked_answer(ask("GET", checked_link(link), account, deadline)))
        yield from calendar_view.events
        link = calendar_view.following


def _view_link(calendar_id: str, start: datetime, end: datetime) -> str:
    query = {"startDateTime": utc(start), "endDateTime": utc(end), "$select": _SELECTED, "$top": 500}
    return f"{base()}{path(calendar_id)}/calendarView?{urlencode(query)}"


def changes(account: OAuthAccount, wanted: ReadChanges, deadline: Deadline) -> ChangesResult:
    """Nothing, where the delta is empty; else all of the window, a page at a time."""
    position = SyncPosition.read(wanted.sync_token, wanted.end)
    if position is None:
        position = SyncPosition(since=wanted.start, until=wanted.end + _SLACK)
        position = position.model_copy(update={"sync": _now(account, wanted.calendar_id, position, deadline), "is_full": True})
    elif position.page is None:
        link, is_changed = (
            _since(account, position, deadline) if position.sync else (_now(account, wanted.calendar_id, position, deadline), True)
        )
        position = position.model_copy(update={"sync": link, "is_full": is_changed})
    if not position.is_full:
        return ChangesResult(events=[], sync_token=position.token, is_full=False)

    # The delta was asked first: what changes meanwhile is in the next one.
    calendar_view = GraphCalendarView.of(
        checked_answer(
            ask("GET", checked_link(position.page or _view_link(wanted.calendar_id, position.since, position.until)), account, deadline)
        )
    )
    events = [
        ChangedEvent(event_id=event.id, uid=event.uid, times=event.times(wanted.timezone), is_clear=event.is_read, is_known=event.is_read)
        for event in calendar_view.events
    ]
    following = position.model_copy(update={"page": calendar_view.following, "is_full": calendar_view.following is not None})
    return ChangesResult(events=events, sync_token=following.token, is_full=True, has_more=calendar_view.following is not None)


def _now(account: OAuthAccount, calendar_id: str, position: SyncPosition, deadline: Deadline) -> str | None:
    """Where the delta is now. It has to be walked through once; None where it never ends, and the next time reads all again."""
    window = {"startDateTime": utc(position.since), "endDateTime": utc(position.until)}
    return _walked(account, f"{base()}{path(calendar_id)}/calendarView/delta?{urlencode(window)}", deadline)[0]


def _since(account: OAuthAccount, position: SyncPosition, deadline: Deadline) -> tuple[str | None, bool]:
    return _walked(account, position.sync or "", deadline)


def _walked(account: OAuthAccount, link: str, deadline: Deadline) -> tuple[str | None, bool]:
    """The delta's end, and whether anything was on the way."""
    is_changed = False
    for _ in range(_MOST_PAGES):
        prefer = {"prefer": f"{PREFER}, odata.maxpagesize=100"}
        page = GraphPage.of(checked_answer(ask("GET", checked_link(link), account, deadline, headers=prefer), is_delta=True))
        is_changed = is_changed or bool(page.value)
        if page.following is None:
            return page.delta, is_changed
        link = page.following
    return None, True


def write_event(account: OAuthAccount, wanted: WriteEvent, deadline: Deadline) -> WriteResult:
    """`transactionId` has Graph make one event of two requests. It stays used when its event is deleted: then another one is taken."""
    event, body = wanted.event, _written(wanted.event)
    if event.provider_event_id is not None:
        answer = ask("PATCH", event_url(event.provider_event_id), account, deadline, body)
        if answer.status != 404:
            return WriteResult(event_id=GraphEventCreated.of(checked_answer(answer)).id)
    try:
        return _made(account, wanted.calendar_id, body, event.id, deadline)
    except _AlreadyUsed as used:
        event_id = used.event_id or _found(account, event.id, deadline)
        if event_id is not None:
            return WriteResult(event_id=GraphEventCreated.of(checked_answer(ask("PATCH", event_url(event_id), account, deadline, body))).id)
    try:
        another = uuid5(NAMESPACE_URL, f"{event.id} {event.sequence} {event.stamp.isoformat()}")
        return _made(account, wanted.calendar_id, body, str(another), deadline)
    except _AlreadyUsed:
        raise ProviderError(ProviderErrorCode.CONFLICT, "Microsoft says that this event is there, and does not show it.") from None


def _made(account: OAuthAccount, calendar_id: str, body: dict[str, Any], transaction: str, deadline: Deadline) -> WriteResult:
    answer = ask("POST", f"{base()}{path(calendar_id)}/events", account, deadline, body | {"transactionId": transaction})
    if 400 <= answer.status < 500:
        error = error_of(answer)
        if error.get("code") == "ErrorDuplicateTransactionId":
            event_id = error.get("@event.existingEventId")
            raise _AlreadyUsed(event_id if isinstance(event_id, str) and event_id else None)
    return WriteResult(event_id=GraphEventCreated.of(checked_answer(answer)).id)


def _found(account: OAuthAccount, event_id: str, deadline: Deadline) -> str | None:
    condition = f"singleValueExtendedProperties/Any(ep: ep/id eq '{_OURS}' and ep/value eq '{event_id}')"
    url = f"{base()}/me/events?{urlencode({'$filter': condition, '$select': 'id'}, quote_via=quote)}"
    events = GraphEventsFound.of(checked_answer(ask("GET", url, account, deadline))).value
    return events[0].id if events else None


def _written(event: BookingEvent) -> dict[str, Any]:
    """Without attendees: Graph would invite them, and offers no way not to."""
    return {
        "subject": event.title,
        "body": {"contentType": "text", "content": event.description},
        "location": {"displayName": event.location or ""},
        "start": {"dateTime": utc(event.start).removesuffix("Z"), "timeZone": "UTC"},
        "end": {"dateTime": utc(event.end).removesuffix("Z"), "timeZone": "UTC"},
        "showAs": "busy",
        "singleValueExtendedProperties": [{"id": _OURS, "value": event.id}],
    }


def delete_event(account: OAuthAccount, wanted: DeleteEvent, deadline: Deadline) -> EmptyResult:
    event_id: str | None = wanted.event_id
    if _OUR_ID.fullmatch(wanted.event_id):
        event_id = _found(account, wanted.event_id, deadline)
    if event_id is not None:
        answer = ask("DELETE", event_url(event_id), account, deadline)
        if answer.status != 404:
            checked_answer(answer)
    return EmptyResult()


def watch(account: OAuthAccount, wanted: Watch, deadline: Deadline) -> WatchResult:
    """Graph posts to the address before it answers, to see that it is ours."""
    subscription = {
        "changeType": "created,updated,deleted",
        "notificationUrl": wanted.address,
        "lifecycleNotificationUrl": wanted.address,
        "resource": f"{path(wanted.calendar_id)}/events",
        "expirationDateTime": utc(datetime.now(UTC) + _WATCHED),
        "clientState": wanted.token,
    }
    made = GraphSubscription.of(checked_answer(ask("POST", f"{base()}/subscriptions", account, deadline, subscription)))
    return WatchResult(channel_id=made.id, resource_id=made.resource, expires_at=made.expires_at)


def stop_watching(account: OAuthAccount, wanted: StopWatching, deadline: Deadline) -> EmptyResult:
    answer = ask("DELETE", f"{base()}/subscriptions/{quote(wanted.channel_id, safe='')}", account, deadline)
    if answer.status != 404:
        checked_answer(answer)
    return EmptyResult()


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
