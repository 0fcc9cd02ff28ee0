"""What the routes of bookings take and answer."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from parley.kernel.values.fields import Locale, OneTimeSecret, Prose, RequestInstant, RequestModel, ResponseModel, TimeZone, pattern_hint
from parley.scheduling.common.scheduling_fields import Address, Name, Phone, Reason, Tag
from parley.scheduling.tables.enums import BookingStatus, CanceledBy, DayOfWeek


class InviteeIn(RequestModel):
    email: Address
    name: Name
    phone: Phone | None = None
    timezone: TimeZone
    locale: Locale | None = None
    notes: Prose | None = None


AnswerText = Annotated[str, StringConstraints(strict=True, max_length=5000)]
AnswerNumber = (
    Annotated[int, Field(strict=True, ge=-(10**15), le=10**15)]
    | Annotated[float, Field(strict=True, ge=-1e15, le=1e15, allow_inf_nan=False)]
)


class AnswerIn(RequestModel):
    """`value`: a text, a number for NUMBER, a list of options for MULTI_SELECT."""

    question_id: UUID
    value: AnswerText | AnswerNumber | Annotated[list[AnswerText], Field(max_length=100)]


HoldToken = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100)]


AddressProof = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, pattern=r"^[0-9]{6}$"),
    pattern_hint("must be the six digits that were sent to the address"),
]


class BookingFor(RequestModel):
    """A booking of an event type that the path names. `hold_token` gives back the hold that kept the slot; `routing_submission_id` is the
    submission of a routing form that led to this event type; `address_proof` the code that was sent to the address (409
    `address_proof_needed`)."""

    start_time: RequestInstant
    invitee: InviteeIn
    answers: list[AnswerIn] = Field(default=[], max_length=50)
    utm_source: Tag | None = None
    utm_medium: Tag | None = None
    utm_campaign: Tag | None = None
    referrer: Annotated[Prose, Field(max_length=2000)] | None = None
    hold_token: HoldToken | None = None
    routing_submission_id: UUID | None = None
    address_proof: AddressProof | None = None


class BookingCreate(BookingFor):
    """`captcha_token` is asked for where the deployment has a captcha (422 `captcha_needed`)."""

    event_type_id: UUID
    captcha_token: Annotated[str, StringConstraints(strict=True, max_length=5000)] | None = None


class BookingCancel(RequestModel):
    reason: Reason | None = None


class BookingMove(RequestModel):
    """The new start. The place of the old record is taken by a new one."""

    start_time: RequestInstant
    reason: Reason | None = None
    hold_token: HoldToken | None = None


class BookingReassign(RequestModel):
    """To this host of the pool; without one, to whom the pool's strategy chooses among the others that are free."""

    host_id: UUID | None = None


class HoldCreate(RequestModel):
    """A start of the list. `instead_of` is the token of a hold to give back for it."""

    start_time: RequestInstant
    instead_of: HoldToken | None = None


class HoldRead(ResponseModel):
    """`token` goes into the booking's `hold_token`; until `expires_at` nobody else can have the slot."""

    token: OneTimeSecret
    start_time: datetime
    end_time: datetime
    expires_at: datetime


class BookingConfirmationRead(ResponseModel):
    """What the one who booked gets at once. The link to cancel comes by e-mail, to prove the address."""

    id: UUID
    event_type_id: UUID
    status: BookingStatus
    start_time: datetime
    end_time: datetime
    timezone: str
    location: str | None


class InviteeRead(ResponseModel):
    id: UUID
    email: str
    name: str
    phone: str | None
    timezone: str
    locale: str | None
    notes: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    referrer: str | None


class BookingRead(BookingConfirmationRead):
    """`hosts` are all who are there, `host_id` the first of them. A moved booking names its successor in `rescheduled_to_id`."""

    host_id: UUID
    hosts: list[UUID]
    rescheduled_from_id: UUID | None
    rescheduled_to_id: UUID | None
    routing_submission_id: UUID | None
    confirmed_at: datetime | None
    canceled_at: datetime | None
    cancel_reason: str | None
    canceled_by: CanceledBy | None
    no_show_marked_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    invitee: InviteeRead


class AnswerRead(ResponseModel):
    question_id: UUID
    label: str
    value: str | int | float | list[str]


class BookingDetailRead(BookingRead):
    answers: list[AnswerRead]


class ManagedBookingRead(ResponseModel):
    """A booking as its invitee sees it. `event_type_id` is where the slots to move it to are listed."""

    event_type_id: UUID
    event_type_name: str
    host_name: str | None
    organization_name: str
    status: BookingStatus
    start_time: datetime
    end_time: datetime
    timezone: str
    location: str | None
    canceled_at: datetime | None
    cancel_reason: str | None
    canceled_by: CanceledBy | None


class EventTypeCountRead(ResponseModel):
    event_type_id: UUID
    count: int


class StatusCountRead(ResponseModel):
    status: BookingStatus
    count: int


class HourCountRead(ResponseModel):
    hour: int
    count: int


class WeekdayCountRead(ResponseModel):
    weekday: DayOfWeek
    count: int


class BookingCountsRead(ResponseModel):
    """Bookings by their start, hours and weekdays on the clocks of `timezone`; what has none is not listed."""

    timezone: str
    total: int
    by_event_type: list[EventTypeCountRead]
    by_status: list[StatusCountRead]
    by_hour: list[HourCountRead]
    by_weekday: list[WeekdayCountRead]
