"""Event types: what can be booked with whom, and on which terms."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory, pagination
from parley.kernel.persistence.pagination import Page
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values import clock
from parley.kernel.values.errors import Conflict, Unprocessable
from parley.scheduling.availability.inputs import BookableEventType, NoSuchEventType, bookable_event_type
from parley.scheduling.availability.schedules import NoSuchSchedule
from parley.scheduling.common import ownership, queries
from parley.scheduling.declared import SchedulingAction, SchedulingDirectory
from parley.scheduling.event_types import question_rows
from parley.scheduling.event_types.schemas import (
    EventTypeCreate,
    EventTypeDetailRead,
    EventTypePageRead,
    EventTypeRead,
    EventTypeUpdate,
    HostIn,
    HostRead,
    PublicHostRead,
    QuestionRead,
    horizon,
    misfit,
)
from parley.scheduling.tables.event_type_models import ONE_SLUG, EventType, EventTypeHost, Question
from parley.scheduling.tables.round_robin_models import RoundRobinPool

_TERMS = {"schedule_id", "kind", "duration", "slot_interval", "is_active"}
_HORIZON = ("horizon_kind", "horizon_days", "horizon_until")


class EventTypeSlugTaken(Conflict):
    """The host has another event type with this slug."""

    def __init__(self) -> None:
        super().__init__("You have another event type with this slug; choose another.")


class PoolNotThere(Unprocessable):
    """The pool is not there."""


class MisfitTerms(Unprocessable):
    """Terms that the event type's kind does not have, or has to have."""


def organization_of(event_type_id: UUID) -> UUID:
    """Whose event type this is, for a stranger who knows nothing but its id. Raises `NoSuchEventType`."""
    organization_id = directory.organization_of(SchedulingDirectory.EVENT_TYPE, str(event_type_id))
    if organization_id is None:
        raise NoSuchEventType
    return organization_id


def create_event_type(session: Session, caller: Caller, wanted: EventTypeCreate) -> EventTypeDetailRead:
    """An event type of the caller's, on one of the caller's own schedules.

    Raises `NoSuchSchedule`, `PoolNotThere`, `NotAHost`, `TeamNotThere`, `EventTypeSlugTaken`.
    """
    user_id = ownership.person(caller)
    _check_parts(session, user_id, wanted.schedule_id, wanted.pool_id, wanted.team_id, wanted.hosts)

    event_type = EventType(user_id=user_id, **wanted.model_dump(exclude={"questions", "hosts"}))
    questions = question_rows.new_questions(wanted.questions, event_type_id=event_type.id)
    hosts = _hosts(event_type.id, wanted.hosts)
    session.add_all([event_type, *questions, *hosts])
    directory.enter(session, SchedulingDirectory.EVENT_TYPE, str(event_type.id))
    with violation_means(ONE_SLUG, EventTypeSlugTaken()):
        session.flush()

    audit.record(session, caller, SchedulingAction.EVENT_TYPE_CREATED, event_type, new=wanted.model_dump(mode="json", include=_TERMS))
    return _detail(event_type, hosts, questions)


def _check_parts(
    session: Session,
    owner: UUID,
    schedule_id: UUID | None,
    pool_id: UUID | None,
    team_id: UUID | None,
    hosts: Sequence[HostIn],
) -> None:
    """What an event type points to is there, and is whose it has to be."""
    if schedule_id is not None:
        schedule = queries.schedule(session, schedule_id, to_use=True)
        if schedule is None or schedule.user_id != owner:
            raise NoSuchSchedule
    if pool_id is not None and session.scalar(_pool(pool_id)) is None:
        raise PoolNotThere("There is no such pool.")
    ownership.check_team(session, team_id)
    if not hosts:
        return
    ownership.check_hosts(session, [host.user_id for host in hosts])
    for host in hosts:
        if host.schedule_id is not None:
            schedule = queries.schedule(session, host.schedule_id, to_use=True)
            if schedule is None or schedule.user_id != host.user_id:
                raise NoSuchSchedule


def _pool(pool_id: UUID) -> Any:
    return select(RoundRobinPool.id).where(RoundRobinPool.id == pool_id).with_for_update(read=True)


def _hosts(event_type_id: UUID, hosts: Sequence[HostIn]) -> list[EventTypeHost]:
    return [EventTypeHost(event_type_id=event_type_id, position=position, **host.model_dump()) for position, host in enumerate(hosts)]


def event_types(
    session: Session,
    *,
    cursor: str | None,
    limit: int,
    user_id: UUID | None = None,
    team_id: UUID | None = None,
) -> Page[EventTypeRead]:
    """The organization's, a person's or a team's, newest first."""
    chosen = select(EventType)
    if user_id is not None:
        chosen = chosen.where(EventType.user_id == user_id)
    if team_id is not None:
        chosen = chosen.where(EventType.team_id == team_id)
    rows, next_cursor = pagination.page(session, chosen, [EventType.id], cursor=cursor, limit=limit)
    return Page(items=[EventTypeRead.model_validate(row) for row in rows], next_cursor=next_cursor)


def event_type(session: Session, event_type_id: UUID) -> EventTypeDetailRead:
    """Raises `NoSuchEventType`."""
    row = queries.event_type(session, event_type_id)
    if row is None:
        raise NoSuchEventType
    return _detail(row, queries.hosts(session, event_type_id), queries.questions(session, event_type_id))


def update_event_type(session: Session, caller: Caller, event_type_id: UUID, wanted: EventTypeUpdate) -> EventTypeDetailRead:
    """Change what is named; bookings that are there keep their time. Who is booking at this moment is let go first.

    Raises `NoSuchEventType`, `NotYours`, `MisfitTerms`, and what `create_event_type` raises.
    """
    event_type_row = _own(session, caller, event_type_id)
    changes = wanted.changed_fields()
    hosts, questions = changes.pop("hosts", None), changes.pop("questions", None)
    _check_parts(session, event_type_row.user_id, wanted.schedule_id, wanted.pool_id, wanted.team_id, wanted.hosts or ())
    before = queries.hosts(session, event_type_id)
    capacity, least = (changes.get(name, getattr(event_type_row, name)) for name in ("capacity", "min_capacity"))
    count = len(before) if hosts is None else len(hosts)
    if wrong := misfit(event_type_row.kind, capacity, least, changes.get("pool_id", event_type_row.pool_id), count):
        raise MisfitTerms(f"{wrong}.")
    changes |= _horizon(changes)

    old = {name: getattr(event_type_row, name) for name in ("duration", "slot_interval", "is_active")}
    with violation_means(ONE_SLUG, EventTypeSlugTaken()):  # from here on: a query flushes as well
        for name, value in changes.items():
            setattr(event_type_row, name, value)
        event_type_row.updated_at = clock.now()
        if hosts is not None:
            for row in before:
                session.delete(row)
            session.flush()
            before = _hosts(event_type_id, hosts)
            session.add_all(before)
        kept: Sequence[Question] = queries.questions(session, event_type_id)
        if questions is not None:
            kept = question_rows.change_questions(session, kept, questions, event_type_id=event_type_id)
        session.flush()

    new = {name: getattr(event_type_row, name) for name in old} | {"changed": sorted(wanted.model_fields_set)}
    audit.record(session, caller, SchedulingAction.EVENT_TYPE_UPDATED, event_type_row, old=old, new=new)
    return _detail(event_type_row, before, kept)


def _horizon(changes: dict[str, Any]) -> dict[str, Any]:
    """The horizon in the place of the old one, where anything is said about it. Raises `MisfitTerms`."""
    if not changes.keys() & set(_HORIZON):
        return {}
    try:
        return dict(zip(_HORIZON, horizon(*(changes.get(name) for name in _HORIZON)), strict=True))
    except ValueError as error:
        raise MisfitTerms(f"{error}.") from None


def delete_event_type(session: Session, caller: Caller, event_type_id: UUID) -> None:
    """Nobody can book it any more; bookings that are there stay. Raises `NoSuchEventType`, `NotYours`."""
    event_type_row = _own(session, caller, event_type_id)
    event_type_row.deleted_at = clock.now()
    audit.record(session, caller, SchedulingAction.EVENT_TYPE_DELETED, event_type_row)


def _own(session: Session, caller: Caller, event_type_id: UUID) -> EventType:
    """Locked as a booking locks it."""
    query = select(EventType).where(EventType.id == event_type_id).with_for_update(key_share=True)
    event_type_row = session.scalars(query).one_or_none()
    if event_type_row is None:
        raise NoSuchEventType
    ownership.check(session, caller, event_type_row.user_id)
    return event_type_row


def page(session: Session, event_type_id: UUID) -> EventTypePageRead:
    """What anybody may see of an active event type. Raises `NoSuchEventType`."""
    offer = bookable_event_type(session, event_type_id)
    if offer is None:
        raise NoSuchEventType
    row = offer.event_type
    same = select(EventType.id).where(EventType.slug == row.slug, EventType.is_active).order_by(EventType.id).limit(1)
    return _page(offer, offer.brand.address(row.slug, None if session.scalar(same) == row.id else str(row.user_id)))


def _page(offer: BookableEventType, url: str) -> EventTypePageRead:
    row = offer.event_type
    shown = ("id", "name", "slug", "description", "kind", "duration", "location_type", "capacity", "color")
    asking_for = ("requires_confirmation", "requires_address_proof")
    return EventTypePageRead(
        **{name: getattr(row, name) for name in (*shown, *asking_for)},
        timezone=offer.timezone,
        host_name=offer.places[0].name,
        hosts=[PublicHostRead(id=host_schedule.user_id, name=host_schedule.name) for host_schedule in offer.places],
        organization_name=offer.organization_name,
        url=url,
        questions=[
            QuestionRead(
                id=question.id,
                position=question.position,
                label=question.label,
                type=question.type,
                required=question.required,
                placeholder=question.placeholder,
                options=question.options,
            )
            for question in offer.questions
        ],
    )


def _detail(event_type: EventType, hosts: Sequence[EventTypeHost], questions: Sequence[Question]) -> EventTypeDetailRead:
    return EventTypeDetailRead(
        **EventTypeRead.model_validate(event_type).model_dump(),
        hosts=[HostRead.model_validate(host) for host in hosts],
        questions=[QuestionRead.model_validate(question) for question in questions],
    )
