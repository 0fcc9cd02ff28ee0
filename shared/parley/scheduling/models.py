"""Tables of scheduling: hours, event types with their questions, bookings with invitee and answers, and the log of mails."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.models import Base, SoftDeleted, Tenant, Timestamps, native_enum, tenant_key

NO_OVERLAP = "ex_scheduling_bookings_host_time"
ONE_SLUG = "uq_scheduling_event_types_slug"
ONE_DEFAULT = "uq_scheduling_schedules_default"
ONE_NOTICE = "uq_scheduling_notification_logs_event_recipient"


class DayOfWeek(StrEnum):
    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


class OverrideType(StrEnum):
    AVAILABLE = "AVAILABLE"
    UNAVAILABLE = "UNAVAILABLE"


class EventTypeKind(StrEnum):
    ONE_ON_ONE = "ONE_ON_ONE"
    GROUP = "GROUP"
    COLLECTIVE = "COLLECTIVE"
    ROUND_ROBIN = "ROUND_ROBIN"


class LocationType(StrEnum):
    PHONE = "PHONE"
    IN_PERSON = "IN_PERSON"
    ZOOM = "ZOOM"
    GOOGLE_MEET = "GOOGLE_MEET"
    MICROSOFT_TEAMS = "MICROSOFT_TEAMS"
    CUSTOM = "CUSTOM"
    ROOM = "ROOM"


class QuestionType(StrEnum):
    SHORT_TEXT = "SHORT_TEXT"
    LONG_TEXT = "LONG_TEXT"
    SINGLE_SELECT = "SINGLE_SELECT"
    MULTI_SELECT = "MULTI_SELECT"
    PHONE = "PHONE"
    EMAIL = "EMAIL"
    NUMBER = "NUMBER"


class BookingStatus(StrEnum):
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    RESCHEDULED = "RESCHEDULED"
    CANCELED = "CANCELED"
    NO_SHOW = "NO_SHOW"
    COMPLETED = "COMPLETED"


HOLDING = (BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.NO_SHOW, BookingStatus.COMPLETED)
"""These keep their time and count towards limits."""

STANDING = (BookingStatus.PENDING, BookingStatus.CONFIRMED)
"""These are still to take place."""

TRANSITIONS: dict[BookingStatus, frozenset[BookingStatus]] = {
    BookingStatus.PENDING: frozenset({BookingStatus.CONFIRMED, BookingStatus.RESCHEDULED, BookingStatus.CANCELED}),
    BookingStatus.CONFIRMED: frozenset({BookingStatus.RESCHEDULED, BookingStatus.CANCELED, BookingStatus.NO_SHOW, BookingStatus.COMPLETED}),
    BookingStatus.RESCHEDULED: frozenset(),
    BookingStatus.CANCELED: frozenset(),
    BookingStatus.NO_SHOW: frozenset({BookingStatus.COMPLETED}),
    BookingStatus.COMPLETED: frozenset({BookingStatus.NO_SHOW}),
}
"""What may follow what. A status that is not named here is not reached."""


def before(status: BookingStatus) -> list[BookingStatus]:
    """The statuses that `status` may follow: the condition of the update that brings it about."""
    return [earlier for earlier, later in TRANSITIONS.items() if status in later]


class CanceledBy(StrEnum):
    HOST = "HOST"
    INVITEE = "INVITEE"


class NotificationChannel(StrEnum):
    EMAIL = "EMAIL"
    SMS = "SMS"
    WEBHOOK = "WEBHOOK"


class NotificationStatus(StrEnum):
    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class RecipientKind(StrEnum):
    INVITEE = "INVITEE"
    HOST = "HOST"


class AvailabilitySchedule(Tenant, Timestamps, SoftDeleted, Base):
    __tablename__ = "scheduling_schedules"
    __table_args__ = (
        Index("ix_scheduling_schedules_organization_id_user_id", "organization_id", "user_id", "id"),
        Index(ONE_DEFAULT, "organization_id", "user_id", unique=True, postgresql_where=text("is_default AND deleted_at IS NULL")),
    )

    user_id: Mapped[UUID]
    name: Mapped[str]
    timezone: Mapped[str]
    is_default: Mapped[bool] = mapped_column(default=False)


class AvailabilitySlot(Tenant, Base):
    """A weekly window. Times are HH:MM of the schedule's wall clock, the end up to 24:00, which no Python `time` can say."""

    __tablename__ = "scheduling_slots"
    __table_args__ = (
        tenant_key("schedule_id", "scheduling_schedules"),
        Index("ix_scheduling_slots_organization_id_schedule_id", "organization_id", "schedule_id"),
        CheckConstraint("start_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'", name="start_time"),
        CheckConstraint("end_time ~ '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$'", name="end_time"),
    )

    schedule_id: Mapped[UUID]
    day_of_week: Mapped[DayOfWeek] = mapped_column(native_enum(DayOfWeek, "scheduling_day_of_week"))
    start_time: Mapped[str]
    end_time: Mapped[str]


class AvailabilityOverride(Tenant, Base):
    __tablename__ = "scheduling_overrides"
    __table_args__ = (
        tenant_key("schedule_id", "scheduling_schedules"),
        Index("ix_scheduling_overrides_organization_id_schedule_id_date", "organization_id", "schedule_id", "date"),
        CheckConstraint("start_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'", name="start_time"),
        CheckConstraint("end_time ~ '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$'", name="end_time"),
        CheckConstraint("(start_time IS NULL) = (end_time IS NULL)", name="both_times_or_none"),
    )

    schedule_id: Mapped[UUID]
    date: Mapped[date]
    type: Mapped[OverrideType] = mapped_column(native_enum(OverrideType, "scheduling_override_type"))
    start_time: Mapped[str | None]
    end_time: Mapped[str | None]
    reason: Mapped[str | None]


class EventType(Tenant, Timestamps, SoftDeleted, Base):
    """Lengths are minutes. `slot_interval` None means the duration."""

    __tablename__ = "scheduling_event_types"
    __table_args__ = (
        tenant_key("schedule_id", "scheduling_schedules", ondelete="NO ACTION"),
        Index("ix_scheduling_event_types_organization_id_user_id", "organization_id", "user_id", "id"),
        Index("ix_scheduling_event_types_organization_id_schedule_id", "organization_id", "schedule_id"),
        Index(ONE_SLUG, "organization_id", "user_id", "slug", unique=True, postgresql_where=text("deleted_at IS NULL")),
        CheckConstraint("duration > 0 AND (slot_interval IS NULL OR slot_interval > 0)", name="lengths"),
        CheckConstraint("buffer_before >= 0 AND buffer_after >= 0 AND min_notice >= 0", name="buffers"),
    )

    user_id: Mapped[UUID]
    schedule_id: Mapped[UUID]
    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str | None]
    kind: Mapped[EventTypeKind] = mapped_column(native_enum(EventTypeKind, "scheduling_event_type_kind"))
    duration: Mapped[int]
    slot_interval: Mapped[int | None]
    buffer_before: Mapped[int] = mapped_column(default=0)
    buffer_after: Mapped[int] = mapped_column(default=0)
    min_notice: Mapped[int] = mapped_column(default=0)
    max_bookings_per_day: Mapped[int | None]
    max_bookings_per_week: Mapped[int | None]
    location_type: Mapped[LocationType] = mapped_column(native_enum(LocationType, "scheduling_location_type"))
    location_value: Mapped[str | None]
    capacity: Mapped[int | None]
    min_capacity: Mapped[int | None]
    color: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True)


class Question(Tenant, Base):
    __tablename__ = "scheduling_questions"
    __table_args__ = (
        tenant_key("event_type_id", "scheduling_event_types"),
        Index("ix_scheduling_questions_organization_id_event_type_id", "organization_id", "event_type_id", "position"),
    )

    event_type_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(SmallInteger)
    label: Mapped[str]
    type: Mapped[QuestionType] = mapped_column(native_enum(QuestionType, "scheduling_question_type"))
    required: Mapped[bool] = mapped_column(default=False)
    placeholder: Mapped[str | None]
    options: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)


class Invitee(Tenant, Base):
    __tablename__ = "scheduling_invitees"
    __table_args__ = (Index("ix_scheduling_invitees_organization_id_email", "organization_id", "email"),)

    email: Mapped[str]
    name: Mapped[str]
    phone: Mapped[str | None]
    timezone: Mapped[str]
    notes: Mapped[str | None]
    utm_source: Mapped[str | None]
    utm_medium: Mapped[str | None]
    utm_campaign: Mapped[str | None]
    referrer: Mapped[str | None]


class Booking(Tenant, Timestamps, Base):
    """A host's time. `held` is the time widened by the buffers that the event type had: what nobody else may have of this host.

    `sequence` is the revision of the calendar event (RFC 5545, 3.8.7.4).
    """

    __tablename__ = "scheduling_bookings"
    __table_args__ = (
        tenant_key("event_type_id", "scheduling_event_types", ondelete="NO ACTION"),
        tenant_key("invitee_id", "scheduling_invitees", ondelete="NO ACTION"),
        tenant_key("rescheduled_from_id", "scheduling_bookings", ondelete="NO ACTION"),
        ExcludeConstraint(
            ("organization_id", "="),
            ("host_id", "="),
            ("held", "&&"),
            where=text("status IN ('PENDING', 'CONFIRMED', 'NO_SHOW', 'COMPLETED')"),
            using="gist",
            name=NO_OVERLAP,
        ),
        UniqueConstraint("organization_id", "management_token_hash"),
        CheckConstraint("start_time < end_time AND held @> tstzrange(start_time, end_time)", name="held_time"),
        Index("ix_scheduling_bookings_organization_id_start_time", "organization_id", "start_time", "id"),
        Index("ix_scheduling_bookings_organization_id_host_id_start_time", "organization_id", "host_id", "start_time", "id"),
        Index("ix_scheduling_bookings_organization_id_event_type_id_start_time", "organization_id", "event_type_id", "start_time", "id"),
        Index("ix_scheduling_bookings_organization_id_invitee_id", "organization_id", "invitee_id"),
        Index("ix_scheduling_bookings_organization_id_rescheduled_from_id", "organization_id", "rescheduled_from_id"),
    )

    event_type_id: Mapped[UUID]
    host_id: Mapped[UUID]
    invitee_id: Mapped[UUID]
    rescheduled_from_id: Mapped[UUID | None]
    status: Mapped[BookingStatus] = mapped_column(native_enum(BookingStatus, "scheduling_booking_status"))
    start_time: Mapped[datetime]
    end_time: Mapped[datetime]
    held: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    timezone: Mapped[str]
    location: Mapped[str | None]
    sequence: Mapped[int] = mapped_column(default=0)
    management_token_hash: Mapped[str]
    canceled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    canceled_by: Mapped[CanceledBy | None] = mapped_column(native_enum(CanceledBy, "scheduling_canceled_by"))
    no_show_marked_at: Mapped[datetime | None]
    calendar_event_id: Mapped[str | None]


class Answer(Tenant, Base):
    """`value` is a text, a number, or a list of options: as the question's type wants it."""

    __tablename__ = "scheduling_answers"
    __table_args__ = (
        tenant_key("booking_id", "scheduling_bookings"),
        tenant_key("question_id", "scheduling_questions", ondelete="NO ACTION"),
        UniqueConstraint("organization_id", "booking_id", "question_id"),
        Index("ix_scheduling_answers_organization_id_question_id", "organization_id", "question_id"),
    )

    booking_id: Mapped[UUID]
    question_id: Mapped[UUID]
    value: Mapped[Any] = mapped_column(JSONB)


class NotificationLog(Tenant, Timestamps, Base):
    """One row for an event and a recipient, however often the event comes. `attempted_at` is when somebody last took it up.

    `body` stays empty for mails with a management link: the link is a secret.
    """

    __tablename__ = "scheduling_notification_logs"
    __table_args__ = (
        tenant_key("booking_id", "scheduling_bookings"),
        UniqueConstraint("organization_id", "event_id", "recipient_kind", name=ONE_NOTICE),
        Index("ix_scheduling_notification_logs_organization_id_booking_id", "organization_id", "booking_id"),
    )

    booking_id: Mapped[UUID]
    event_id: Mapped[UUID]
    recipient_kind: Mapped[RecipientKind] = mapped_column(native_enum(RecipientKind, "scheduling_recipient_kind"))
    recipient: Mapped[str]
    channel: Mapped[NotificationChannel] = mapped_column(native_enum(NotificationChannel, "scheduling_notification_channel"))
    status: Mapped[NotificationStatus] = mapped_column(native_enum(NotificationStatus, "scheduling_notification_status"))
    subject: Mapped[str | None]
    body: Mapped[str | None]
    attempted_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    error_message: Mapped[str | None]
