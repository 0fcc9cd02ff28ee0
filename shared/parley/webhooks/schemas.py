"""What the routes of webhooks take and answer."""

import re
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, Field, Secret, StringConstraints, WithJsonSchema, model_validator

from parley.kernel.values.fields import Flag, Line, OneTimeSecret, RequestInstant, RequestModel, ResponseModel, Text, pattern_hint
from parley.webhooks.event_catalogue import patterns
from parley.webhooks.models import DeliveryStatus, DisabledReason
from parley.webhooks.retry_policy import OVERLAP_HOURS

# Names that a receiver may need to let us in. What routes a request, frames it or says where it comes from is ours.
_OWN_HEADER = re.compile(r"authorization|x-(?!forwarded|real-ip|original|rewrite|http-method|amz|aws|envoy|google|ms-)[a-z0-9-]{1,60}")

_PATTERNS = patterns()


def _pattern(word: str) -> str:
    if word not in _PATTERNS:
        raise ValueError("is not an event, nor all of a thing (booking.*), of a domain (scheduling.*) or all (*)")
    return word


def _header_name(name: str) -> str:
    if not _OWN_HEADER.fullmatch(name.lower()):
        raise ValueError("must be Authorization or begin with X-, and not be one that proxies and clouds use")
    return name.lower()


def _distinct(words: list[str]) -> list[str]:
    return list(dict.fromkeys(words))


Pattern = Annotated[str, AfterValidator(_pattern), WithJsonSchema({"type": "string", "enum": sorted(_PATTERNS)})]
Patterns = Annotated[list[Pattern], Field(min_length=1, max_length=50), AfterValidator(_distinct)]
Url = Annotated[Text, Field(min_length=1, max_length=2000)]
HeaderName = Annotated[str, StringConstraints(strict=True, max_length=64), AfterValidator(_header_name)]
HeaderValue = Secret[
    Annotated[
        str,
        StringConstraints(strict=True, min_length=1, max_length=1000, pattern=r"^[!-~]([ -~]*[!-~])?$"),
        pattern_hint("must be printable ASCII, without spaces around it"),
    ]
]
Headers = Annotated[dict[HeaderName, HeaderValue], Field(max_length=10)]
PerMinute = Annotated[int, Field(strict=True, ge=1, le=600)]
OverlapHours = Annotated[int, Field(strict=True, ge=0, le=168)]


class SubscriptionCreate(RequestModel):
    """`headers` come with every request to the endpoint; their values are never shown again. `max_per_minute` bounds the requests."""

    name: Line
    url: Url
    events: Patterns
    headers: Headers = {}
    max_per_minute: PerMinute = 300


class SubscriptionUpdate(RequestModel):
    """What is left out stays. `headers` replace all that were there. `is_active` false holds events until it is true again."""

    name: Line | None = None
    url: Url | None = None
    events: Patterns | None = None
    headers: Headers | None = None
    max_per_minute: PerMinute | None = None
    is_active: Flag | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError("leave out what shall stay as it is; null is no value")
        return self


class RotationWanted(RequestModel):
    """For how many hours the old secret signs beside the new one."""

    overlap_hours: OverlapHours = OVERLAP_HOURS


class SubscriptionRead(ResponseModel):
    id: UUID
    name: str
    url: str
    verified_at: datetime | None
    events: list[str]
    header_names: list[str]
    max_per_minute: int
    is_active: bool
    disabled_reason: DisabledReason | None
    disabled_at: datetime | None
    failing_since: datetime | None
    paused_until: datetime | None
    last_success_at: datetime | None
    old_secret_expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


class SubscriptionSecretRead(SubscriptionRead):
    """With the secret, which is shown this once."""

    secret: OneTimeSecret


class ReplayWanted(RequestModel):
    """Everything that was given up since then."""

    since: RequestInstant


class ReplayedRead(ResponseModel):
    replayed: int


class DeliveryRead(ResponseModel):
    """`id` is the `webhook-id` of every attempt. `next_retry_at` is null when there is nothing to do, or the subscription is disabled."""

    id: UUID
    subscription_id: UUID
    event_id: UUID
    event: str
    entity_id: UUID | None
    status: DeliveryStatus
    status_code: int | None
    error: str | None
    duration_ms: int | None
    attempt_count: int
    max_attempts: int
    next_retry_at: datetime | None
    last_attempted_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime


class AttemptRead(ResponseModel):
    at: datetime
    status_code: int | None
    error: str | None
    duration_ms: int


class DeliveryDetailRead(DeliveryRead):
    """`payload` is null when it was erased. `response_body` is what the last attempt was answered, 4 KB at most, for who may write."""

    payload: dict[str, Any] | None
    request_headers: dict[str, str] | None
    response_body: str | None
    attempts: list[AttemptRead]
