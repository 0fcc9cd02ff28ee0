"""Tables of round robin: pools, and who has which place in them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.persistence.base_models import Base, SoftDeleted, Tenant, Timestamps, native_enum, tenant_key
from parley.scheduling.tables.enums import AssignmentStrategy

ONE_PLACE = "uq_scheduling_round_robin_assignments_user"


class RoundRobinPool(Tenant, Timestamps, SoftDeleted, Base):
    __tablename__ = "scheduling_round_robin_pools"
    __table_args__ = (Index("ix_scheduling_round_robin_pools_organization_id_team_id", "organization_id", "team_id"),)

    team_id: Mapped[UUID | None]
    name: Mapped[str]
    strategy: Mapped[AssignmentStrategy] = mapped_column(native_enum(AssignmentStrategy, "scheduling_assignment_strategy"))


class RoundRobinAssignment(Tenant, Timestamps, Base):
    """A host's place in a pool. The count is of the bookings that the host was chosen for and that were neither canceled nor moved away."""

    __tablename__ = "scheduling_round_robin_assignments"
    __table_args__ = (
        tenant_key("pool_id", "scheduling_round_robin_pools"),
        UniqueConstraint("organization_id", "pool_id", "user_id", name=ONE_PLACE),
        Index("ix_scheduling_round_robin_assignments_organization_id_user_id", "organization_id", "user_id"),
        CheckConstraint("weight >= 0 AND assignment_count >= 0", name="counts"),
    )

    pool_id: Mapped[UUID]
    user_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(SmallInteger)
    weight: Mapped[int] = mapped_column(default=1)
    priority: Mapped[int] = mapped_column(default=0)
    assignment_count: Mapped[int] = mapped_column(default=0)
    last_assigned_at: Mapped[datetime | None]
