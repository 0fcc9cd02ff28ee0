"""What is asked of a calendar's provider, and what it answers: the words between those who know the database and the one who has a network.

Inside, `calendar_connections.provider_calls` of scheduling sends a `ProviderRequest`; outside, `adapter_dispatch` gives it to the
provider's adapter and sends a `ProviderReply`. All instants are UTC. Ids of calendars and events, and sync tokens, are the
provider's own words: nobody else reads them.
"""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from parley.kernel.values.ids import new_id

MOST_EVENTS = 5000
"""Of one calendar, in one answer: a synchronous call carries 6 MB."""
MOST_UNCLEAR = 1000
"""So many events that were not understood are named, of one calendar."""

Hidden = Annotated[str, Field(repr=False)]


class ProviderName(StrEnum):
    """As `CalendarProvider` of scheduling; which adapter speaks with it follows from the account."""

    GOOGLE = "GOOGLE"
    MICROSOFT = "MICROSOFT"
    APPLE = "APPLE"
    CUSTOM = "CUSTOM"


OAuthProvider = Literal[ProviderName.GOOGLE, ProviderName.MICROSOFT]


class ProtocolModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# --- how to get in -----------------------------------------------------------------------------------------------------------------------


class OAuthAccount(ProtocolModel):
    """GOOGLE and MICROSOFT. Where they are, and who we are to them, their adapters read from the environment of the function outside."""

    kind: Literal["OAUTH"] = "OAUTH"
    provider: OAuthProvider
    access_token: Hidden = ""


class CalDavAccount(ProtocolModel):
    """`url` is a server, a principal, a home or a calendar: what the person knows, and then what `DiscoveryResult` said."""

    kind: Literal["CALDAV"] = "CALDAV"
    provider: Literal[ProviderName.APPLE, ProviderName.CUSTOM] = ProviderName.CUSTOM
    url: str
    username: str
    password: Hidden


class IcsAccount(ProtocolModel):
    """An address that answers with one whole calendar. It can only be read."""

    kind: Literal["ICS"] = "ICS"
    provider: Literal[ProviderName.CUSTOM] = ProviderName.CUSTOM
    url: Hidden


Account = Annotated[OAuthAccount | CalDavAccount | IcsAccount, Field(discriminator="kind")]


# --- what is asked -----------------------------------------------------------------------------------------------------------------------


class Discover(ProtocolModel):
    """Which calendars the account has, and who it is. Answered with `DiscoveryResult`."""

    operation: Literal["DISCOVER"] = "DISCOVER"


class FreeBusy(ProtocolModel):
    """When these calendars are busy in `[start, end)`, now. Answered with `FreeBusyResult`.

    An adapter lists events where it can, so that each time says of which event it is: those that we wrote ourselves are left out by who
    asked. A provider's own free/busy is for calendars that show nothing else. Not busy: transparent, canceled, declined by the account.
    `timezones`, by calendar: where all-day events are, and those without a zone, if the provider does not say. `sync_tokens`, by calendar:
    what was last known of it, where that covers `[start, end)`: what has not changed since need not be read again.
    """

    operation: Literal["FREE_BUSY"] = "FREE_BUSY"
    calendar_ids: list[str]
    start: AwareDatetime
    end: AwareDatetime
    timezones: dict[str, str] = {}
    sync_tokens: dict[str, str] = {}


class ReadChanges(ProtocolModel):
    """What has changed in a calendar since `sync_token` (None: all there is), of events that touch `[start, end)`.

    Answered with `ChangesResult`.
    """

    operation: Literal["CHANGES"] = "CHANGES"
    calendar_id: str
    sync_token: str | None
    start: AwareDatetime
    end: AwareDatetime
    timezone: str = "UTC"


class Attendee(ProtocolModel):
    name: str
    email: str


class BookingEvent(ProtocolModel):
    """A booking as its host's calendar shows it. `id` is ours, made of organization, booking and connection: 32 hexadecimal digits.

    An adapter writes it so that writing twice leaves one: as the event's own id (Google), file name (CalDAV), `transactionId` (Graph).
    `provider_event_id` is what an earlier writing answered. Nobody is to be notified by the provider: we send the mails.
    """

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    provider_event_id: str | None = None
    uid: str
    sequence: int
    title: str
    description: str
    location: str | None
    start: AwareDatetime
    end: AwareDatetime
    timezone: str
    attendees: list[Attendee] = []
    stamp: AwareDatetime


class WriteEvent(ProtocolModel):
    """Make the event be there as it is here, whether it was there before or not. Answered with `Written`."""

    operation: Literal["WRITE_EVENT"] = "WRITE_EVENT"
    calendar_id: str
    event: BookingEvent


class DeleteEvent(ProtocolModel):
    """See that the event is not there. One that is gone is no trouble. Answered with `EmptyResult`.

    `event_id` is `Written.event_id`; or `Event.id`, where nobody knows whether an earlier `WriteEvent` got through.
    """

    operation: Literal["DELETE_EVENT"] = "DELETE_EVENT"
    calendar_id: str
    event_id: str


class ExchangeCode(ProtocolModel):
    """The end of an OAuth consent (RFC 6749, 4.1.3; PKCE: RFC 7636, 4.5). Answered with `CalendarTokens`. A bad code is `refused`."""

    operation: Literal["EXCHANGE_CODE"] = "EXCHANGE_CODE"
    code: Hidden
    verifier: Hidden
    redirect_uri: str


class RefreshTokens(ProtocolModel):
    """Answered with `CalendarTokens`. A grant that is gone is the trouble `unauthorized`."""

    operation: Literal["REFRESH_TOKENS"] = "REFRESH_TOKENS"
    refresh_token: Hidden


class Watch(ProtocolModel):
    """Have the provider post to `address` when the calendar changes; `channel_id` and `token` come back with each post.

    Answered with `WatchResult`.
    """

    operation: Literal["WATCH"] = "WATCH"
    calendar_id: str
    channel_id: str
    token: Hidden
    address: str


class StopWatching(ProtocolModel):
    """Answered with `EmptyResult`."""

    operation: Literal["STOP_WATCHING"] = "STOP_WATCHING"
    channel_id: str
    resource_id: str


Operation = Annotated[
    Discover | FreeBusy | ReadChanges | WriteEvent | DeleteEvent | ExchangeCode | RefreshTokens | Watch | StopWatching,
    Field(discriminator="operation"),
]


class ProviderRequest(ProtocolModel):
    """One operation, and how long an answer is of use."""

    id: UUID = Field(default_factory=new_id)
    account: Account
    wanted: Operation
    seconds: float = Field(gt=0, le=60)


# --- what is answered --------------------------------------------------------------------------------------------------------------------


class ProviderCalendar(ProtocolModel):
    """`is_usual` is the account's own main calendar. `counts` says whether its owner has it count as busy, where the provider knows."""

    id: str
    name: str
    timezone: str | None = None
    is_writable: bool = False
    is_usual: bool = False
    counts: bool = True


class DiscoveryResult(ProtocolModel):
    """`account_id` is the same whenever the same account is connected. `url` is where CalDAV should be asked from now on."""

    answer: Literal["DISCOVERED"] = "DISCOVERED"
    account_id: str
    account_name: str
    calendars: list[ProviderCalendar]
    url: str | None = None


class ProviderBusyTime(ProtocolModel):
    """`uid` is the event's iCalendar UID. Without `event_id` and `uid` nobody knows which event it is."""

    start: AwareDatetime
    end: AwareDatetime
    event_id: str | None = None
    uid: str | None = None


class FreeBusyResult(ProtocolModel):
    """In any order; they may overlap. `missing` are calendars that did not say.

    `is_beside`: these times count beside those that are known of the account already, not instead of them: nothing has changed, or not all
    of it could be read.
    """

    answer: Literal["BUSY"] = "BUSY"
    times: list[ProviderBusyTime]
    missing: list[str] = []
    is_beside: bool = False


class ChangedEvent(ProtocolModel):
    """All the times that the event keeps busy in the window: instead of those that were known of it. None for one that keeps none.

    `is_clear`: all of it was understood. `is_known`: something was; of one that is not, what was known of it still counts.
    """

    event_id: str
    uid: str | None = None
    times: list[tuple[AwareDatetime, AwareDatetime]] = []
    is_clear: bool = True
    is_known: bool = True


class ChangesResult(ProtocolModel):
    """`is_full`: what is not named is gone. Not so with `is_cut`: it was all, but ended too early.

    With `has_more`, the same question with the new token brings the rest of the same answer.
    """

    answer: Literal["CHANGED"] = "CHANGED"
    events: list[ChangedEvent]
    removed: list[str] = []
    sync_token: str | None
    is_full: bool
    is_cut: bool = False
    has_more: bool = False


class WriteResult(ProtocolModel):
    answer: Literal["WRITTEN"] = "WRITTEN"
    event_id: str


class EmptyResult(ProtocolModel):
    answer: Literal["DONE"] = "DONE"


class CalendarTokens(ProtocolModel):
    """`refresh_token` only where the provider gave another one. `scopes` are what was granted, where the provider says."""

    answer: Literal["TOKENS"] = "TOKENS"
    access_token: Hidden
    expires_at: AwareDatetime
    refresh_token: Annotated[str | None, Field(repr=False)] = None
    scopes: list[str] = []


class WatchResult(ProtocolModel):
    """`channel_id` is ours, or the provider's own where it makes one."""

    answer: Literal["WATCHING"] = "WATCHING"
    channel_id: str
    resource_id: str
    expires_at: AwareDatetime


ProviderAnswer = Annotated[
    DiscoveryResult | FreeBusyResult | ChangesResult | WriteResult | EmptyResult | CalendarTokens | WatchResult,
    Field(discriminator="answer"),
]


class ProviderErrorCode(StrEnum):
    """unauthorized: credentials are wrong, or the grant is gone. refused: it will never do that (a calendar that can only be read).

    sync_expired: ask again without a token. conflict: somebody else has changed it meanwhile. The rest may be tried again.
    """

    UNAUTHORIZED = "unauthorized"
    SYNC_EXPIRED = "sync_expired"
    RATE_LIMITED = "rate_limited"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    TIMED_OUT = "timed_out"


class ProviderProblem(ProtocolModel):
    """`message` is for a person, and holds no secret, no address and nothing of a calendar. `retry_after` in seconds, if it is said."""

    code: ProviderErrorCode
    message: str = ""
    retry_after: float | None = None


class ProviderError(Exception):
    """The provider did not do what it was asked. Adapters and `provider_calls.ask` raise it. `status` is the answer's, where one came."""

    def __init__(self, code: ProviderErrorCode, message: str = "", retry_after: float | None = None, *, status: int | None = None) -> None:
        super().__init__(f"{code.value}: {message}")
        self.trouble = ProviderProblem(code=code, message=message, retry_after=retry_after)
        self.status = status

    @property
    def code(self) -> ProviderErrorCode:
        return self.trouble.code


class ProviderReply(ProtocolModel):
    """One of the two."""

    answer: ProviderAnswer | None = None
    trouble: ProviderProblem | None = None
