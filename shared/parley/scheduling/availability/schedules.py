"""Schedules: when somebody can be met."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import pagination
from parley.kernel.persistence.pagination import Page
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values import clock
from parley.kernel.values.errors import Conflict, NotFound
from parley.scheduling.availability.schemas import (
    OverrideIn,
    OverrideRead,
    ScheduleCreate,
    ScheduleDetailRead,
    ScheduleRead,
    ScheduleUpdate,
    SlotIn,
    SlotRead,
)
from parley.scheduling.common import ownership, queries
from parley.scheduling.declared import SchedulingAction
from parley.scheduling.tables.event_type_models import EventType, EventTypeHost
from parley.scheduling.tables.schedule_models import ONE_DEFAULT, AvailabilityOverride, AvailabilitySchedule, AvailabilitySlot


class NoSuchSchedule(NotFound):
    """Absent, deleted, or another organization's."""

    def __init__(self) -> None:
        super().__init__("There is no such schedule.")


class DefaultTaken(Conflict):
    """Two schedules became the default at the same time."""

    def __init__(self) -> None:
        super().__init__("Another schedule has just become the default; ask again.")


class DefaultNeeded(Conflict):
    """Who has a default schedule keeps one: another one takes its place, or it is the last to go."""


class ScheduleInUse(Conflict):
    """Event types take their hours from it."""


def create_schedule(session: Session, caller: Caller, wanted: ScheduleCreate) -> ScheduleDetailRead:
    """A schedule of the caller's. A new default takes the place of the old one; the first schedule is one, whatever is said."""
    user_id = ownership.person(caller)
    is_default = wanted.is_default or session.scalar(_others(user_id, None).limit(1)) is None
    if wanted.is_default:
        _step_down(session, user_id)

    schedule = AvailabilitySchedule(user_id=user_id, name=wanted.name, timezone=wanted.timezone, is_default=is_default)
    slots, overrides = _slots(schedule.id, wanted.slots), _overrides(schedule.id, wanted.overrides)
    session.add_all([schedule, *slots, *overrides])
    with violation_means(ONE_DEFAULT, DefaultTaken()):
        session.flush()

    audit.record(
        session, caller, SchedulingAction.SCHEDULE_CREATED, schedule, new={"timezone": schedule.timezone, "is_default": schedule.is_default}
    )
    return _detail(schedule, slots, overrides)


def _others(user_id: UUID, but: UUID | None) -> Select[UUID]:
    others = select(AvailabilitySchedule.id).where(AvailabilitySchedule.user_id == user_id)
    return others if but is None else others.where(AvailabilitySchedule.id != but)


def _step_down(session: Session, user_id: UUID) -> None:
    default = update(AvailabilitySchedule).where(AvailabilitySchedule.user_id == user_id, AvailabilitySchedule.is_default)
    session.execute(default.values(is_default=False, updated_at=clock.now()))


def _slots(schedule_id: UUID, wanted: Sequence[SlotIn]) -> list[AvailabilitySlot]:
    return [AvailabilitySlot(schedule_id=schedule_id, **slot.model_dump()) for slot in wanted]


def _overrides(schedule_id: UUID, wanted: Sequence[OverrideIn]) -> list[AvailabilityOverride]:
    return [AvailabilityOverride(schedule_id=schedule_id, **override.model_dump()) for override in wanted]


def schedules(session: Session, *, cursor: str | None, limit: int, user_id: UUID | None = None) -> Page[ScheduleRead]:
    """The organization's or one person's, newest first."""
    chosen = select(AvailabilitySchedule)
    if user_id is not None:
        chosen = chosen.where(AvailabilitySchedule.user_id == user_id)
    rows, next_cursor = pagination.page(session, chosen, [AvailabilitySchedule.id], cursor=cursor, limit=limit)
    return Page(items=[ScheduleRead.model_validate(row) for row in rows], next_cursor=next_cursor)


def schedule(session: Session, schedule_id: UUID) -> ScheduleDetailRead:
    """Raises `NoSuchSchedule`."""
    row = queries.schedule(session, schedule_id)
    if row is None:
        raise NoSuchSchedule
    return _read(session, row)


def update_schedule(session: Session, caller: Caller, schedule_id: UUID, wanted: ScheduleUpdate) -> ScheduleDetailRead:
    """Change what is named. Raises `NoSuchSchedule`, `NotYours`, `DefaultNeeded`, `DefaultTaken`."""
    schedule_row = _own(session, caller, schedule_id)
    changes = wanted.changed_fields()
    slots, overrides = changes.pop("slots", None), changes.pop("overrides", None)
    old = {name: getattr(schedule_row, name) for name in ("timezone", "is_default")}
    if changes.get("is_default") is False and schedule_row.is_default:
        raise DefaultNeeded("Make another schedule the default; it takes this one's place.")
    if changes.get("is_default") and not schedule_row.is_default:
        _step_down(session, schedule_row.user_id)

    with violation_means(ONE_DEFAULT, DefaultTaken()):  # from here on: a statement flushes as well
        for name, value in changes.items():
            setattr(schedule_row, name, value)
        schedule_row.updated_at = clock.now()
        if slots is not None:
            session.execute(delete(AvailabilitySlot).where(AvailabilitySlot.schedule_id == schedule_id))
            session.add_all(_slots(schedule_id, slots))
        if overrides is not None:
            session.execute(delete(AvailabilityOverride).where(AvailabilityOverride.schedule_id == schedule_id))
            session.add_all(_overrides(schedule_id, overrides))
        session.flush()

    new = {"changed": sorted(wanted.model_fields_set), "timezone": schedule_row.timezone, "is_default": schedule_row.is_default}
    audit.record(session, caller, SchedulingAction.SCHEDULE_UPDATED, schedule_row, old=old, new=new)
    return _read(session, schedule_row)


def delete_schedule(session: Session, caller: Caller, schedule_id: UUID) -> None:
    """Put it away. Raises `NoSuchSchedule`, `NotYours`, `ScheduleInUse`, `DefaultNeeded`."""
    schedule_row = _own(session, caller, schedule_id)
    uses = select(EventType.id, EventType.name).where(
        or_(
            EventType.schedule_id == schedule_id,
            exists().where(EventTypeHost.event_type_id == EventType.id, EventTypeHost.schedule_id == schedule_id),
        )
    )
    if used := session.execute(uses.limit(10)).all():
        raise ScheduleInUse("Event types take their hours from this schedule.", event_type_ids=[str(row.id) for row in used])
    if schedule_row.is_default and session.scalar(_others(schedule_row.user_id, schedule_id).limit(1)) is not None:
        raise DefaultNeeded("Make another schedule the default first.")

    schedule_row.deleted_at, schedule_row.is_default = clock.now(), False
    audit.record(session, caller, SchedulingAction.SCHEDULE_DELETED, schedule_row)


def _own(session: Session, caller: Caller, schedule_id: UUID) -> AvailabilitySchedule:
    """Locked: who uses it for an event type waits (`in_use`), so that it is not deleted under a new event type."""
    query = select(AvailabilitySchedule).where(AvailabilitySchedule.id == schedule_id).with_for_update()
    schedule_row = session.scalars(query).one_or_none()
    if schedule_row is None:
        raise NoSuchSchedule
    ownership.check(session, caller, schedule_row.user_id)
    return schedule_row


def _read(session: Session, schedule_row: AvailabilitySchedule) -> ScheduleDetailRead:
    return _detail(schedule_row, queries.weekly_windows(session, schedule_row.id), queries.overrides(session, schedule_row.id))


def _detail(
    schedule: AvailabilitySchedule, slots: Sequence[AvailabilitySlot], overrides: Sequence[AvailabilityOverride]
) -> ScheduleDetailRead:
    return ScheduleDetailRead(
        **ScheduleRead.model_validate(schedule).model_dump(),
        slots=[SlotRead.model_validate(slot) for slot in slots],
        overrides=[OverrideRead.model_validate(override) for override in overrides],
    )
