"""What Microsoft Graph says of calendars, and how it is asked: one request, its refusals named.

Sources: Microsoft Graph reference (calendar, event, subscription), "Microsoft Graph error responses and resource types", "Obtain immutable
identifiers for Outlook resources".
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, Field

from parley.calendar_providers import calendar_oauth, json_api
from parley.calendar_providers.json_api import ProviderEvent, ProviderModel, error_of
from parley.calendar_providers.provider_http import Deadline, error_of_status
from parley.calendar_providers.provider_protocol import OAuthAccount, ProviderError, ProviderErrorCode, ProviderName
from parley.kernel.outbound.http_client import ClientResponse

# An id that an event keeps when it is moved; every request must say so, or its ids are others.
PREFER = 'IdType="ImmutableId", outlook.timezone="UTC"'
_FREE = frozenset({"free", "workingElsewhere"})
_GONE = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired", "errorinvalidsyncstatedata"})


class GraphDateTime(ProviderModel):
    date_time: str = Field("", alias="dateTime")
    zone_name: str = Field("UTC", alias="timeZone")

    def at(self, day_of: ZoneInfo | None) -> datetime | None:
        """The instant; midnight of an all-day event is that of its zone (`day_of`), whatever zone was asked for."""
        try:
            wall = datetime.fromisoformat(self.date_time[:19])
        except ValueError:
            return None
        zone = day_of if day_of is not None and wall.time() == time() else _zone(self.zone_name) or UTC
        return wall.replace(tzinfo=zone).astimezone(UTC)


_NEVER = GraphDateTime.model_validate({})


class GraphResponseStatus(ProviderModel):
    response: str = "none"


class GraphEvent(ProviderEvent):
    uid: str | None = Field(None, alias="iCalUId")
    start: GraphDateTime = _NEVER
    end: GraphDateTime = _NEVER
    shown_as: str = Field("busy", alias="showAs")
    is_canceled: bool = Field(False, alias="isCancelled")
    is_all_day: bool = Field(False, alias="isAllDay")
    zone_name: str | None = Field(None, alias="originalStartTimeZone")
    response: GraphResponseStatus | None = Field(None, alias="responseStatus")

    @property
    def is_read(self) -> bool:
        """Whether it says when it is."""
        return self.is_known and None not in (self.start.at(None), self.end.at(None))

    def times(self, timezone: str) -> list[tuple[datetime, datetime]]:
        """What it keeps busy. Days of an event whose zone nobody knows are those of `timezone`."""
        is_declined = self.response is not None and self.response.response == "declined"
        if self.shown_as in _FREE or self.is_canceled or is_declined:
            return []
        day_of = (_zone(self.zone_name or "UTC") or _zone(timezone)) if self.is_all_day else None
        start, end = self.start.at(day_of), self.end.at(day_of)
        return [(start, end)] if start is not None and end is not None and start < end else []


class GraphPage(ProviderModel):
    value: list[Any] = []
    following: str | None = Field(None, alias="@odata.nextLink")
    delta: str | None = Field(None, alias="@odata.deltaLink")


class GraphCalendarView(ProviderModel):
    value: list[Any] = []
    following: str | None = Field(None, alias="@odata.nextLink")

    @property
    def events(self) -> list[GraphEvent]:
        return list(GraphEvent.each(self.value))


class GraphCalendar(ProviderModel):
    id: str
    name: str | None = None
    can_edit: bool = Field(False, alias="canEdit")
    is_default: bool = Field(False, alias="isDefaultCalendar")


class GraphCalendars(ProviderModel):
    value: list[GraphCalendar] = []
    following: str | None = Field(None, alias="@odata.nextLink")


class GraphUser(ProviderModel):
    id: str
    mail: str | None = None
    principal: str | None = Field(None, alias="userPrincipalName")


class GraphEventCreated(ProviderModel):
    id: str


class GraphSubscription(ProviderModel):
    id: str
    resource: str
    expires_at: AwareDatetime = Field(alias="expirationDateTime")


class GraphEventsFound(ProviderModel):
    value: list[GraphEventCreated] = []


def base() -> str:
    return calendar_oauth.client_of(ProviderName.MICROSOFT).api


def path(calendar_id: str) -> str:
    return f"/me/calendars/{quote(calendar_id, safe='')}"


def event_url(event_id: str) -> str:
    return f"{base()}/me/events/{quote(event_id, safe='')}"


def checked_link(link: str) -> str:
    """A link that Graph gave. The access token goes to Graph, whatever a link says."""
    if not link.startswith(f"{base()}/"):
        raise ProviderError(ProviderErrorCode.SYNC_EXPIRED, "Microsoft sent us somewhere else.")
    return link


def ask(
    method: str, url: str, account: OAuthAccount, deadline: Deadline, wanted: Any = None, headers: dict[str, str] | None = None
) -> ClientResponse:
    return json_api.ask(method, url, account.access_token, deadline, wanted, {"prefer": PREFER} | (headers or {}))


def checked_answer(answer: ClientResponse, *, is_delta: bool = False) -> ClientResponse:
    """The answer, if it is none of Graph's refusals. Source: "Microsoft Graph error responses and resource types"."""
    if 200 <= answer.status < 300:
        return answer
    codes = set(_codes(error_of(answer)))
    met = error_of_status(answer, "Microsoft refused this.").trouble
    code = met.code
    if is_delta and (answer.status == 410 or codes & _GONE):
        code = ProviderErrorCode.SYNC_EXPIRED
    elif answer.status == 509:
        code = ProviderErrorCode.RATE_LIMITED
    raise ProviderError(code, _SENTENCES.get(code, met.message), met.retry_after)


def _codes(error: Any) -> Iterator[str]:
    """The codes of an error and of those inside it, in small letters: Graph writes them in either."""
    for _ in range(8):
        if not isinstance(error, dict):
            return
        yield str(error.get("code", "")).lower()
        error = error.get("innerError", error.get("innererror"))


def utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _zone(name: str) -> ZoneInfo | None:
    """A zone of Windows or of IANA. None for UTC, which many an all-day event has for want of another, and for what is none."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    try:
        zone = ZoneInfo(WINDOWS_TO_OLSON.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return None if zone.key.rpartition("/")[2] == "UTC" else zone


_SENTENCES = {
    ProviderErrorCode.RATE_LIMITED: "Microsoft asks us to slow down.",
    ProviderErrorCode.UNAUTHORIZED: "Microsoft does not let us in any more; connect this account again.",
    ProviderErrorCode.SYNC_EXPIRED: "Microsoft has forgotten where we were in this calendar.",
    ProviderErrorCode.NOT_FOUND: "Microsoft has no such calendar or event for this account.",
    ProviderErrorCode.UNAVAILABLE: "Microsoft's calendars do not answer as they should right now.",
}
