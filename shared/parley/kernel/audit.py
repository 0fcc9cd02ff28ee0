"""The audit trail: one row for every change, in the transaction of the change, append-only by grants and by trigger.

Rows hold ids, codes and plain values of columns that are not personal; never names, addresses, secrets or message texts.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Uuid
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, Session, mapped_column

from parley.kernel.audit_actions import ACTIONS
from parley.kernel.callers import ActorType, Caller
from parley.kernel.clock import now
from parley.kernel.ids import new_id
from parley.kernel.models import Base, native_enum


class AuditLog(Base):
    """Partitioned by month of `created_at`, which therefore belongs to the key. No foreign keys: evidence outlives what it tells of."""

    __tablename__ = "audit_logs"
    __table_args__ = (
        Index("ix_audit_logs_organization_id_created_at_id", "organization_id", "created_at", "id"),
        Index("ix_audit_logs_organization_id_entity_id", "organization_id", "entity_id"),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(primary_key=True, default=now)
    action: Mapped[str]
    actor_type: Mapped[ActorType] = mapped_column(native_enum(ActorType, "actor_type"))
    actor_id: Mapped[UUID | None]
    entity_type: Mapped[str | None]
    entity_id: Mapped[UUID | None]
    old_values: Mapped[dict[str, Any] | None]
    new_values: Mapped[dict[str, Any] | None]
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    room_id: Mapped[UUID | None] = mapped_column(Uuid)
    project_id: Mapped[UUID | None] = mapped_column(Uuid)
    team_id: Mapped[UUID | None] = mapped_column(Uuid)
    target_user_id: Mapped[UUID | None] = mapped_column(Uuid)
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]


def record(
    session: Session,
    caller: Caller,
    action: str,
    entity: Any = None,
    *,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    team_id: UUID | None = None,
    target_user_id: UUID | None = None,
    **details: Any,
) -> None:
    """Add a row for `action`, a name of the catalogue (`audit_actions`). `entity` is the row that changed, if one did; `target_user_id`
    the person whom it happened to.

    Raises `LookupError` for a name that the catalogue does not have.
    """
    if action not in ACTIONS:
        raise LookupError(f"{action} is not in the catalogue of audit actions.")
    session.add(
        AuditLog(
            organization_id=caller.organization_id,
            action=action,
            actor_type=caller.actor_type,
            actor_id=caller.actor_id,
            entity_type=type(entity).__name__ if entity is not None else None,
            entity_id=entity.id if entity is not None else None,
            old_values=old,
            new_values=new,
            details=details or None,
            team_id=team_id,
            target_user_id=target_user_id,
            ip_address=caller.ip_address,
            user_agent=caller.user_agent[:300] if caller.user_agent else None,
        )
    )
