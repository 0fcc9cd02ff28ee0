"""Routing forms: questions whose answers lead to an event type."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityDirectory
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory, pagination
from parley.kernel.persistence.pagination import Page
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values import clock
from parley.kernel.values.errors import Conflict, NotFound
from parley.scheduling.availability.inputs import BookingQuestion
from parley.scheduling.common import ownership
from parley.scheduling.declared import SchedulingAction, SchedulingDirectory
from parley.scheduling.event_types import question_rows
from parley.scheduling.event_types.schemas import QuestionRead
from parley.scheduling.routing import routing_queries, routing_rules
from parley.scheduling.routing.routing_queries import RoutingTarget, Rule
from parley.scheduling.routing.schemas import (
    ConditionRead,
    FallbackIn,
    FallbackRead,
    RoutingFormCreate,
    RoutingFormDetailRead,
    RoutingFormPageRead,
    RoutingFormRead,
    RoutingFormUpdate,
    RuleIn,
    RuleRead,
)
from parley.scheduling.tables.event_type_models import Question
from parley.scheduling.tables.routing_models import ONE_FORM_SLUG, RoutingForm, RoutingRule


class NoSuchRoutingForm(NotFound):
    """Absent, deleted, another organization's, or, for strangers, not active."""

    def __init__(self) -> None:
        super().__init__("There is no such routing form.")


class FormSlugTaken(Conflict):
    """The organization has another form with this slug."""

    def __init__(self) -> None:
        super().__init__("Another routing form has this slug; choose another.")


def organization_of(form_id: UUID) -> UUID:
    """Whose form this is, for a stranger who knows nothing but its id. Raises `NoSuchRoutingForm`."""
    organization_id = directory.organization_of(SchedulingDirectory.ROUTING_FORM, str(form_id))
    if organization_id is None:
        raise NoSuchRoutingForm
    return organization_id


def organization_named(slug: str) -> UUID:
    """Whose name this is. Raises `NoSuchRoutingForm`."""
    organization_id = directory.organization_of(IdentityDirectory.ORGANIZATION_SLUG, slug)
    if organization_id is None:
        raise NoSuchRoutingForm
    return organization_id


def create_form(session: Session, caller: Caller, wanted: RoutingFormCreate) -> RoutingFormDetailRead:
    """A form of the organization's, which its maker and administrators change. Raises `InvalidRules`, `FormSlugTaken`."""
    form = RoutingForm(**wanted.model_dump(include={"name", "slug", "description", "is_active"}), **_fallback(wanted.fallback))
    form.user_id, form.slug = caller.person_id, wanted.slug or _slug(form)
    questions = question_rows.new_questions(wanted.questions, form_id=form.id)
    targets = _targets(session, wanted.rules, wanted.fallback)
    rules = routing_rules.resolve_rules(questions, wanted.rules, wanted.fallback, targets)
    session.add_all([form, *questions, *routing_rules.rule_rows(form.id, rules)])
    directory.enter(session, SchedulingDirectory.ROUTING_FORM, str(form.id))
    with violation_means(ONE_FORM_SLUG, FormSlugTaken()):
        session.flush()
    audit.record(session, caller, SchedulingAction.ROUTING_FORM_CREATED, form, new=_told(form, questions, rules))
    return _detail(form, questions, rules, targets)


def _slug(form: RoutingForm) -> str:
    """One that nobody has, with the words of the name that it can hold."""
    plain = unicodedata.normalize("NFKD", form.name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain)[:40].strip("-")
    return f"{words or 'form'}-{form.id.hex[-8:]}"


def _fallback(wanted: FallbackIn | None) -> dict[str, Any]:
    return {f"fallback_{name}": getattr(wanted, name, None) for name in FallbackIn.model_fields}


def _targets(session: Session, rules: Sequence[RuleIn], fallback: FallbackIn | None) -> dict[UUID, RoutingTarget]:
    """The event types that are pointed to, without those that are not there."""
    ids = {rule.event_type_id for rule in rules}
    if fallback is not None and fallback.event_type_id is not None:
        ids.add(fallback.event_type_id)
    return routing_queries.targets(session, sorted(ids))


def _told(form: RoutingForm, questions: Sequence[Question], rules: Sequence[Rule]) -> dict[str, Any]:
    return {"is_active": form.is_active, "questions": len(questions), "rules": len(rules)}


def forms(session: Session, *, cursor: str | None, limit: int) -> Page[RoutingFormRead]:
    """The organization's, newest first."""
    rows, next_cursor = pagination.page(session, select(RoutingForm), [RoutingForm.id], cursor=cursor, limit=limit)
    return Page(items=[RoutingFormRead.model_validate(row) for row in rows], next_cursor=next_cursor)


def form(session: Session, form_id: UUID) -> RoutingFormDetailRead:
    """Raises `NoSuchRoutingForm`."""
    contents = routing_queries.form(session, form_id)
    if contents is None:
        raise NoSuchRoutingForm
    return _detail(contents.form, contents.questions, contents.rules, contents.targets)


def update_form(session: Session, caller: Caller, form_id: UUID, wanted: RoutingFormUpdate) -> RoutingFormDetailRead:
    """Change what is named. Rules that stay have to fit the questions that come. What was submitted keeps its answers.

    Raises `NoSuchRoutingForm`, `NotYours`, `QuestionNotThere`, `InvalidRules`, `FormSlugTaken`.
    """
    contents = routing_queries.form(session, form_id, to_change=True)
    if contents is None:
        raise NoSuchRoutingForm
    ownership.check(session, caller, contents.form.user_id)
    row, old = contents.form, {"is_active": contents.form.is_active}
    fresh = _targets(session, wanted.rules or (), wanted.fallback)
    with violation_means(ONE_FORM_SLUG, FormSlugTaken()):  # from here on: a query flushes as well
        for name in wanted.model_fields_set & {"name", "slug", "description", "is_active"}:
            setattr(row, name, getattr(wanted, name))
        if "fallback" in wanted.model_fields_set:
            for name, value in _fallback(wanted.fallback).items():
                setattr(row, name, value)
        row.updated_at = clock.now()
        questions: Sequence[Question] = session.scalars(_questions(form_id)).all()
        if wanted.questions is not None:
            questions = question_rows.change_questions(session, questions, wanted.questions, form_id=form_id)
        rules = routing_rules.resolve_rules(questions, wanted.rules or (), wanted.fallback, fresh)
        if wanted.rules is None:
            rules = contents.rules
            routing_rules.check_errors(routing_rules.misfits(questions, rules))
        else:
            execute_later(session, delete(RoutingRule).where(RoutingRule.form_id == form_id))
            session.add_all(routing_rules.rule_rows(form_id, rules))
        session.flush()
    new = _told(row, questions, rules) | {"changed": sorted(wanted.model_fields_set)}
    audit.record(session, caller, SchedulingAction.ROUTING_FORM_UPDATED, row, old=old, new=new)
    return _detail(row, questions, rules, contents.targets | fresh)


def _questions(form_id: UUID) -> Select[Question]:
    return select(Question).where(Question.form_id == form_id).order_by(Question.position, Question.id)


def delete_form(session: Session, caller: Caller, form_id: UUID) -> None:
    """Nobody can fill it in any more; what was submitted stays. Raises `NoSuchRoutingForm`, `NotYours`."""
    row = session.scalars(select(RoutingForm).where(RoutingForm.id == form_id).with_for_update()).one_or_none()
    if row is None:
        raise NoSuchRoutingForm
    ownership.check(session, caller, row.user_id)
    row.deleted_at = clock.now()
    audit.record(session, caller, SchedulingAction.ROUTING_FORM_DELETED, row)


def page(session: Session, form_id: UUID | None = None, slug: str | None = None) -> RoutingFormPageRead:
    """What anybody may see of an active form, by its id or by its slug. Raises `NoSuchRoutingForm`."""
    contents = routing_queries.form(session, form_id, slug, only_active=True)
    if contents is None:
        raise NoSuchRoutingForm
    shown = {name: getattr(contents.form, name) for name in ("id", "name", "slug", "description")}
    return RoutingFormPageRead(**shown, organization_name=contents.organization_name, questions=_read(contents.questions))


def _read(questions: Sequence[Question | BookingQuestion]) -> list[QuestionRead]:
    return [QuestionRead.model_validate(question) for question in questions]


def _detail(
    form: RoutingForm, questions: Sequence[Question | BookingQuestion], rules: Sequence[Rule], targets: Mapping[UUID, RoutingTarget]
) -> RoutingFormDetailRead:
    fallback = FallbackRead(
        event_type_id=form.fallback_event_type_id,
        url=form.fallback_url,
        message=form.fallback_message,
        broken=targets[form.fallback_event_type_id].trouble if form.fallback_event_type_id else None,
    )
    has_one = fallback.event_type_id or fallback.url or fallback.message
    return RoutingFormDetailRead(
        **RoutingFormRead.model_validate(form).model_dump(),
        questions=_read(questions),
        rules=[_rule(rule, targets[rule.event_type_id]) for rule in rules],
        fallback=fallback if has_one else None,
    )


def _rule(rule: Rule, target: RoutingTarget) -> RuleRead:
    first, *also = (ConditionRead.model_validate(condition) for condition in rule.conditions)
    return RuleRead(
        id=rule.id,
        position=rule.position,
        **first.model_dump(),
        also=also,
        event_type_id=target.id,
        event_type_name=target.name,
        broken=target.trouble,
    )
