"""What is kept of a payment provider's events."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.access.plans import PlanType
from parley.kernel.persistence.base_models import Base, Swept, Tenant, native_enum
from parley.kernel.values.clock import now


class PaymentSubscription(Tenant, Base):
    """What a payment provider has said of a subscription, at the newest `told_at`. One that has ended does not come back."""

    __tablename__ = "payment_subscriptions"
    __table_args__ = (UniqueConstraint("organization_id", "subscription"),)

    subscription: Mapped[str]
    told_at: Mapped[datetime]
    plan: Mapped[PlanType] = mapped_column(native_enum(PlanType, "plan_type"))
    is_ended: Mapped[bool] = mapped_column(default=False)


class PaymentEvent(Tenant, Swept, Base):
    """An event that was counted, by the provider's id: a second delivery changes nothing. Forgotten when none can come any more."""

    __tablename__ = "payment_events"
    __table_args__ = (UniqueConstraint("organization_id", "event"), Index("ix_payment_events_taken_at", "taken_at"))

    event: Mapped[str]
    taken_at: Mapped[datetime] = mapped_column(default=now)
