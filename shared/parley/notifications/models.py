"""Tables of notifications: the log, claims of what has no log, and how much was sent in a day."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Computed, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.persistence.base_models import Base, Swept, Tenant, Timestamps, native_enum
from parley.kernel.values.clock import now
from parley.notifications.enums import NotificationChannel, NotificationStatus, RecipientKind

ONE_NOTICE = "uq_scheduling_notification_logs_event_recipient"


def _log_index(column: str, value: StrEnum) -> Index:
    """Rows with this status or on this channel; see `_index_of`."""
    which = text(f"{column} = '{value.value}'")
    return Index(f"ix_scheduling_notification_logs_{value.value.lower()}", "organization_id", "id", postgresql_where=which)


class NotificationLog(Tenant, Swept, Timestamps, Base):
    """One row for a cause (`event_id`) and a recipient, however often it is heard of. `event` says what happened. A workflow's sendings
    name it, and keep their text for 30 days; tests have no booking. `body` stays empty for mails with a management link: the link is a
    secret. `attempted_at` is when somebody last took it up, `doubtful_sends` how often it may have left, and nobody heard. `from_host_id`
    is the host who was told that the booking is theirs no more. `address` is the recipient in small letters.

    What it is about (`booking_id`, `workflow_id`, `from_host_id`) is the domains' own: nothing in this package reads it.
    """

    __tablename__ = "scheduling_notification_logs"
    __mapper_args__ = {"eager_defaults": False}  # what it writes, it knows: nothing is read back
    __table_args__ = (
        UniqueConstraint("organization_id", "event_id", "recipient_kind", "recipient", name=ONE_NOTICE),
        Index("ix_scheduling_notification_logs_organization_id_booking_id", "organization_id", "booking_id"),
        Index("ix_scheduling_notification_logs_organization_id_workflow_id", "organization_id", "workflow_id", "id"),
        Index("ix_scheduling_notification_logs_organization_id_address", "organization_id", "address", "id"),
        *(_log_index("status", value) for value in NotificationStatus),
        *(_log_index("channel", value) for value in NotificationChannel),
        Index("ix_scheduling_notification_logs_created_at", "created_at", postgresql_where=text("body IS NOT NULL")),
    )

    booking_id: Mapped[UUID | None]
    workflow_id: Mapped[UUID | None]
    event_id: Mapped[UUID]
    event: Mapped[str | None]
    recipient_kind: Mapped[RecipientKind] = mapped_column(native_enum(RecipientKind, "scheduling_recipient_kind"))
    recipient: Mapped[str]
    address: Mapped[str] = mapped_column(Computed("lower(recipient)", persisted=True))
    channel: Mapped[NotificationChannel] = mapped_column(native_enum(NotificationChannel, "scheduling_notification_channel"))
    status: Mapped[NotificationStatus] = mapped_column(native_enum(NotificationStatus, "scheduling_notification_status"))
    subject: Mapped[str | None]
    body: Mapped[str | None]
    attempted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    error_message: Mapped[str | None]
    doubtful_sends: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    from_host_id: Mapped[UUID | None]


class MailClaim(Base):
    """`claim` is a hash of event and recipient: nobody can try addresses without the event's id, which is kept nowhere.

    `doubtful_sends` is how often the mail may have left, and nobody heard.
    """

    __tablename__ = "mail_claims"
    global_because = "Mails go to people of no organization too; it holds no more than a hash, a count and instants."

    claim: Mapped[str] = mapped_column(primary_key=True)
    doubtful_sends: Mapped[int] = mapped_column(SmallInteger, default=0)
    attempted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


class SendingDay(Tenant, Swept, Base):
    """How many messages an organization has sent by itself on a day (UTC), by channel."""

    __tablename__ = "scheduling_sending_days"
    __table_args__ = (
        UniqueConstraint("organization_id", "day", "channel", name="uq_scheduling_sending_days_channel"),
        Index("ix_scheduling_sending_days_day", "day"),
    )

    day: Mapped[date]
    channel: Mapped[NotificationChannel] = mapped_column(native_enum(NotificationChannel, "scheduling_notification_channel"))
    count: Mapped[int]
