"""What the routes of calendar connections take and answer."""

from datetime import datetime
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from parley.kernel.outbound.http_client import check_url
from parley.kernel.values.errors import Refusal
from parley.kernel.values.fields import PatchModel, RequestModel, ResponseModel, Text
from parley.scheduling.tables.calendar_models import CalendarMethod, CalendarProvider, CalendarStatus

MOST_CALENDARS = 100
APPLE = "https://caldav.icloud.com/"
Password = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=500)]


def _address(url: str) -> str:
    """webcal: is what calendars call an https address of theirs."""
    scheme, _, rest = url.partition("://")
    url = f"https://{rest}" if scheme.lower() in ("webcal", "webcals") else url
    try:
        check_url(url)
    except Refusal as refusal:
        raise ValueError(refusal.detail) from None
    return url


Address = Annotated[Text, Field(max_length=2000), AfterValidator(_address)]
Ids = Annotated[list[Annotated[Text, Field(min_length=1, max_length=2000)]], Field(max_length=MOST_CALENDARS)]


class CalendarConnectionCreate(RequestModel):
    """APPLE: `username` and an app-specific `password`. CUSTOM: those with a `server_url` (CalDAV), or an `ics_url` alone.

    GOOGLE and MICROSOFT are connected in the browser.
    """

    provider: CalendarProvider
    server_url: Address | None = None
    username: Annotated[Text, Field(min_length=1, max_length=300)] | None = None
    password: Annotated[Password | None, Field(repr=False)] = None
    ics_url: Annotated[Address | None, Field(repr=False)] = None

    @model_validator(mode="after")
    def _is_one_way_in(self) -> Self:
        has_login = self.username is not None and self.password is not None
        none = self.server_url is None and self.ics_url is None
        if self.provider in (CalendarProvider.GOOGLE, CalendarProvider.MICROSOFT):
            name = self.provider.value
            raise ValueError(f"{name} is connected in the browser: POST /v1/scheduling/calendars/connect/{name.lower()}")
        if self.provider is CalendarProvider.APPLE and not (has_login and none):
            raise ValueError("APPLE wants username and password (an app-specific one), and nothing else")
        if self.ics_url is not None and (self.server_url, self.username, self.password) != (None, None, None):
            raise ValueError("an ics_url stands alone")
        if self.provider is CalendarProvider.CUSTOM and self.ics_url is None and not (has_login and self.server_url):
            raise ValueError("CUSTOM wants server_url, username and password, or an ics_url")
        if self.username is not None and (":" in self.username or not self.username.isprintable()):
            raise ValueError("username must be printable, without a colon")
        return self


class CalendarConnectionUpdate(PatchModel):
    """`busy_calendar_ids`: those whose events keep the time. `calendar_id`: the one that bookings are written to, null for none."""

    _needed: ClassVar[frozenset[str]] = frozenset({"busy_calendar_ids", "is_primary"})

    busy_calendar_ids: Ids | None = None
    calendar_id: Annotated[Text, Field(min_length=1, max_length=2000)] | None = None
    is_primary: Annotated[bool, Field(strict=True)] | None = None


class CalendarConnectionRead(ResponseModel):
    """Bookings are written to `calendar_id` of the primary connection. ERROR is tried again at `next_sync_at`, EXPIRED is not.

    `unwritten_events` are bookings that the calendar should show and does not, and that nobody tries to write any more: look at the
    calendar that is written to, then connect it again or ask for a sync. `unclear_events` are events of the calendars that count of which
    something could not be read: they keep more time rather than less.
    """

    id: UUID
    provider: CalendarProvider
    method: CalendarMethod
    account_name: str
    status: CalendarStatus
    error_code: str | None
    error_message: str | None
    calendar_id: str | None
    calendar_name: str | None
    is_primary: bool
    unwritten_events: int = 0
    unclear_events: int
    last_sync_at: datetime | None
    next_sync_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ConnectedCalendarRead(ResponseModel):
    """What lies in it between `synced_from` and `synced_until` is known."""

    calendar_id: str
    name: str
    timezone: str | None
    is_writable: bool
    is_busy: bool
    synced_from: datetime | None
    synced_until: datetime | None
    unclear_events: int


class CalendarConnectionDetailRead(CalendarConnectionRead):
    calendars: list[ConnectedCalendarRead]


class ConnectedCalendarsRead(ResponseModel):
    items: list[ConnectedCalendarRead]
