"""Tables of what can be booked: event types, their hosts, and the questions that they or routing forms ask."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

import parley.scheduling.tables.round_robin_models  # tables that event types point to
import parley.scheduling.tables.routing_models  # tables that questions point to
import parley.scheduling.tables.schedule_models  # noqa: F401  # tables that event types point to
from parley.kernel.persistence.base_models import Base, SoftDeleted, Tenant, Timestamps, native_enum, tenant_key
from parley.scheduling.tables.enums import EventTypeKind, HorizonKind, LocationType, QuestionType

ONE_SLUG = "uq_scheduling_event_types_slug"


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
