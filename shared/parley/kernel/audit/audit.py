"""The audit trail: one row for every change, in the transaction of the change, append-only by grants and by trigger.

Rows hold ids, codes and plain values of columns that are not personal; never names, addresses, secrets or message texts. The network
address and the program that somebody acted from are personal: they stand beside the trail (`AuditOrigin`), leave after `ORIGINS_KEPT`, and
go at once with the person.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Uuid, delete, select, tuple_
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, Session, mapped_column

from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.persistence.base_models import Base, Swept, native_enum
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.declarations import AuditAction
from parley.kernel.values.ids import new_id

ORIGINS_KEPT = timedelta(days=90)
FORGOTTEN_AT_ONCE = 10_000


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
    # Empty: a release before wrote here. A trigger moves what comes while the two are exchanged.
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]


class AuditOrigin(Swept, Base):
    """Where from an audited act came, with the id of its row in the trail. `person_id` is whose address that is, if a user's."""

    __tablename__ = "audit_origins"
    __table_args__ = (Index("ix_audit_origins_person_id", "person_id"), Index("ix_audit_origins_created_at", "created_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    person_id: Mapped[UUID | None]
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]


def record(
    session: Session,
    caller: Caller,
    action: AuditAction,
    entity: Any = None,
    *,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    team_id: UUID | None = None,
    target_user_id: UUID | None = None,
    **details: Any,
) -> None:
    """Add a row for `action`, which a domain declares. `entity` is the row that changed, if one did; `target_user_id` the person whom it
    happened to.
    """
    row = AuditLog(
        organization_id=caller.organization_id,
        action=str(action),
        actor_type=caller.actor_type,
        actor_id=caller.actor_id,
        entity_type=(entity.audit_name or type(entity).__name__) if entity is not None else None,
        entity_id=entity.id if entity is not None else None,
        old_values=old,
        new_values=new,
        details=details or None,
        team_id=team_id,
        target_user_id=target_user_id,
    )
    session.add(row)
    if caller.ip_address or caller.user_agent:
        session.add(_origin(row, caller))


def _origin(row: AuditLog, caller: Caller) -> AuditOrigin:
    """A visitor's is that of the user whom it is about: who could not log in is, as a rule, who has the account."""
    about = row.target_user_id or (row.entity_id if row.entity_type == "User" else None)
    return AuditOrigin(
        organization_id=row.organization_id,
        id=row.id,
        created_at=row.created_at,
        person_id=about if caller.actor_type is ActorType.VISITOR else caller.person_id,
        ip_address=caller.ip_address,
        user_agent=caller.user_agent[:300] if caller.user_agent else None,
    )


def forget_person(session: Session, user_id: UUID) -> None:
    """Delete where a user acted from, in all organizations, in a session of theirs (`transactions.personal`)."""
    execute_later(session, delete(AuditOrigin).where(AuditOrigin.person_id == user_id))


def forget_visitors(session: Session, entity_ids: Sequence[UUID]) -> None:
    """Delete where visitors acted from upon these rows of the session's organization."""
    of_visitors = AuditLog.actor_type == ActorType.VISITOR, AuditLog.created_at > now() - ORIGINS_KEPT
    acts = select(AuditLog.id).where(AuditLog.entity_id.in_(entity_ids), *of_visitors)
    execute_later(session, delete(AuditOrigin).where(AuditOrigin.own(), AuditOrigin.id.in_(acts)))


def forget(session: Session) -> int:
    """Delete what is older than `ORIGINS_KEPT`, in a sweep: `FORGOTTEN_AT_ONCE` rows at most. Returns how many."""
    key = tuple_(AuditOrigin.organization_id, AuditOrigin.id)
    old = select(AuditOrigin.organization_id, AuditOrigin.id).where(AuditOrigin.created_at < now() - ORIGINS_KEPT)
    ended = delete(AuditOrigin).where(key.in_(old.limit(FORGOTTEN_AT_ONCE)))
    return int(session.execute(ended).rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
