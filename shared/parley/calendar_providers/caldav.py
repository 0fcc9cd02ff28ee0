"""CalDAV (RFC 4791) with WebDAV sync (RFC 6578): APPLE, and any server that somebody names.

An event's id is the whole URL of its resource, a calendar's that of its collection. A sync token is the server's own, or its ctag where it
has none: then a change brings all of the calendar.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from parley.calendar_providers import icalendar_busy_times
from parley.calendar_providers.caldav_discovery import addresses, discover_calendars
from parley.calendar_providers.provider_http import Deadline, Operations, error_of_status
from parley.calendar_providers.provider_protocol import (
    MOST_EVENTS,
    BookingEvent,
    CalDavAccount,
    ChangedEvent,
    ChangesResult,
    DeleteEvent,
    Discover,
    DiscoveryResult,
    EmptyResult,
    FreeBusy,
    FreeBusyResult,
    ProviderBusyTime,
    ProviderError,
    ProviderErrorCode,
    ReadChanges,
    WriteEvent,
    WriteResult,
)
from parley.calendar_providers.webdav import (
    CALDAV,
    DAV,
    SERVER,
    DavResource,
    DavServer,
    Multistatus,
    absolute_url,
    dav_error,
    names,
    tag,
    text,
)

_DATA = f"{CALDAV}calendar-data"
_AT_ONCE = 100
# `whole:` is of a server that refuses what a sync token is for: its ctag, or nothing.
_SYNC, _CTAG, _WHOLE = "sync:", "ctag:", "whole:"
_LATER = (408, 425, 429, 502, 503, 504)
# A server that answers a query like this knows none, or lets nobody see more than free and busy.
_NO_QUERY = (ProviderErrorCode.REFUSED, ProviderErrorCode.NOT_FOUND)
_ICS = {"content-type": "text/calendar; charset=utf-8"}


def discover(account: CalDavAccount, wanted: Discover, deadline: Deadline) -> DiscoveryResult:
    return discover_calendars(DavServer(account, deadline))


def free_busy(account: CalDavAccount, wanted: FreeBusy, deadline: Deadline) -> FreeBusyResult:
    """By the events; by a free-busy-query where a calendar shows none. A calendar that is gone is missing."""
    server, times, missing, is_beside = DavServer(account, deadline), list[ProviderBusyTime](), list[str](), False
    for calendar_id in wanted.calendar_ids:
        try:
            busy_times, is_known = _times_of(server, calendar_id, wanted.start, wanted.end, wanted.timezones.get(calendar_id, "UTC"))
            times, is_beside = times + busy_times, is_beside or not is_known
        except ProviderError as met:
            if met.code not in _NO_QUERY:
                raise
            missing.append(calendar_id)
    return FreeBusyResult(times=times, missing=missing, is_beside=is_beside)


def _times_of(server: DavServer, url: str, start: datetime, end: datetime, timezone: str) -> tuple[list[ProviderBusyTime], bool]:
    """And whether every event could be read."""
    try:
        answered = server.report(url, _query(start, end))
        events = _events(server, answered.resources, start, end, timezone)
    except ProviderError as met:
        if met.code not in _NO_QUERY:
            raise
        kept = _free_busy(server, url, start, end)
        return [ProviderBusyTime(start=begins, end=ends) for begins, ends in kept.times], kept.is_clear
    times = [
        ProviderBusyTime(start=begins, end=ends, event_id=event.event_id, uid=event.uid) for event in events for begins, ends in event.times
    ]
    return times, all(event.is_known for event in events)


def _free_busy(server: DavServer, url: str, start: datetime, end: datetime) -> icalendar_busy_times.BusyEvent:
    body = f"<C:free-busy-query {names()}>{_range(start, end)}</C:free-busy-query>"
    headers = {"content-type": "application/xml; charset=utf-8", "depth": "1"}
    _, answer = server.request("REPORT", url, headers, body.encode())
    if answer.status != 200:
        raise error_of_status(answer)
    return icalendar_busy_times.free_busy(icalendar_busy_times.parse_calendars(answer.body))


def changes(account: CalDavAccount, wanted: ReadChanges, deadline: Deadline) -> ChangesResult:
    """A server that does not tell what has changed, whatever it says of its token, is read whole, and by its ctag from then on."""
    server, token = DavServer(account, deadline), wanted.sync_token or ""
    is_refused = token.startswith(_WHOLE)
    if token.startswith(_SYNC):
        try:
            return _since(server, wanted, token.removeprefix(_SYNC))
        except ProviderError as met:
            if not _is_no_answer(met):
                raise
            is_refused = True
    now = _token(server, wanted.calendar_id, is_refused=is_refused)
    if now == token and now != _WHOLE:
        return ChangesResult(events=[], sync_token=token, is_full=False)
    # The token is older than what is read now: what changes in between is told again.
    try:
        answered = server.report(wanted.calendar_id, _query(wanted.start, wanted.end))
        events = _events(server, answered.resources, wanted.start, wanted.end, wanted.timezone)
    except ProviderError as met:
        if met.code not in _NO_QUERY:
            raise
        kept = _free_busy(server, wanted.calendar_id, wanted.start, wanted.end)
        return ChangesResult(
            events=[ChangedEvent(event_id="busy", times=kept.times, is_clear=kept.is_clear)], sync_token=None, is_full=True
        )
    return ChangesResult(events=[event for event in events if event.times or not event.is_clear], sync_token=now, is_full=True)


def _is_no_answer(met: ProviderError) -> bool:
    """Whether a server refused to say what has changed: not who asks, and not for now. Then it may still say what there is."""
    if met.code in (
        ProviderErrorCode.UNAUTHORIZED,
        ProviderErrorCode.RATE_LIMITED,
        ProviderErrorCode.TIMED_OUT,
        ProviderErrorCode.SYNC_EXPIRED,
    ):
        return False
    return met.status is not None and met.status not in _LATER


def _token(server: DavServer, url: str, *, is_refused: bool) -> str | None:
    answered = server.propfind(url, 0, (f"{DAV}sync-token", f"{SERVER}getctag"))
    for resource in answered.resources:
        if not is_refused and (token := resource.text(f"{DAV}sync-token")):
            return _SYNC + token
        if ctag := resource.text(f"{SERVER}getctag"):
            return (_WHOLE if is_refused else _CTAG) + ctag
    return _WHOLE if is_refused else None


def _since(server: DavServer, wanted: ReadChanges, token: str) -> ChangesResult:
    inner = f"{tag(f'{DAV}sync-token', text(token))}<D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>"
    answered = server.report(wanted.calendar_id, f"<D:sync-collection {names()}>{inner}</D:sync-collection>", depth=0)
    here = [resource for resource in answered.resources if resource.url.rstrip("/") != answered.url.rstrip("/")]
    removed = [resource.url for resource in here if resource.status in (404, 410)]
    # 507 for the collection itself: there is more (RFC 6578, 3.6).
    has_more = any(resource.status == 507 for resource in answered.resources)
    changed = [resource for resource in here if resource.status is None or resource.status == 200]
    if len(changed) > MOST_EVENTS:
        raise ProviderError(ProviderErrorCode.SYNC_EXPIRED, "More has changed than we read one by one.")
    events = _events(server, changed, wanted.start, wanted.end, wanted.timezone)
    if answered.sync_token is None or (has_more and answered.sync_token == token):
        raise ProviderError(ProviderErrorCode.SYNC_EXPIRED, "The server does not say how far it has told.")
    return ChangesResult(events=events, removed=removed, sync_token=_SYNC + answered.sync_token, is_full=False, has_more=has_more)


def _events(server: DavServer, resources: Sequence[DavResource], start: datetime, end: datetime, timezone: str) -> list[ChangedEvent]:
    """Those resources as events; the ones that came without their data are asked for."""
    if len(resources) > MOST_EVENTS:
        raise ProviderError(ProviderErrorCode.REFUSED, "The calendar has more events than we read.")
    without = [resource.url for resource in resources if _DATA not in resource.properties]
    whole = [resource for resource in resources if _DATA in resource.properties]
    for at in range(0, len(without), _AT_ONCE):
        urls = {resource.url for resource in whole}
        whole += [resource for resource in _multiget(server, without[at : at + _AT_ONCE]).resources if resource.url not in urls]
    return [event for resource in whole if (event := _event(server, resource, start, end, timezone)) is not None]


def _multiget(server: DavServer, urls: Sequence[str]) -> Multistatus:
    hrefs = "".join(tag(f"{DAV}href", text(urlsplit(url).path)) for url in urls)
    collection = urls[0].rpartition("/")[0] + "/"
    return server.report(collection, f"<C:calendar-multiget {names()}><D:prop><C:calendar-data/></D:prop>{hrefs}</C:calendar-multiget>")


def _event(server: DavServer, resource: DavResource, start: datetime, end: datetime, timezone: str) -> ChangedEvent | None:
    data = resource.text(_DATA)
    if data is None:
        return ChangedEvent(event_id=resource.url, is_clear=False, is_known=False) if resource.status in (None, 200) else None
    try:
        calendars = icalendar_busy_times.parse_calendars(data.encode("utf-8", "replace"))
    except ProviderError:  # one event that nobody can read takes no other with it, and frees nothing
        return ChangedEvent(event_id=resource.url, is_clear=False, is_known=False)
    by_uid = icalendar_busy_times.busy(calendars, start, end, timezone, owner=lambda: addresses(server))
    return ChangedEvent(
        event_id=resource.url,
        uid=next(iter(by_uid), None),
        times=[time for kept in by_uid.values() for time in kept.times],
        is_clear=all(kept.is_clear for kept in by_uid.values()),
        is_known=not by_uid or any(kept.is_known for kept in by_uid.values()),
    )


def _query(start: datetime, end: datetime) -> str:
    inner = f"<C:comp-filter name='VCALENDAR'><C:comp-filter name='VEVENT'>{_range(start, end)}</C:comp-filter></C:comp-filter>"
    return f"<C:calendar-query {names()}><D:prop><C:calendar-data/></D:prop><C:filter>{inner}</C:filter></C:calendar-query>"


def _range(start: datetime, end: datetime) -> str:
    first, last = (moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") for moment in (start, end))
    return f'<C:time-range start="{first}" end="{last}"/>'


def write_event(account: CalDavAccount, wanted: WriteEvent, deadline: Deadline) -> WriteResult:
    """Under our own name for it, or where it has been since, or where the calendar has an event with this UID (from our mail, say)."""
    server, event = DavServer(account, deadline), wanted.event
    url = event.provider_event_id or absolute_url(_folder(wanted.calendar_id), f"{event.id}.ics")
    if (result := _put(server, url, event, is_there=event.provider_event_id is not None)) is not None:
        return result
    other = _by_uid(server, wanted.calendar_id, event.uid)
    if other is not None and other != url and (result := _put(server, other, event, is_there=True)) is not None:
        return result
    raise ProviderError(ProviderErrorCode.CONFLICT, "Somebody else is changing this event.")


def _folder(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


def _put(server: DavServer, url: str, event: BookingEvent, *, is_there: bool) -> WriteResult | None:
    """Whether it is there already is said in a condition, so that nothing is written over that we have not seen. None for a conflict."""
    for _ in range(3):
        etag = _etag(server, url) if is_there else None
        condition = {"if-match": etag} if etag else {"if-none-match": "*"}
        at, answer = server.request("PUT", url, _ICS | condition, icalendar_busy_times.event_text(event))
        if answer.status in (200, 201, 204):
            return WriteResult(event_id=at)
        if b"no-uid-conflict" in answer.body:
            return None
        if answer.status not in (409, 412):
            raise dav_error(answer)
        is_there = True
    return None


def _etag(server: DavServer, url: str) -> str | None:
    """None for what is not there."""
    try:
        answered = server.propfind(url, 0, (f"{DAV}getetag",))
    except ProviderError as met:
        if met.code is ProviderErrorCode.NOT_FOUND:
            return None
        raise
    return next((etag for resource in answered.resources if (etag := resource.text(f"{DAV}getetag"))), None)


def _by_uid(server: DavServer, calendar_id: str, uid: str) -> str | None:
    match = f"<C:prop-filter name='UID'><C:text-match collation='i;octet'>{text(uid)}</C:text-match></C:prop-filter>"
    inner = f"<C:comp-filter name='VCALENDAR'><C:comp-filter name='VEVENT'>{match}</C:comp-filter></C:comp-filter>"
    body = f"<C:calendar-query {names()}><D:prop><D:getetag/></D:prop><C:filter>{inner}</C:filter></C:calendar-query>"
    return next((resource.url for resource in server.report(calendar_id, body).resources if resource.status is None), None)


def delete_event(account: CalDavAccount, wanted: DeleteEvent, deadline: Deadline) -> EmptyResult:
    url = wanted.event_id if "/" in wanted.event_id else absolute_url(_folder(wanted.calendar_id), f"{wanted.event_id}.ics")
    _, answer = DavServer(account, deadline).request("DELETE", url)
    if answer.status not in (200, 202, 204, 404, 410):
        raise dav_error(answer)
    return EmptyResult()


OPERATIONS: Operations = {
    "DISCOVER": discover,
    "FREE_BUSY": free_busy,
    "CHANGES": changes,
    "WRITE_EVENT": write_event,
    "DELETE_EVENT": delete_event,
}
