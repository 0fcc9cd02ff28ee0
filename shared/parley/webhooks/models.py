"""Tables of outgoing webhooks: who wants to be told, and what was told to whom."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.persistence.base_models import Base, SoftDeleted, Swept, Tenant, Timestamps, native_enum, tenant_key
from parley.kernel.persistence.column_encryption import Sealed, SealedText
from parley.kernel.values.clock import now

ONE_DELIVERY = "uq_webhooks_deliveries_event"


class DeliveryStatus(StrEnum):
    """PENDING: not tried yet, or held. RETRYING: tried in vain, and to be tried again. FAILED: given up."""

    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    RETRYING = "RETRYING"


class DisabledReason(StrEnum):
    """MANUAL: somebody did it. GONE: it answered 410. FAILING: days of nothing but failures. MAKER_LEFT: who answers for it may not any
    more; an administrator who enables it does from then on."""

    MANUAL = "MANUAL"
    GONE = "GONE"
    FAILING = "FAILING"
    MAKER_LEFT = "MAKER_LEFT"


class WebhookSubscription(Tenant, Timestamps, SoftDeleted, Base):
    """`verified_at` is when the address agreed to hear of events (`endpoint_verification`): none are sent before. `maker_id` is who answers
    for it, since `maker_since`: nothing is sent when they may not have webhooks any more. `failing_since` is the first failure after the
    last success, `paused_until` the end of what it asked for when it was under load. A deleted subscription has lost its secrets.
    """

    __tablename__ = "webhooks_subscriptions"

    name: Mapped[str]
    maker_id: Mapped[UUID]
    maker_since: Mapped[datetime] = mapped_column(default=now)
    url: Mapped[str]
    verified_at: Mapped[datetime | None] = mapped_column(default=None)
    challenge: Mapped[str | None] = mapped_column(default=None)
    events: Mapped[list[str]]
    secret: Mapped[Sealed | None] = mapped_column(SealedText, default=None)
    old_secret: Mapped[Sealed | None] = mapped_column(SealedText, default=None)
    old_secret_expires_at: Mapped[datetime | None] = mapped_column(default=None)
    header_names: Mapped[list[str]] = mapped_column(default=[])
    header_values: Mapped[Sealed | None] = mapped_column(SealedText, default=None)
    max_per_minute: Mapped[int] = mapped_column(SmallInteger)
    is_active: Mapped[bool] = mapped_column(default=True)
    disabled_reason: Mapped[DisabledReason | None] = mapped_column(native_enum(DisabledReason, "webhooks_disabled_reason"), default=None)
    disabled_at: Mapped[datetime | None] = mapped_column(default=None)
    last_success_at: Mapped[datetime | None] = mapped_column(default=None)
    failing_since: Mapped[datetime | None] = mapped_column(default=None)
    consecutive_failures: Mapped[int] = mapped_column(default=0)
    warned_at: Mapped[datetime | None] = mapped_column(default=None)
    paused_until: Mapped[datetime | None] = mapped_column(default=None)
    minute_began_at: Mapped[datetime | None] = mapped_column(default=None)
    sent_in_minute: Mapped[int] = mapped_column(default=0)


def _index_of(status: DeliveryStatus) -> Index:
    """Deliveries with this status. Under a policy an enum can be the condition of an index, and no column of it (decision 29)."""
    which = text(f"status = '{status.value}'")
    return Index(f"ix_webhooks_deliveries_{status.value.lower()}", "organization_id", "id", postgresql_where=which)


class WebhookDelivery(Tenant, Swept, Timestamps, Base):
    """One event for one subscription; the id is the `webhook-id` of every attempt.

    `payload` is the body, byte for byte, frozen when the event was heard of; NULL when it was erased. `next_retry_at` is when to try
    (again); while an attempt runs, when it is given up for lost; NULL when there is nothing to do, or the subscription is disabled (held).
    `step` counts the attempts of this round of the schedule, `attempt_count` those of all rounds.
    """

    __tablename__ = "webhooks_deliveries"
    __table_args__ = (
        tenant_key("subscription_id", "webhooks_subscriptions"),
        Index(ONE_DELIVERY, "organization_id", "subscription_id", "event_id", "event", unique=True),
        Index("ix_webhooks_deliveries_organization_id_subscription_id", "organization_id", "subscription_id", "id"),
        *(_index_of(status) for status in DeliveryStatus),
        Index("ix_webhooks_deliveries_organization_id_event", "organization_id", "event", "id"),
        Index("ix_webhooks_deliveries_organization_id_entity_id", "organization_id", "entity_id"),
        Index(
            "ix_webhooks_deliveries_organization_id_due",
            "organization_id",
            "subscription_id",
            "next_retry_at",
            postgresql_where=text("next_retry_at IS NOT NULL"),
        ),
        Index("ix_webhooks_deliveries_next_retry_at", "next_retry_at", postgresql_where=text("next_retry_at IS NOT NULL")),
        Index("ix_webhooks_deliveries_created_at", "created_at"),
    )

    subscription_id: Mapped[UUID]
    event_id: Mapped[UUID]
    event: Mapped[str]
    entity_id: Mapped[UUID | None]
    payload: Mapped[str | None]
    status: Mapped[DeliveryStatus] = mapped_column(native_enum(DeliveryStatus, "webhooks_delivery_status"))
    step: Mapped[int] = mapped_column(SmallInteger, default=0)
    round_began_at: Mapped[datetime | None] = mapped_column(default=None)
    attempt_id: Mapped[UUID | None] = mapped_column(default=None)
    attempt_count: Mapped[int] = mapped_column(SmallInteger, default=0)
    max_attempts: Mapped[int] = mapped_column(SmallInteger)
    next_retry_at: Mapped[datetime | None]
    last_attempted_at: Mapped[datetime | None] = mapped_column(default=None)
    delivered_at: Mapped[datetime | None] = mapped_column(default=None)
    request_headers: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    status_code: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    response_body: Mapped[str | None] = mapped_column(default=None)
    error: Mapped[str | None] = mapped_column(default=None)
    duration_ms: Mapped[int | None] = mapped_column(default=None)
    attempts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=[])
