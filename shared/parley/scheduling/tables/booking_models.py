"""Tables of bookings: who booked, what, with which answers, and what is held of whose time."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

import parley.scheduling.tables.event_type_models  # noqa: F401  # tables that bookings and answers point to, and those that these point to
from parley.kernel.persistence.base_models import Base, Swept, Tenant, Timestamps, native_enum, tenant_key
from parley.scheduling.tables.enums import BookingStatus, CanceledBy

NO_OVERLAP = "ex_scheduling_booking_hosts_host_time"
ONE_SEAT = "uq_scheduling_booking_hosts_seat"
ONE_ANSWER_TO_A_MOVE = "uq_scheduling_bookings_rescheduled_from_id"
ROUTED = "fk_scheduling_bookings_routing_submission"
_HOLDING = "status IN ('PENDING', 'CONFIRMED', 'NO_SHOW', 'COMPLETED')"


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
