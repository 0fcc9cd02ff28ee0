"""What the routes of workflows and of the log of notifications take and answer."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from parley.kernel.values.fields import PatchModel, RequestModel, ResponseModel, Text
from parley.notifications.enums import NotificationChannel, NotificationStatus, RecipientKind
from parley.scheduling.common.scheduling_fields import Flag, Name
from parley.scheduling.tables.enums import AgreementStatus, WorkflowTrigger

MOST_ADDRESSES = 5
MOST_MINUTES = 60 * 24 * 60  # sixty days
LONGEST_SUBJECT, LONGEST_BODY = 200, 5000


def _people(kinds: list[RecipientKind]) -> list[RecipientKind]:
    if set(kinds) - {RecipientKind.INVITEE, RecipientKind.HOST}:
        raise ValueError("must be INVITEE or HOST; others are named in addresses")
    return list(dict.fromkeys(kinds))


def _distinct(words: list[str]) -> list[str]:
    return list({word.lower(): word for word in words}.values())


Before = Annotated[int, Field(strict=True, ge=1, le=MOST_MINUTES)]
After = Annotated[int, Field(strict=True, ge=0, le=MOST_MINUTES)]
Recipients = Annotated[list[RecipientKind], Field(max_length=2), AfterValidator(_people)]
Addresses = Annotated[
    list[Annotated[Text, Field(min_length=3, max_length=254)]], Field(max_length=MOST_ADDRESSES), AfterValidator(_distinct)
]
Subject = Annotated[Text, Field(min_length=1, max_length=LONGEST_SUBJECT)]
Body = Annotated[Text, Field(min_length=1, max_length=LONGEST_BODY)]
Url = Annotated[Text, Field(min_length=1, max_length=2000)]


class WorkflowCreate(RequestModel):
    """A message when something happens to a booking, or some minutes before or after it.

    Without an `event_type_id` it is for all that its maker offers, with `is_organization_wide` for all of the organization. Without
    recipients or addresses, EMAIL and SMS go to the invitee. `minutes_before` is for BEFORE_MEETING, `minutes_after` for AFTER_MEETING,
    `url` for WEBHOOK, `addresses` are e-mail addresses for EMAIL and numbers (E.164) for SMS.
    """

    name: Name
    trigger: WorkflowTrigger
    channel: NotificationChannel
    event_type_id: UUID | None = None
    is_organization_wide: Flag = False
    minutes_before: Before | None = None
    minutes_after: After | None = None
    recipients: Recipients = []
    addresses: Addresses = []
    subject: Subject | None = None
    body: Body | None = None
    url: Url | None = None
    is_active: Flag = True


class WorkflowUpdate(PatchModel):
    """What is named changes; the channel stays. What is due follows."""

    _needed = frozenset({"name", "trigger", "is_organization_wide", "recipients", "addresses", "url", "is_active"})

    name: Name | None = None
    trigger: WorkflowTrigger | None = None
    event_type_id: UUID | None = None
    is_organization_wide: Flag | None = None
    minutes_before: Before | None = None
    minutes_after: After | None = None
    recipients: Recipients | None = None
    addresses: Addresses | None = None
    subject: Subject | None = None
    body: Body | None = None
    url: Url | None = None
    is_active: Flag | None = None


class WorkflowRead(ResponseModel):
    """`webhook_subscription_id` is the endpoint of a WEBHOOK, with its log of deliveries (`/v1/webhooks`)."""

    id: UUID
    user_id: UUID
    event_type_id: UUID | None
    is_organization_wide: bool
    name: str
    trigger: WorkflowTrigger
    channel: NotificationChannel
    minutes_before: int | None
    minutes_after: int | None
    recipients: list[RecipientKind]
    addresses: list[str]
    subject: str | None
    body: str | None
    webhook_subscription_id: UUID | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


class AgreementRead(ResponseModel):
    """An address or number of a workflow that was asked. Nothing is sent to it unless it AGREED."""

    address: str
    status: AgreementStatus


class WorkflowDetailRead(WorkflowRead):
    """`agreements`: of its addresses, but for proven ones of members, which need none."""

    agreements: list[AgreementRead]
    url: str | None


class WorkflowCreatedRead(WorkflowDetailRead):
    """With the secret that signs a WEBHOOK, which is shown this once."""

    secret: Annotated[str | None, Field(repr=False)]


class PreviewWanted(RequestModel):
    """A template to be looked at, filled in as for the booking, or for one that we make up."""

    channel: NotificationChannel
    body: Annotated[Text, Field(max_length=LONGEST_BODY)]
    subject: Annotated[Text, Field(max_length=LONGEST_SUBJECT)] | None = None
    recipient: Annotated[RecipientKind, AfterValidator(lambda kind: _people([kind])[0])] = RecipientKind.INVITEE
    booking_id: UUID | None = None


class VariableRead(ResponseModel):
    name: str
    description: str


class PreviewRead(ResponseModel):
    """`segments` is in how many parts an SMS is sent; null for other channels. `variables` are all that templates may name."""

    subject: str | None
    body: str
    segments: int | None
    variables: list[VariableRead]


class TrialWanted(RequestModel):
    """A mail goes to who asks, a webhook to its URL. An SMS needs a number."""

    address: Annotated[Text, Field(min_length=3, max_length=254)] | None = None


class NotificationRead(ResponseModel):
    """A message that was sent, or was to be. `event` says what for; `body` is kept for 30 days, without the invitee's link."""

    id: UUID
    booking_id: UUID | None
    workflow_id: UUID | None
    event: str | None
    recipient_kind: RecipientKind
    recipient: str
    channel: NotificationChannel
    status: NotificationStatus
    subject: str | None
    body: str | None
    sent_at: datetime | None
    failed_at: datetime | None
    error_message: str | None
    created_at: datetime
