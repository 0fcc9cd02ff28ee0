"""Schedules: when somebody can be met."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.kernel import audit, paging
from parley.kernel.callers import ActorType, Caller
from parley.kernel.errors import Conflict, Forbidden, NotFound
from parley.kernel.paging import Page
from parley.kernel.verdicts import violation_means
from parley.scheduling import queries
from parley.scheduling.models import ONE_DEFAULT, AvailabilityOverride, AvailabilitySchedule, AvailabilitySlot
from parley.scheduling.schemas import OverrideRead, ScheduleCreate, ScheduleDetailRead, ScheduleRead, SlotRead


class NoSuchSchedule(NotFound):
    """Absent, deleted, or another organization's."""

    def __init__(self) -> None:
        super().__init__("There is no such schedule.")


class DefaultTaken(Conflict):
    """Two schedules became the default at the same time."""


class PersonNeeded(Forbidden):
    """A host is a person, and the caller is none."""


def person(caller: Caller) -> UUID:
    """The user behind the caller. Raises `PersonNeeded`."""
    if caller.actor_type is not ActorType.USER or caller.actor_id is None:
        raise PersonNeeded("This makes something for the person who asks; log in as one.")
    return caller.actor_id


def create_schedule(session: Session, caller: Caller, wanted: ScheduleCreate) -> ScheduleDetailRead:
    """A schedule of the caller's. A new default takes the place of the old one."""
    mine = person(caller)
    if wanted.is_default:
        was_default = update(AvailabilitySchedule).where(AvailabilitySchedule.user_id == mine, AvailabilitySchedule.is_default)
        session.execute(was_default.values(is_default=False))

    schedule = AvailabilitySchedule(user_id=mine, name=wanted.name, timezone=wanted.timezone, is_default=wanted.is_default)
    slots = [AvailabilitySlot(schedule_id=schedule.id, **slot.model_dump()) for slot in wanted.slots]
    overrides = [AvailabilityOverride(schedule_id=schedule.id, **override.model_dump()) for override in wanted.overrides]
    session.add_all([schedule, *slots, *overrides])
    with violation_means(ONE_DEFAULT, DefaultTaken("Another schedule has just become the default; ask again.")):
        session.flush()

    audit.record(session, caller, "schedule.created", schedule, new={"timezone": schedule.timezone, "is_default": schedule.is_default})
    return _detail(schedule, slots, overrides)


def schedules(session: Session, caller: Caller, *, cursor: str | None, limit: int) -> Page[ScheduleRead]:
    """The organization's, newest first."""
    rows, next_cursor = paging.page(session, select(AvailabilitySchedule), [AvailabilitySchedule.id], cursor=cursor, limit=limit)
    return Page(items=[ScheduleRead.model_validate(row) for row in rows], next_cursor=next_cursor)


def schedule(session: Session, caller: Caller, schedule_id: UUID) -> ScheduleDetailRead:
    """Raises `NoSuchSchedule`."""
    found = queries.schedule(session, schedule_id)
    if found is None:
        raise NoSuchSchedule
    return _detail(found, queries.weekly_windows(session, schedule_id), queries.overrides(session, schedule_id))


def _detail(
    schedule: AvailabilitySchedule, slots: Sequence[AvailabilitySlot], overrides: Sequence[AvailabilityOverride]
) -> ScheduleDetailRead:
    return ScheduleDetailRead(
        **ScheduleRead.model_validate(schedule).model_dump(),
        slots=[SlotRead.model_validate(slot) for slot in slots],
        overrides=[OverrideRead.model_validate(override) for override in overrides],
    )
