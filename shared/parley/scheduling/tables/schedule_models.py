"""Tables of hours: schedules, their weekly windows, and the dates that differ."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.persistence.base_models import Base, SoftDeleted, Tenant, Timestamps, native_enum, tenant_key
from parley.scheduling.tables.enums import DayOfWeek, OverrideType

ONE_DEFAULT = "uq_scheduling_schedules_default"


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
