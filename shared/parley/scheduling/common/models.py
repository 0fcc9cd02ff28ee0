"""Tables of scheduling: hours, event types with questions and hosts, bookings and what they hold of whose time, the log of mails."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index, SmallInteger, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

import parley.scheduling.common.round_robin_models  # tables that event types and bookings point to
import parley.scheduling.common.routing_models  # noqa: F401  # tables that questions, answers and bookings point to
from parley.kernel.persistence.base_models import Base, SoftDeleted, Swept, Tenant, Timestamps, native_enum, tenant_key
from parley.scheduling.common.enums import (
    BookingStatus,
    CanceledBy,
    DayOfWeek,
    EventTypeKind,
    HorizonKind,
    LocationType,
    OverrideType,
    QuestionType,
)

NO_OVERLAP = "ex_scheduling_booking_hosts_host_time"
ONE_SEAT = "uq_scheduling_booking_hosts_seat"
ONE_ANSWER_TO_A_MOVE = "uq_scheduling_bookings_rescheduled_from_id"
ONE_SLUG = "uq_scheduling_event_types_slug"
ONE_DEFAULT = "uq_scheduling_schedules_default"
ROUTED = "fk_scheduling_bookings_routing_submission"
_HOLDING = "status IN ('PENDING', 'CONFIRMED', 'NO_SHOW', 'COMPLETED')"


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
    """Lengths are minutes. `slot_interval` None means the duration. `user_id` is who answers for it, and the host where there is one.

    Starts are offered up to the horizon: `horizon_days` of a kind, or the date `horizon_until`; without a kind the usual one (`horizon`).

    COLLECTIVE has its hosts in `EventTypeHost`, ROUND_ROBIN in its pool.
    """

    __tablename__ = "scheduling_event_types"
    __table_args__ = (
        tenant_key("schedule_id", "scheduling_schedules", ondelete="NO ACTION"),
        tenant_key("pool_id", "scheduling_round_robin_pools", ondelete="NO ACTION"),
        Index("ix_scheduling_event_types_organization_id_user_id", "organization_id", "user_id", "id"),
        Index("ix_scheduling_event_types_organization_id_pool_id", "organization_id", "pool_id"),
        Index("ix_scheduling_event_types_organization_id_team_id", "organization_id", "team_id", "id"),
        Index("ix_scheduling_event_types_organization_id_slug", "organization_id", "slug", "id"),
        Index("ix_scheduling_event_types_organization_id_schedule_id", "organization_id", "schedule_id"),
        Index(ONE_SLUG, "organization_id", "user_id", "slug", unique=True, postgresql_where=text("deleted_at IS NULL")),
        CheckConstraint("duration > 0 AND (slot_interval IS NULL OR slot_interval > 0)", name="lengths"),
        CheckConstraint("buffer_before >= 0 AND buffer_after >= 0 AND min_notice >= 0", name="buffers"),
        CheckConstraint(
            "(kind = 'GROUP') = (capacity IS NOT NULL) AND capacity > 0 AND min_capacity BETWEEN 1 AND capacity", name="capacity"
        ),
        CheckConstraint("(kind = 'ROUND_ROBIN') = (pool_id IS NOT NULL)", name="pool"),
        CheckConstraint(
            "num_nonnulls(horizon_days, horizon_until) = num_nonnulls(horizon_kind) "
            "AND (horizon_kind = 'DATE') = (horizon_until IS NOT NULL) AND horizon_days BETWEEN 1 AND 730",
            name="horizon",
        ),
    )

    user_id: Mapped[UUID]
    team_id: Mapped[UUID | None]
    schedule_id: Mapped[UUID]
    pool_id: Mapped[UUID | None]
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
    horizon_kind: Mapped[HorizonKind | None] = mapped_column(native_enum(HorizonKind, "scheduling_horizon_kind"))
    horizon_days: Mapped[int | None] = mapped_column(SmallInteger)
    horizon_until: Mapped[date | None]
    location_type: Mapped[LocationType] = mapped_column(native_enum(LocationType, "scheduling_location_type"))
    location_value: Mapped[str | None]
    capacity: Mapped[int | None]
    min_capacity: Mapped[int | None]
    color: Mapped[str | None]
    requires_confirmation: Mapped[bool] = mapped_column(default=False)
    requires_address_proof: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    is_active: Mapped[bool] = mapped_column(default=True)


class EventTypeHost(Tenant, Base):
    """Who has to be there. Hours: of the schedule named here, else of the host's default one, else of the event type's."""

    __tablename__ = "scheduling_event_type_hosts"
    __table_args__ = (
        tenant_key("event_type_id", "scheduling_event_types"),
        tenant_key("schedule_id", "scheduling_schedules", ondelete="NO ACTION"),
        UniqueConstraint("organization_id", "event_type_id", "user_id"),
        Index("ix_scheduling_event_type_hosts_organization_id_user_id", "organization_id", "user_id"),
        Index("ix_scheduling_event_type_hosts_organization_id_schedule_id", "organization_id", "schedule_id"),
    )

    event_type_id: Mapped[UUID]
    user_id: Mapped[UUID]
    schedule_id: Mapped[UUID | None]
    position: Mapped[int] = mapped_column(SmallInteger)


class Question(Tenant, SoftDeleted, Base):
    """Of an event type, or of a routing form. One that was answered and is not asked any more is put away: its label is still told."""

    __tablename__ = "scheduling_questions"
    __table_args__ = (
        tenant_key("event_type_id", "scheduling_event_types"),
        tenant_key("form_id", "scheduling_routing_forms"),
        Index("ix_scheduling_questions_organization_id_event_type_id", "organization_id", "event_type_id", "position"),
        Index("ix_scheduling_questions_organization_id_form_id", "organization_id", "form_id", "position"),
        CheckConstraint("num_nonnulls(event_type_id, form_id) = 1", name="one_owner"),
    )

    event_type_id: Mapped[UUID | None]
    form_id: Mapped[UUID | None]
    position: Mapped[int] = mapped_column(SmallInteger)
    label: Mapped[str]
    type: Mapped[QuestionType] = mapped_column(native_enum(QuestionType, "scheduling_question_type"))
    required: Mapped[bool] = mapped_column(default=False)
    placeholder: Mapped[str | None]
    options: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)


class Invitee(Tenant, Swept, Base):
    """Whoever was erased has an empty name and address, and `erased_at`. Who has `erasure_wanted_at` is still to be erased.

    `address` is the e-mail address in small letters, to be found by: an index on `lower(email)` is of no use under a policy (decision 29).
    """

    __tablename__ = "scheduling_invitees"
    __mapper_args__ = {"eager_defaults": False}  # nobody asks back for what the database has made of it
    __table_args__ = (
        Index("ix_scheduling_invitees_organization_id_address", "organization_id", "address", "id"),
        Index("ix_scheduling_invitees_erasure_wanted", "organization_id", "id", postgresql_where=text("erasure_wanted_at IS NOT NULL")),
    )

    email: Mapped[str]
    name: Mapped[str]
    phone: Mapped[str | None]
    timezone: Mapped[str]
    locale: Mapped[str | None]
    notes: Mapped[str | None]
    utm_source: Mapped[str | None]
    utm_medium: Mapped[str | None]
    utm_campaign: Mapped[str | None]
    referrer: Mapped[str | None]
    address: Mapped[str] = mapped_column(Computed("lower(email)", persisted=True))
    erasure_wanted_at: Mapped[datetime | None] = mapped_column(default=None)
    erased_at: Mapped[datetime | None] = mapped_column(default=None)


def _index_of(status: BookingStatus) -> Index:
    """Bookings with this status, by start. Under a policy an enum can be the condition of an index, and no column of it (decision 29)."""
    name = f"ix_scheduling_bookings_{status.value.lower()}"
    return Index(name, "organization_id", "start_time", "id", postgresql_where=text(f"status = '{status.value}'"))


class Booking(Tenant, Swept, Timestamps, Base):
    """A meeting with one invitee: a seat of a session, where the event type is a GROUP. What it holds of whose time: `BookingHost`.
    `host_id` is who answers for it, `pool_id` the pool that chose them. `sequence` is the revision of the calendar event (RFC 5545,
    3.8.7.4), whose UID is `calendar_uid`: the id of the first booking of the chain. A record that was moved is RESCHEDULED for good; the
    new one names it in `rescheduled_from_id`. `unproven_network`: the hash of a stranger's who proved no address.
    """

    __tablename__ = "scheduling_bookings"
    __table_args__ = (
        tenant_key("event_type_id", "scheduling_event_types", ondelete="NO ACTION"),
        tenant_key("invitee_id", "scheduling_invitees", ondelete="NO ACTION"),
        tenant_key("rescheduled_from_id", "scheduling_bookings", ondelete="NO ACTION"),
        tenant_key("pool_id", "scheduling_round_robin_pools", ondelete="NO ACTION"),
        ForeignKeyConstraint(
            ["organization_id", "routing_submission_id", "event_type_id"],
            [f"scheduling_routing_submissions.{column}" for column in ("organization_id", "id", "matched_event_type_id")],
            name=ROUTED,  # a form led to it: to this event type, and no other
            ondelete="NO ACTION",
        ),
        UniqueConstraint("organization_id", "management_token_hash"),
        UniqueConstraint("organization_id", "id", "status"),
        CheckConstraint("start_time < end_time", name="time"),
        Index(ONE_ANSWER_TO_A_MOVE, "organization_id", "rescheduled_from_id", unique=True),
        Index("ix_scheduling_bookings_organization_id_start_time", "organization_id", "start_time", "id"),
        Index("ix_scheduling_bookings_organization_id_host_id_start_time", "organization_id", "host_id", "start_time", "id"),
        Index("ix_scheduling_bookings_organization_id_event_type_id_start_time", "organization_id", "event_type_id", "start_time", "id"),
        *(_index_of(status) for status in BookingStatus),
        Index("ix_scheduling_bookings_organization_id_invitee_id", "organization_id", "invitee_id"),
        Index("ix_scheduling_bookings_organization_id_pool_id", "organization_id", "pool_id"),
        Index("ix_scheduling_bookings_organization_id_calendar_uid", "organization_id", "calendar_uid"),
        Index("ix_scheduling_bookings_organization_id_routing_submission_id", "organization_id", "routing_submission_id", "id"),
        Index("ix_scheduling_bookings_ended", "end_time", postgresql_where=text("status IN ('PENDING', 'CONFIRMED')")),
    )

    event_type_id: Mapped[UUID]
    host_id: Mapped[UUID]
    invitee_id: Mapped[UUID]
    rescheduled_from_id: Mapped[UUID | None]
    pool_id: Mapped[UUID | None]
    routing_submission_id: Mapped[UUID | None]
    status: Mapped[BookingStatus] = mapped_column(native_enum(BookingStatus, "scheduling_booking_status"))
    start_time: Mapped[datetime]
    end_time: Mapped[datetime]
    timezone: Mapped[str]
    location: Mapped[str | None]
    calendar_uid: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(default=0)
    management_token_hash: Mapped[str]
    confirmed_at: Mapped[datetime | None]
    canceled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    canceled_by: Mapped[CanceledBy | None] = mapped_column(native_enum(CanceledBy, "scheduling_canceled_by"))
    no_show_marked_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    calendar_event_id: Mapped[str | None]
    unproven_network: Mapped[str | None]


class BookingHost(Tenant, Base):
    """What a booking holds of a host's time: `held` is the meeting widened by the buffers that the event type had.

    `status` is the booking's, which the foreign key carries over. Nobody else may have this time of the host; the seats of one session
    (`session_id`) share it. What is no session has its own booking's id there.
    """

    __tablename__ = "scheduling_booking_hosts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "booking_id", "status"],
            ["scheduling_bookings.organization_id", "scheduling_bookings.id", "scheduling_bookings.status"],
            name="fk_scheduling_booking_hosts_booking",
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        ExcludeConstraint(
            ("organization_id", "="),
            ("host_id", "="),
            ("held", "&&"),
            ("session_id", "<>"),
            where=text(_HOLDING),
            using="gist",
            name=NO_OVERLAP,
        ),
        UniqueConstraint("organization_id", "booking_id", "host_id"),
        Index(ONE_SEAT, "organization_id", "host_id", "session_id", "seat", unique=True, postgresql_where=text(_HOLDING)),
        Index("ix_scheduling_booking_hosts_organization_id_host_id_start_time", "organization_id", "host_id", "start_time", "booking_id"),
        CheckConstraint("start_time <@ held AND seat > 0", name="held_time"),
    )

    booking_id: Mapped[UUID]
    host_id: Mapped[UUID]
    status: Mapped[BookingStatus] = mapped_column(native_enum(BookingStatus, "scheduling_booking_status"))
    start_time: Mapped[datetime]
    held: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    session_id: Mapped[UUID]
    seat: Mapped[int] = mapped_column(SmallInteger, default=1)


class Hold(Tenant, Swept, Base):
    """A slot kept until `expires_at`: the time of `host_ids`, of a GROUP a seat. `proof_email` is where a code went."""

    __tablename__ = "scheduling_holds"
    __table_args__ = (
        tenant_key("event_type_id", "scheduling_event_types"),
        UniqueConstraint("organization_id", "token_hash"),
        Index("ix_scheduling_holds_organization_id_expires_at", "organization_id", "expires_at"),
        Index("ix_scheduling_holds_organization_id_event_type_id", "organization_id", "event_type_id"),
        Index("ix_scheduling_holds_expires_at", "expires_at"),
    )

    event_type_id: Mapped[UUID]
    host_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    start_time: Mapped[datetime]
    held: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    token_hash: Mapped[str]
    expires_at: Mapped[datetime]
    proof_email: Mapped[str | None]


class Answer(Tenant, Base):
    """To a question of a booking or of a submission. `value` is a text, a number, or a list of options: as the question's type wants it."""

    __tablename__ = "scheduling_answers"
    __table_args__ = (
        tenant_key("booking_id", "scheduling_bookings"),
        tenant_key("submission_id", "scheduling_routing_submissions"),
        tenant_key("question_id", "scheduling_questions", ondelete="NO ACTION"),
        UniqueConstraint("organization_id", "booking_id", "question_id"),
        UniqueConstraint("organization_id", "submission_id", "question_id"),
        Index("ix_scheduling_answers_organization_id_question_id", "organization_id", "question_id"),
        CheckConstraint("num_nonnulls(booking_id, submission_id) = 1", name="one_owner"),
    )

    booking_id: Mapped[UUID | None]
    submission_id: Mapped[UUID | None]
    question_id: Mapped[UUID]
    value: Mapped[Any] = mapped_column(JSONB)
