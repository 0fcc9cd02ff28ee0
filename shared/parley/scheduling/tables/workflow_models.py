"""Tables of workflows: what is to be sent when, what is due of it, and how much was sent today."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.persistence.base_models import Base, SoftDeleted, Swept, Tenant, Timestamps, native_enum, tenant_key
from parley.kernel.values.clock import now
from parley.notifications.enums import NotificationChannel
from parley.scheduling.tables.enums import AgreementStatus, WorkflowTrigger

ONE_REMINDER = "uq_scheduling_reminders_workflow_booking"


class Workflow(Tenant, Timestamps, SoftDeleted, Base):
    """A message around bookings of an event type; without one, of all that its user offers, or the whole organization.

    `revision` rises with each change of when and for what it is due, and `effective_from` is when it last did: nothing that was due before
    is sent. A WEBHOOK has a subscription of its own, with URL and secret.
    """

    __tablename__ = "scheduling_workflows"
    __table_args__ = (
        tenant_key("event_type_id", "scheduling_event_types"),
        Index("ix_scheduling_workflows_organization_id_event_type_id", "organization_id", "event_type_id", "id"),
        Index("ix_scheduling_workflows_organization_id_user_id", "organization_id", "user_id", "id"),
        Index("ix_scheduling_workflows_organization_id_subscription_id", "organization_id", "subscription_id"),
        CheckConstraint("(trigger = 'BEFORE_MEETING') = (minutes_before IS NOT NULL) AND minutes_before > 0", name="minutes_before"),
        CheckConstraint("(trigger = 'AFTER_MEETING') = (minutes_after IS NOT NULL) AND minutes_after >= 0", name="minutes_after"),
        CheckConstraint("(channel = 'WEBHOOK') = (subscription_id IS NOT NULL)", name="endpoint"),
    )

    user_id: Mapped[UUID]
    maker_since: Mapped[datetime] = mapped_column(default=now)
    event_type_id: Mapped[UUID | None]
    is_organization_wide: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str]
    trigger: Mapped[WorkflowTrigger] = mapped_column(native_enum(WorkflowTrigger, "scheduling_workflow_trigger"))
    channel: Mapped[NotificationChannel] = mapped_column(native_enum(NotificationChannel, "scheduling_notification_channel"))
    minutes_before: Mapped[int | None]
    minutes_after: Mapped[int | None]
    recipients: Mapped[list[str]] = mapped_column(ARRAY(Text))
    addresses: Mapped[list[str]] = mapped_column(ARRAY(Text))
    subject: Mapped[str | None]
    body: Mapped[str | None]
    subscription_id: Mapped[UUID | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    revision: Mapped[int] = mapped_column(default=1)
    effective_from: Mapped[datetime] = mapped_column(default=now)


class Reminder(Tenant, Swept, Base):
    """A timed workflow of a booking, until it has been seen to. `queued_at` is when the sweep gave it to the worker."""

    __tablename__ = "scheduling_reminders"
    __table_args__ = (
        tenant_key("workflow_id", "scheduling_workflows"),
        tenant_key("booking_id", "scheduling_bookings"),
        UniqueConstraint("organization_id", "workflow_id", "booking_id", name=ONE_REMINDER),
        Index("ix_scheduling_reminders_organization_id_booking_id", "organization_id", "booking_id"),
        Index("ix_scheduling_reminders_due_at", "due_at", postgresql_where=text("queued_at IS NULL")),
        Index("ix_scheduling_reminders_queued_at", "queued_at", postgresql_where=text("queued_at IS NOT NULL")),
    )

    workflow_id: Mapped[UUID]
    booking_id: Mapped[UUID]
    due_at: Mapped[datetime]
    revision: Mapped[int]
    queued_at: Mapped[datetime | None]


class AddressAgreement(Tenant, Base):
    """An address or number that workflows name, in small letters: whether it has agreed. `mailed_at` is when the question has left."""

    __tablename__ = "scheduling_address_agreements"
    __table_args__ = (UniqueConstraint("organization_id", "channel", "address", name="uq_scheduling_address_agreements_address"),)

    channel: Mapped[NotificationChannel] = mapped_column(native_enum(NotificationChannel, "scheduling_notification_channel"))
    address: Mapped[str]
    status: Mapped[AgreementStatus] = mapped_column(native_enum(AgreementStatus, "scheduling_agreement_status"))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    mailed_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
