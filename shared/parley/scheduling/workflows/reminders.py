"""What is due of timed workflows: rows that follow bookings and workflows, whichever changes.

A row is made from how booking and workflow stand now, so events may come twice and in any order. What a row says is looked at again when it
is sent: a row that is wrong sends nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, delete, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.kernel.persistence.sweep_retries import Due
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.ids import new_id
from parley.scheduling.common.scheduling_fields import DAY_MINUTES
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.enums import TIMED_TRIGGERS, BookingStatus, WorkflowTrigger
from parley.scheduling.tables.event_type_models import EventType
from parley.scheduling.tables.workflow_models import Reminder, Workflow

# Bookings that one step of a workflow's change sees to, and rows that one step takes away.
STEP, PORTION = 500, 5000
CERTAIN = (BookingStatus.CONFIRMED, BookingStatus.COMPLETED)
_EXPECTED: tuple[BookingStatus, ...] = (BookingStatus.CONFIRMED,)
_LONGEST = timedelta(minutes=DAY_MINUTES)
_QUIETLY = {"synchronize_session": False}

Place = tuple[datetime, UUID]
"""Start and id of the last booking that was seen to."""


def due_at(workflow: Workflow, booking: Booking) -> datetime | None:
    """When a timed workflow is due for a booking; None when it never is, as things stand. A request is not reminded of."""
    if workflow.trigger is WorkflowTrigger.BEFORE_MEETING and booking.status in _EXPECTED:
        return booking.start_time - timedelta(minutes=workflow.minutes_before or 0)
    if workflow.trigger is WorkflowTrigger.AFTER_MEETING and booking.status in CERTAIN:
        return booking.end_time + timedelta(minutes=workflow.minutes_after or 0)
    return None


def is_for(workflow: Workflow, event_type: EventType) -> bool:
    """Whether it is for bookings of the event type."""
    if workflow.event_type_id is not None:
        return workflow.event_type_id == event_type.id
    return workflow.is_organization_wide or workflow.user_id == event_type.user_id


def active_workflows(session: Session, event_type: EventType, *triggers: WorkflowTrigger) -> Sequence[Workflow]:
    """Workflows that are on, for bookings of the event type. One query."""
    is_wide = Workflow.is_organization_wide | (Workflow.user_id == event_type.user_id)
    condition: ColumnElement[bool] = or_(Workflow.event_type_id == event_type.id, Workflow.event_type_id.is_(None) & is_wide)
    chosen = select(Workflow).where(condition, Workflow.is_active, Workflow.trigger.in_(triggers)).order_by(Workflow.id)
    return session.scalars(chosen, execution_options={"populate_existing": True}).all()


def follow_booking(session: Session, booking_id: UUID, since: datetime) -> None:
    """Make what is due of a booking, move it, and take away what is not any more. What was due by `since` is another event's business."""
    row = session.execute(
        select(Booking, EventType).join(EventType, EventType.id == Booking.event_type_id).where(Booking.id == booking_id),
        execution_options={"with_deleted": True, "populate_existing": True},
    ).one_or_none()
    if row is None:
        return
    booking, event_type = row
    due = {
        workflow: moment
        for workflow in active_workflows(session, event_type, *TIMED_TRIGGERS)
        if (moment := due_at(workflow, booking)) is not None
    }
    stale = delete(Reminder).where(Reminder.booking_id == booking_id)
    if due:
        stale = stale.where(
            tuple_(Reminder.workflow_id, Reminder.due_at).not_in([(workflow.id, moment) for workflow, moment in due.items()])
        )
    session.execute(stale, execution_options=_QUIETLY)
    coming = {workflow: moment for workflow, moment in due.items() if moment > max(since, workflow.effective_from)}
    _upsert(session, [_row(session, workflow.id, booking_id, moment, workflow.revision) for workflow, moment in coming.items()])


def _row(session: Session, workflow_id: UUID, booking_id: UUID, due: datetime, revision: int) -> dict[str, Any]:
    organization_id = session.info["caller"].organization_id
    identity = {"organization_id": organization_id, "id": new_id(), "workflow_id": workflow_id, "booking_id": booking_id}
    return identity | {"due_at": due, "revision": revision, "queued_at": None}


def _upsert(session: Session, rows: list[dict[str, Any]]) -> None:
    """A row that is due at another time now waits for it; one that is due as before stays, queued or not. The later revision wins."""
    if not rows:
        return
    fresh = insert(Reminder).values(rows)
    is_moved = Reminder.due_at != fresh.excluded.due_at
    values = {"due_at": fresh.excluded.due_at, "revision": fresh.excluded.revision}
    moved = values | {"queued_at": case((is_moved, None), else_=Reminder.queued_at)}
    is_later = (Reminder.revision < fresh.excluded.revision) | ((Reminder.revision == fresh.excluded.revision) & is_moved)
    key = ["organization_id", "workflow_id", "booking_id"]
    session.execute(fresh.on_conflict_do_update(index_elements=key, set_=moved, where=is_later))


def follow_workflow(session: Session, workflow_id: UUID, revision: int, after: Place | None) -> Place | None:
    """One step of a workflow's change through the bookings that are there, by their start. Returns where the next step begins.

    None when all was seen to, and the rest is for `prune`. A workflow that has changed again, or is off, has nothing to be seen to: the
    later change has steps of its own.
    """
    workflow = session.scalars(select(Workflow).where(Workflow.id == workflow_id)).one_or_none()
    if workflow is None or workflow.revision != revision or workflow.trigger not in TIMED_TRIGGERS or not workflow.is_active:
        return None
    rows = session.execute(_concerned(workflow, after)).all()
    _upsert(session, [_row(session, workflow_id, row.id, row.due, revision) for row in rows if row.due > workflow.effective_from])
    return (rows[-1].start_time, rows[-1].id) if len(rows) == STEP else None


def _concerned(workflow: Workflow, after: Place | None) -> Select[Any]:
    """Bookings that may have it before them: id, start, and when it is due. Along the index of starts."""
    due: ColumnElement[datetime]
    if workflow.trigger is WorkflowTrigger.BEFORE_MEETING:
        by = timedelta(minutes=workflow.minutes_before or 0)
        due, earliest, statuses = Booking.start_time - by, workflow.effective_from + by, _EXPECTED
    else:
        by = timedelta(minutes=workflow.minutes_after or 0)
        due, earliest, statuses = Booking.end_time + by, workflow.effective_from - by - _LONGEST, CERTAIN
    columns: Any = (Booking.id, Booking.start_time, due.label("due"))
    chosen: Select[Any] = select(*columns).where(
        Booking.start_time > earliest,
        Booking.status.in_(statuses),
        due > Booking.confirmed_at,  # who books later than that needs none
    )
    if workflow.event_type_id is not None:
        chosen = chosen.where(Booking.event_type_id == workflow.event_type_id)
    elif not workflow.is_organization_wide:
        query = select(EventType.__table__.c.id).where(EventType.__table__.c.user_id == workflow.user_id)
        chosen = chosen.where(Booking.event_type_id.in_(query))
    if after is not None:
        chosen = chosen.where(tuple_(Booking.start_time, Booking.id) > tuple_(*after))
    return chosen.order_by(Booking.start_time, Booking.id).limit(STEP)


def prune(session: Session, workflow_id: UUID) -> bool:
    """Take away a portion of the rows of an earlier revision of a workflow, or of one that is off. Returns whether there may be more."""
    live = select(Workflow).where(Workflow.id == workflow_id, Workflow.is_active, Workflow.trigger.in_(TIMED_TRIGGERS))
    workflow = session.scalars(live, execution_options={"populate_existing": True}).one_or_none()
    stale = select(Reminder.id).where(Reminder.workflow_id == workflow_id)
    if workflow is not None:
        stale = stale.where(Reminder.revision < workflow.revision)
    statement = delete(Reminder).where(Reminder.id.in_(stale.limit(PORTION).with_for_update(skip_locked=True)))
    count: int = session.execute(statement, execution_options=_QUIETLY).rowcount  # type: ignore[attr-defined]  # a DELETE's result has it
    return count == PORTION


def take_due(session: Session, at: datetime, most: int) -> Sequence[tuple[UUID, UUID]]:
    """Take what is due, in a sweep: organizations and ids. Two sweeps at once take different rows.

    Along the index of what waits: what is due later costs nothing, however much it is.
    """
    rows = [(row[0], row[1]) for row in session.execute(due_reminders(at).limit(most).with_for_update(skip_locked=True))]
    mark_queued(session, rows, at)
    return rows


def due_reminders(at: datetime | ColumnElement[datetime]) -> Due:
    """What is due and in nobody's queue."""
    late = (Reminder.queued_at.is_(None), Reminder.due_at <= at)
    return select(Reminder.organization_id, Reminder.id).where(*late).order_by(Reminder.due_at)


def mark_queued(session: Session, rows: Sequence[tuple[UUID, UUID]], at: datetime) -> None:
    """These are in the queue. It travels with the next statement."""
    if rows:
        execute_later(session, update(Reminder).where(tuple_(Reminder.organization_id, Reminder.id).in_(rows)).values(queued_at=at))


def delete_reminder(session: Session, reminder_id: UUID) -> None:
    """It was seen to."""
    session.execute(delete(Reminder).where(Reminder.id == reminder_id), execution_options=_QUIETLY)


def postpone(session: Session, reminder_id: UUID, due: datetime) -> None:
    """It is due later than its row said."""
    session.execute(update(Reminder).where(Reminder.id == reminder_id).values(due_at=due, queued_at=None), execution_options=_QUIETLY)
