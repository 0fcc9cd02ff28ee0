"""A routing form with all that belongs to it, in one statement."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, func, or_, select
from sqlalchemy.orm import Session

from parley.identity.models import Organization, User
from parley.scheduling.availability.inputs import BookingQuestion
from parley.scheduling.tables.enums import RoutingOperator, RoutingTrouble
from parley.scheduling.tables.event_type_models import EventType, Question
from parley.scheduling.tables.routing_models import RoutingCondition, RoutingForm, RoutingRule, RoutingSubmission


@dataclass(frozen=True, slots=True)
class Condition:
    question_id: UUID
    operator: RoutingOperator
    value: Any


@dataclass(frozen=True, slots=True)
class Rule:
    """Leads to the event type when all of the conditions hold. There is one at least."""

    id: UUID
    position: int
    event_type_id: UUID
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class RoutingTarget:
    """An event type that a form points to, deleted or not. `host` is the username of who answers for it."""

    id: UUID
    name: str
    slug: str
    host: str | None
    trouble: RoutingTrouble | None


@dataclass(frozen=True, slots=True)
class RoutingFormContents:
    """A form, its questions and rules in their order, and the event types that it points to."""

    form: RoutingForm
    organization_name: str
    organization_slug: str
    questions: list[BookingQuestion]
    rules: list[Rule]
    targets: dict[UUID, RoutingTarget]


def form(
    session: Session, form_id: UUID | None = None, slug: str | None = None, *, only_active: bool = False, to_change: bool = False
) -> RoutingFormContents | None:
    """By its id, or by its slug. `to_change` locks the form until the transaction ends: of two who change it, one waits."""
    of_form, of_rule = RoutingRule.form_id == RoutingForm.id, RoutingCondition.rule_id == RoutingRule.id
    question_columns = (
        Question.position,
        Question.id,
        Question.label,
        Question.type,
        Question.required,
        Question.options,
        Question.placeholder,
    )
    compared = (RoutingRule.question_id, RoutingRule.operator, RoutingRule.value)
    beside = (RoutingCondition.position, RoutingCondition.question_id, RoutingCondition.operator, RoutingCondition.value)
    also = select(func.jsonb_agg(func.jsonb_build_array(*beside))).where(of_rule).scalar_subquery()
    rule = (RoutingRule.position, RoutingRule.id, RoutingRule.event_type_id, *compared, also)
    statement = select(
        RoutingForm,
        Organization.name,
        Organization.slug,
        select(func.jsonb_agg(func.jsonb_build_array(*question_columns))).where(Question.form_id == RoutingForm.id).scalar_subquery(),
        select(func.jsonb_agg(func.jsonb_build_array(*rule))).where(of_form).scalar_subquery(),
        _targets(),
    ).join(Organization, Organization.id == RoutingForm.organization_id)
    statement = statement.where(RoutingForm.id == form_id if slug is None else RoutingForm.slug == slug)
    if only_active:
        statement = statement.where(RoutingForm.is_active)
    if to_change:
        statement = statement.with_for_update(of=RoutingForm)
    form_row = session.execute(statement, execution_options={"populate_existing": True}).one_or_none()
    if form_row is None:
        return None
    row, organization_name, slug, questions, rules, targets = form_row
    return RoutingFormContents(
        row,
        organization_name,
        slug,
        [
            BookingQuestion.of(*question)
            for question in sorted(questions or (), key=lambda question_row: (question_row[0], question_row[1]))
        ],
        [_rule(*rule_row) for rule_row in sorted(rules or (), key=lambda rule_row: (rule_row[0], rule_row[1]))],
        {target.id: target for target in _found(targets or ())},
    )


def _targets() -> Any:
    """The table itself is asked: it shows what was deleted, too."""
    event_types = EventType.__table__.c
    of_rules = select(RoutingRule.event_type_id).where(RoutingRule.form_id == RoutingForm.id).correlate(RoutingForm)
    columns = func.jsonb_build_array(
        event_types.id, event_types.name, event_types.slug, User.username, event_types.is_active, event_types.deleted_at.is_not(None)
    )
    pointed_to = or_(event_types.id == RoutingForm.fallback_event_type_id, event_types.id.in_(of_rules))
    gathered = select(func.jsonb_agg(columns)).select_from(EventType.__table__).outerjoin(User, User.id == event_types.user_id)
    return gathered.where(pointed_to).correlate(RoutingForm).scalar_subquery()


def targets(session: Session, ids: Sequence[UUID]) -> dict[UUID, RoutingTarget]:
    """Event types that a form may point to: those that are not deleted."""
    if not ids:
        return {}
    shown = select(EventType.id, EventType.name, EventType.slug, User.username, EventType.is_active, EventType.deleted_at.is_not(None))
    rows = session.execute(shown.outerjoin(User, User.id == EventType.user_id).where(EventType.id.in_(ids)))
    return {target.id: target for target in _found(rows)}


def is_routed(session: Session, submission_id: UUID, event_type_id: ScalarSelect[UUID]) -> bool:
    """Whether a submission led to the event type. One query."""
    submission = RoutingSubmission
    return (
        session.scalars(
            select(submission.id).where(submission.id == submission_id, submission.matched_event_type_id == event_type_id)
        ).first()
        is not None
    )


def _found(rows: Any) -> Iterator[RoutingTarget]:
    for id_, name, slug, host, is_active, is_deleted in rows:
        trouble = RoutingTrouble.EVENT_TYPE_DELETED if is_deleted else None if is_active else RoutingTrouble.EVENT_TYPE_INACTIVE
        yield RoutingTarget(UUID(str(id_)), name, slug, host, trouble)


def _rule(
    position: int, rule_id: str, event_type_id: str, question_id: str, operator: str, value: Any, also: Sequence[Sequence[Any]] | None
) -> Rule:
    first = Condition(UUID(question_id), RoutingOperator(operator), value)
    beside = (
        Condition(UUID(condition_row[1]), RoutingOperator(condition_row[2]), condition_row[3])
        for condition_row in sorted(also or (), key=lambda condition_row: condition_row[0])
    )
    return Rule(UUID(rule_id), position, UUID(event_type_id), (first, *beside))
