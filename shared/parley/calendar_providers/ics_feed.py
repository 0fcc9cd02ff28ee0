"""An address that answers with one whole calendar: it can be read, and that is all."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urldefrag, urljoin, urlsplit

from parley.calendar_providers import icalendar_busy_times
from parley.calendar_providers.icalendar_reader.content_lines import IcalendarComponent
from parley.calendar_providers.provider_http import Deadline, Operations, error_of_status, send
from parley.calendar_providers.provider_protocol import (
    ChangedEvent,
    ChangesResult,
    Discover,
    DiscoveryResult,
    FreeBusy,
    FreeBusyResult,
    IcsAccount,
    ProviderBusyTime,
    ProviderCalendar,
    ProviderError,
    ProviderErrorCode,
    ReadChanges,
)
from parley.kernel.outbound.http_client import ClientResponse

CALENDAR = "calendar"
_CONDITIONS = {"etag": "if-none-match", "last-modified": "if-modified-since"}
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5


def discover(account: IcsAccount, wanted: Discover, deadline: Deadline) -> DiscoveryResult:
    calendars = icalendar_busy_times.parse_calendars(_got(account, deadline).body)
    host = urlsplit(account.url).hostname or ""
    name = (calendars[0].text("X-WR-CALNAME") or host)[:200]
    calendar = ProviderCalendar(id=CALENDAR, name=name, timezone=icalendar_busy_times.timezone_of(calendars), is_usual=True)
    # The address is a secret, and names the account all the same.
    account_id = f"{host}/{hashlib.sha256(account.url.encode()).hexdigest()[:32]}"
    return DiscoveryResult(account_id=account_id, account_name=name, calendars=[calendar])


def free_busy(account: IcsAccount, wanted: FreeBusy, deadline: Deadline) -> FreeBusyResult:
    """What has not changed since it was kept is not read a second time, while somebody waits."""
    validators = _known(wanted.sync_tokens.get(CALENDAR))
    answer = _got(account, deadline, _conditions(validators))
    if answer.status == 304 or hashlib.sha256(answer.body).hexdigest() == validators.get("digest"):
        return FreeBusyResult(times=[], is_beside=True)
    calendars = icalendar_busy_times.parse_calendars(answer.body)
    by_uid = _busy(calendars, wanted.start, wanted.end, wanted.timezones.get(CALENDAR))
    times = [ProviderBusyTime(start=a, end=b, event_id=uid, uid=uid) for uid, kept in by_uid.items() for a, b in kept.times]
    return FreeBusyResult(times=times, is_beside=_is_cut(calendars) or not all(kept.is_known for kept in by_uid.values()))


def changes(account: IcsAccount, wanted: ReadChanges, deadline: Deadline) -> ChangesResult:
    """All of it, whenever anything has changed: by its ETag or date where it has one, by its bytes where it has none."""
    validators = _known(wanted.sync_token)
    answer = _got(account, deadline, _conditions(validators))
    unchanged = ChangesResult(events=[], sync_token=wanted.sync_token, is_full=False)
    if answer.status == 304:
        return unchanged
    digest = hashlib.sha256(answer.body).hexdigest()
    if digest == validators.get("digest"):
        return unchanged
    calendars = icalendar_busy_times.parse_calendars(answer.body)
    events = [
        ChangedEvent(event_id=uid, uid=uid, times=kept.times, is_clear=kept.is_clear, is_known=kept.is_known)
        for uid, kept in _busy(calendars, wanted.start, wanted.end, wanted.timezone).items()
        if kept.times or not kept.is_clear
    ]
    if _is_cut(calendars):
        events.append(ChangedEvent(event_id="end", is_clear=False, is_known=False))
    token = {"digest": digest} | {name: answer.headers[name] for name in _CONDITIONS if len(answer.headers.get(name, "")) in range(1, 500)}
    return ChangesResult(events=events, sync_token=json.dumps(token), is_full=True, is_cut=_is_cut(calendars))


def _is_cut(calendars: Sequence[IcalendarComponent]) -> bool:
    """Whether it stops before its end: what stood there is not known, and is not gone."""
    return not all(calendar.is_ended for calendar in calendars)


def _known(token: str | None) -> dict[str, str]:
    validators: dict[str, str] = json.loads(token) if token else {}
    return validators


def _conditions(validators: dict[str, str]) -> dict[str, str]:
    return {condition: validators[name] for name, condition in _CONDITIONS.items() if validators.get(name)}


def _busy(
    calendars: Sequence[IcalendarComponent], start: datetime, end: datetime, timezone: str | None
) -> dict[str, icalendar_busy_times.BusyEvent]:
    return icalendar_busy_times.busy(calendars, start, end, icalendar_busy_times.timezone_of(calendars) or timezone or "UTC")


def _got(account: IcsAccount, deadline: Deadline, headers: dict[str, str] | None = None) -> ClientResponse:
    """200, or 304 where `headers` ask for it. Each address on the way is checked as the first one was."""
    url = account.url
    for _ in range(_MOST_REDIRECTS + 1):
        answer = send("GET", url, deadline, {"accept": "text/calendar, */*;q=0.5"} | (headers or {}))
        if answer.status == 200 or (answer.status == 304 and headers):
            return answer
        if answer.status not in _REDIRECTS or not answer.headers.get("location"):
            if answer.status in (403, 404, 410):
                raise ProviderError(ProviderErrorCode.UNAUTHORIZED, "The calendar's address leads to nothing any more.")
            raise error_of_status(answer)
        url = urldefrag(urljoin(url, answer.headers["location"])).url
    raise ProviderError(ProviderErrorCode.REFUSED, "The calendar's address leads from one to another without end.")


OPERATIONS: Operations = {
    "DISCOVER": discover,
    "FREE_BUSY": free_busy,
    "CHANGES": changes,
}
