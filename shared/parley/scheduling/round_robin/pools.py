"""Round-robin pools: who shares bookings, and by which rule.

A pool is theirs whose event types take their hosts from it: where a colleague's do, administrators alone change it. One that nobody uses
is anybody's.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.roles import member_rights
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import pagination
from parley.kernel.persistence.pagination import Page
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values import clock
from parley.kernel.values.errors import Conflict, NotFound
from parley.scheduling.common import ownership
from parley.scheduling.declared import SchedulingAction
from parley.scheduling.round_robin.schemas import AssignmentIn, AssignmentRead, PoolCreate, PoolDetailRead, PoolRead, PoolUpdate
from parley.scheduling.tables.event_type_models import EventType
from parley.scheduling.tables.round_robin_models import ONE_PLACE, RoundRobinAssignment, RoundRobinPool


class NoSuchPool(NotFound):
    """Absent, deleted, or another organization's."""

    def __init__(self) -> None:
        super().__init__("There is no such pool.")


class PoolInUse(Conflict):
    """Event types take their hosts from it."""


class PoolChanged(Conflict):
    """Two changed the pool's hosts at once."""

    def __init__(self) -> None:
        super().__init__("Somebody else has just changed this pool; look at it again.")


def create_pool(session: Session, caller: Caller, wanted: PoolCreate) -> PoolDetailRead:
    """A pool of members of the organization. Raises `NotAHost`, `TeamNotThere`."""
    ownership.check_team(session, wanted.team_id)
    ownership.check_hosts(session, [host.user_id for host in wanted.hosts])
    pool = RoundRobinPool(name=wanted.name, strategy=wanted.strategy, team_id=wanted.team_id)
    places = [_place(pool.id, position, host) for position, host in enumerate(wanted.hosts)]
    session.add_all([pool, *places])
    audit.record(session, caller, SchedulingAction.POOL_CREATED, pool, new={"strategy": pool.strategy.value, "hosts": len(places)})
    return _detail(pool, places)


def _place(pool_id: UUID, position: int, host: AssignmentIn) -> RoundRobinAssignment:
    return RoundRobinAssignment(pool_id=pool_id, position=position, **host.model_dump())


def pools(session: Session, *, cursor: str | None, limit: int) -> Page[PoolRead]:
    """The organization's, newest first."""
    rows, next_cursor = pagination.page(session, select(RoundRobinPool), [RoundRobinPool.id], cursor=cursor, limit=limit)
    return Page(items=[PoolRead.model_validate(row) for row in rows], next_cursor=next_cursor)


def pool(session: Session, pool_id: UUID) -> PoolDetailRead:
    """Raises `NoSuchPool`."""
    row = session.scalars(select(RoundRobinPool).where(RoundRobinPool.id == pool_id)).one_or_none()
    if row is None:
        raise NoSuchPool
    return _detail(row, _places(session, pool_id))


def _places(session: Session, pool_id: UUID) -> Sequence[RoundRobinAssignment]:
    ordered = select(RoundRobinAssignment).order_by(RoundRobinAssignment.position, RoundRobinAssignment.id)
    return session.scalars(ordered.where(RoundRobinAssignment.pool_id == pool_id)).all()


def update_pool(session: Session, caller: Caller, pool_id: UUID, wanted: PoolUpdate) -> PoolDetailRead:
    """Change what is named. A host who stays keeps count and turn; one who comes begins at nought.

    Raises `NoSuchPool`, `NotYours`, `NotAHost`, `TeamNotThere`, `PoolChanged`.
    """
    pool_row = _own(session, caller, pool_id)
    changes = wanted.changed_fields()
    hosts: Sequence[AssignmentIn] | None = changes.pop("hosts", None)
    ownership.check_team(session, wanted.team_id)
    for name, value in changes.items():
        setattr(pool_row, name, value)
    pool_row.updated_at = clock.now()
    places = _places(session, pool_id)
    if hosts is not None:
        places = _replace(session, pool_id, places, hosts)
    with violation_means(ONE_PLACE, PoolChanged()):
        session.flush()
    new = {"changed": sorted(wanted.model_fields_set), "strategy": pool_row.strategy.value, "hosts": len(places)}
    audit.record(session, caller, SchedulingAction.POOL_UPDATED, pool_row, new=new)
    return _detail(pool_row, places)


def _replace(
    session: Session, pool_id: UUID, assignments: Sequence[RoundRobinAssignment], wanted: Sequence[AssignmentIn]
) -> list[RoundRobinAssignment]:
    by_user = {assignment.user_id: assignment for assignment in assignments}
    ownership.check_hosts(session, [host.user_id for host in wanted if host.user_id not in by_user])
    kept: list[RoundRobinAssignment] = []
    for position, host in enumerate(wanted):
        assignment = by_user.pop(host.user_id, None)
        if assignment is None:
            assignment = _place(pool_id, position, host)
            session.add(assignment)
        else:
            assignment.position, assignment.weight, assignment.priority = position, host.weight, host.priority
        kept.append(assignment)
    for leftover in by_user.values():
        session.delete(leftover)
    return kept


def delete_pool(session: Session, caller: Caller, pool_id: UUID) -> None:
    """Put it away. Raises `NoSuchPool`, `NotYours`, `PoolInUse`."""
    pool_row = _own(session, caller, pool_id)
    uses = select(EventType.id).where(EventType.pool_id == pool_id).limit(10)
    if used := session.scalars(uses).all():
        raise PoolInUse("Event types take their hosts from this pool.", event_type_ids=[str(event_type_id) for event_type_id in used])
    pool_row.deleted_at = clock.now()
    audit.record(session, caller, SchedulingAction.POOL_DELETED, pool_row)


def _own(session: Session, caller: Caller, pool_id: UUID) -> RoundRobinPool:
    """Locked: of two who change it, one waits; and no event type begins to use what is being changed or deleted."""
    pool_row = session.scalars(select(RoundRobinPool).where(RoundRobinPool.id == pool_id).with_for_update()).one_or_none()
    if pool_row is None:
        raise NoSuchPool
    users = select(EventType.user_id).where(EventType.pool_id == pool_id, EventType.user_id != caller.person_id).limit(1)
    if not member_rights.administers(session, caller) and session.scalar(users) is not None:
        raise ownership.NotYours("Colleagues' event types take their hosts from this pool; ask an administrator.")
    return pool_row


def _detail(pool: RoundRobinPool, places: Sequence[RoundRobinAssignment]) -> PoolDetailRead:
    hosts = [AssignmentRead.model_validate(assignment) for assignment in places]
    return PoolDetailRead(**PoolRead.model_validate(pool).model_dump(), hosts=hosts)
