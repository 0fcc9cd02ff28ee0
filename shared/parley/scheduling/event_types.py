"""Event types: what can be booked with somebody, and on which terms."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.kernel import audit, clock, directory, paging
from parley.kernel.callers import Caller
from parley.kernel.directory import Kind
from parley.kernel.errors import Conflict, NotFound, Unprocessable
from parley.kernel.paging import Page
from parley.kernel.verdicts import violation_means
from parley.scheduling import queries
from parley.scheduling.availability import Host, open_slots
from parley.scheduling.models import ONE_SLUG, EventType, Question
from parley.scheduling.schedules import NoSuchSchedule, person
from parley.scheduling.schemas import (
    EventTypeCreate,
    EventTypeDetailRead,
    EventTypePageRead,
    EventTypeRead,
    OpenSlotRead,
    OpenSlotsRead,
    QuestionRead,
)

LONGEST_RANGE = timedelta(days=62)


class NoSuchEventType(NotFound):
    """Absent, deleted, another organization's, or, for strangers, not active."""

    def __init__(self) -> None:
        super().__init__("There is no such event type.")


class SlugTaken(Conflict):
    """The caller has another event type with this slug."""


class BadRange(Unprocessable):
    """The range of instants is empty, runs backwards, or is too long."""


def organization_of(event_type_id: UUID) -> UUID:
    """Whose event type this is, for a stranger who knows nothing but its id. Raises `NoSuchEventType`."""
    found = directory.organization_of(Kind.EVENT_TYPE, str(event_type_id))
    if found is None:
        raise NoSuchEventType
    return found


def create_event_type(session: Session, caller: Caller, wanted: EventTypeCreate) -> EventTypeDetailRead:
    """An event type with the caller as its host, on one of the caller's own schedules."""
    mine = person(caller)
    schedule = queries.schedule(session, wanted.schedule_id)
    if schedule is None or schedule.user_id != mine:
        raise NoSuchSchedule

    event_type = EventType(user_id=mine, **wanted.model_dump(exclude={"questions"}))
    questions = [
        Question(event_type_id=event_type.id, position=position, **question.model_dump())
        for position, question in enumerate(wanted.questions)
    ]
    session.add_all([event_type, *questions])
    directory.enter(session, Kind.EVENT_TYPE, str(event_type.id))
    with violation_means(ONE_SLUG, SlugTaken("You have another event type with this slug; choose another.")):
        session.flush()

    terms = wanted.model_dump(mode="json", include={"schedule_id", "kind", "duration", "slot_interval", "is_active"})
    audit.record(session, caller, "event_type.created", event_type, new=terms)
    return _detail(event_type, questions)


def event_types(session: Session, caller: Caller, *, cursor: str | None, limit: int) -> Page[EventTypeRead]:
    """The organization's, newest first."""
    rows, next_cursor = paging.page(session, select(EventType), [EventType.id], cursor=cursor, limit=limit)
    return Page(items=[EventTypeRead.model_validate(row) for row in rows], next_cursor=next_cursor)


def event_type(session: Session, caller: Caller, event_type_id: UUID) -> EventTypeDetailRead:
    """Raises `NoSuchEventType`."""
    found = queries.event_type(session, event_type_id)
    if found is None:
        raise NoSuchEventType
    return _detail(found, queries.questions(session, event_type_id))


def page(session: Session, event_type_id: UUID) -> EventTypePageRead:
    """What anybody may see of an active event type. Raises `NoSuchEventType`."""
    found = queries.public_event_type(session, event_type_id)
    if found is None:
        raise NoSuchEventType
    row, timezone, host_name, organization_name = found
    return EventTypePageRead(
        **{name: getattr(row, name) for name in ("id", "name", "description", "kind", "duration", "location_type", "color")},
        timezone=timezone,
        host_name=host_name,
        organization_name=organization_name,
        questions=[QuestionRead.model_validate(question) for question in queries.questions(session, event_type_id)],
    )


def check_range(from_: datetime, to: datetime) -> None:
    """Raises `BadRange`."""
    if not timedelta() < to - from_ <= LONGEST_RANGE:
        raise BadRange(f"`to` lies after `from`, by {LONGEST_RANGE.days} days at most; ask for a longer range in parts.")


def slots(session: Session, event_type_id: UUID, from_: datetime, to: datetime, timezone: str | None) -> OpenSlotsRead:
    """The open slots that start in `[from_, to)`, for anybody. Two queries, however long the range. Raises `NoSuchEventType`."""
    offer = queries.offer(session, event_type_id)
    if offer is None:
        raise NoSuchEventType
    busy, counted = queries.taken(session, offer, from_, to)
    host = Host(offer.event_type.user_id, offer.hours, busy)
    found = open_slots(offer.terms, [host], from_=from_, to=to, now=clock.now(), counted=counted)
    return OpenSlotsRead(
        timezone=timezone or offer.hours.timezone, slots=[OpenSlotRead(start_time=slot.start, end_time=slot.end) for slot in found]
    )


def _detail(event_type: EventType, questions: Sequence[Question]) -> EventTypeDetailRead:
    return EventTypeDetailRead(
        **EventTypeRead.model_validate(event_type).model_dump(), questions=[QuestionRead.model_validate(question) for question in questions]
    )
