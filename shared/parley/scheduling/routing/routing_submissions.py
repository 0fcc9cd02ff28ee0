"""Submissions of routing forms: making one, and reading what was submitted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVarTuple
from uuid import UUID

from sqlalchemy import Select, Text, cast, delete, func, or_, select
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox, pagination
from parley.kernel.persistence.idempotency_key import KEPT
from parley.kernel.persistence.pagination import Page
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.errors import NotFound
from parley.scheduling.availability.inputs import BookableEventType
from parley.scheduling.availability.slots import slot_read
from parley.scheduling.bookings import answer_validation
from parley.scheduling.bookings.schemas import AnswerRead
from parley.scheduling.declared import SchedulingAction, SchedulingEvent
from parley.scheduling.routing import route_resolution, routing_queries
from parley.scheduling.routing.route_resolution import Given, Route
from parley.scheduling.routing.routing_forms import NoSuchRoutingForm
from parley.scheduling.routing.routing_queries import RoutingFormContents
from parley.scheduling.routing.schemas import PrefillRead, RoutedEventTypeRead, RoutedRead, RoutingSubmissionCreate, RoutingSubmissionRead
from parley.scheduling.tables.booking_models import Answer, Booking
from parley.scheduling.tables.enums import QuestionType, RoutingOutcome
from parley.scheduling.tables.event_type_models import EventType, Question
from parley.scheduling.tables.routing_models import RoutingForm, RoutingSubmission

Columns = TypeVarTuple("Columns")
_KEYS = (RoutingSubmission.created_at, RoutingSubmission.id)
NOTHING_FITS = "Nothing that can be booked fits these answers."


class NoSuchSubmission(NotFound):
    """Absent, or another organization's."""

    def __init__(self) -> None:
        super().__init__("There is no such submission.")


def submit(session: Session, caller: Caller, form_id: UUID, wanted: RoutingSubmissionCreate) -> RoutedRead:
    """Fill in an active form; anybody may. Keeps the answers, and says where they lead. Raises `NoSuchRoutingForm`, `InvalidAnswers`."""
    whole = routing_queries.form(session, form_id, only_active=True)
    if whole is None:
        raise NoSuchRoutingForm
    answers = answer_validation.check(whole.questions, wanted.answers)
    route = route_resolution.route(session, whole, answers)

    submission = RoutingSubmission(
        form_id=form_id,
        outcome=route.outcome,
        matched_event_type_id=route.offer.event_type.id if route.offer else None,
        rule_position=route.rule.position if route.rule else None,
    )
    session.add(submission)
    session.add_all(Answer(submission_id=submission.id, question_id=question.id, value=value) for question, value in answers)
    facts = {
        "form_id": str(form_id),
        "outcome": route.outcome.value,
        "event_type_id": str(submission.matched_event_type_id) if route.offer else None,
        "rule_position": submission.rule_position,
    }
    audit.record(session, caller, SchedulingAction.ROUTING_SUBMISSION_CREATED, submission, new=facts)
    outbox.announce(session, SchedulingEvent.ROUTING_SUBMITTED, submission_id=submission.id, **facts)
    return _routed(submission, whole, answers, route, wanted.timezone)


def _routed(submission: RoutingSubmission, whole: RoutingFormContents, answers: Given, route: Route, timezone: str | None) -> RoutedRead:
    offer, form = route.offer, whole.form
    is_nothing = route.outcome is RoutingOutcome.NONE
    prefill = route_resolution.prefill(offer.questions, answers) if offer else None
    return RoutedRead(
        submission_id=submission.id,
        outcome=route.outcome,
        event_type=_event_type(whole, offer, prefill, submission.id) if offer and prefill else None,
        timezone=timezone or offer.timezone if offer else None,
        next_slots=[slot_read(slot) for slot in route.slots],
        prefill=prefill,
        url=form.fallback_url if route.outcome is RoutingOutcome.URL else None,
        message=NOTHING_FITS if is_nothing else form.fallback_message if route.outcome is RoutingOutcome.MESSAGE else None,
    )


def _event_type(whole: RoutingFormContents, offer: BookableEventType, prefill: PrefillRead, submission_id: UUID) -> RoutedEventTypeRead:
    row, target = offer.event_type, whole.targets[offer.event_type.id]
    link = route_resolution.link(whole.organization_slug, target, prefill.invitee, submission_id)
    return RoutedEventTypeRead(id=row.id, name=row.name, slug=row.slug, host=target.host, kind=row.kind, duration=row.duration, link=link)


@dataclass(frozen=True, slots=True)
class SubmissionFilter:
    """Which submissions: those that fit every filter that is given. `from_` and `to` are of the moment of submitting, `[from_, to)`."""

    form_id: UUID | None = None
    event_type_id: UUID | None = None
    outcome: RoutingOutcome | None = None
    from_: datetime | None = None
    to: datetime | None = None

    def narrow(self, statement: Select[*Columns]) -> Select[*Columns]:
        submission_row = RoutingSubmission
        for column, value in (
            (submission_row.form_id, self.form_id),
            (submission_row.matched_event_type_id, self.event_type_id),
            (submission_row.outcome, self.outcome),
        ):
            if value is not None:
                statement = statement.where(column == value)
        if self.from_ is not None:
            statement = statement.where(submission_row.created_at >= self.from_)
        return statement.where(submission_row.created_at < self.to) if self.to is not None else statement


def list_submissions(session: Session, chosen: SubmissionFilter, *, cursor: str | None, limit: int) -> Page[RoutingSubmissionRead]:
    """The organization's, latest first, those of deleted forms among them. Two queries, however many there are."""
    items, next_cursor = _page(session, chosen, cursor, limit)
    return pagination.bounded_page(items, _KEYS, next_cursor)


def _page(session: Session, chosen: SubmissionFilter, cursor: str | None, limit: int) -> tuple[list[RoutingSubmissionRead], str | None]:
    rows, next_cursor = pagination.joined_page(session, chosen.narrow(_wholes()), _KEYS, cursor=cursor, limit=limit)
    return _read(session, rows), next_cursor


def submission(session: Session, submission_id: UUID) -> RoutingSubmissionRead | None:
    """One of them, with its answers; None if it is not there."""
    rows = session.execute(_wholes().where(RoutingSubmission.id == submission_id)).all()
    return next(iter(_read(session, rows)), None)


def existing_submission(session: Session, submission_id: UUID) -> RoutingSubmissionRead:
    """Raises `NoSuchSubmission`."""
    routing_submission = submission(session, submission_id)
    if routing_submission is None:
        raise NoSuchSubmission
    return routing_submission


def _wholes() -> Select[Any]:
    """With the names of what was deleted, too: the tables themselves are asked. Of a chain of moved bookings the end is meant."""
    submission_row, forms, event_types = RoutingSubmission, RoutingForm.__table__.c, EventType.__table__.c
    booked = select(Booking.id).where(Booking.routing_submission_id == submission_row.id).order_by(Booking.id.desc()).limit(1)
    return select(
        submission_row,
        select(forms.name)
        .where(forms.organization_id == submission_row.organization_id, forms.id == submission_row.form_id)
        .scalar_subquery(),
        select(event_types.name)
        .where(event_types.organization_id == submission_row.organization_id, event_types.id == submission_row.matched_event_type_id)
        .scalar_subquery(),
        booked.scalar_subquery(),
    )


_BESIDE = {"form_name", "matched_event_type_name", "booking_id", "answers"}


def _read(session: Session, rows: Sequence[Any]) -> list[RoutingSubmissionRead]:
    answers = _given(session, [submission_row.id for submission_row, *_ in rows])
    columns = RoutingSubmissionRead.model_fields.keys() - _BESIDE
    return [
        RoutingSubmissionRead(
            **{name: getattr(submission_row, name) for name in columns},
            form_name=form_name,
            matched_event_type_name=event_type_name,
            booking_id=booking_id,
            answers=answers.get(submission_row.id, []),
        )
        for submission_row, form_name, event_type_name, booking_id in rows
    ]


def _given(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[AnswerRead]]:
    """In the order of the questions; those that are not asked any more among them."""
    if not ids:
        return {}
    rows = session.execute(
        select(Answer.submission_id, Answer.question_id, Question.label, Answer.value)
        .join(Question, Question.id == Answer.question_id)
        .where(Answer.submission_id.in_(ids))
        .order_by(Question.position, Question.id),
        execution_options={"with_deleted": True},
    )
    answers: dict[UUID, list[AnswerRead]] = {}
    for submission_id, question_id, label, value in rows:
        if submission_id is not None:
            answers.setdefault(submission_id, []).append(AnswerRead(question_id=question_id, label=label, value=value))
    return answers


def forget(session: Session, booking_ids: Sequence[UUID], addresses: Sequence[str]) -> None:
    """Empty the submissions that led to these bookings, and those in which one of these addresses (in lower case) was given.

    Their answers go, and what was told and kept of them. One query; the rest travels with the next statement.
    """
    from parley.kernel.persistence import idempotency
    from parley.webhooks import deliveries

    led = select(Booking.routing_submission_id).where(Booking.id.in_(booking_ids))
    condition = func.lower(cast(Answer.value, Text)).in_([json.dumps(address) for address in addresses])
    question_query = select(Question.id).where(Question.form_id.is_not(None), Question.type == QuestionType.EMAIL)
    named = select(Answer.submission_id).where(Answer.question_id.in_(question_query), condition)
    submission_row = RoutingSubmission
    query = select(submission_row.id, submission_row.created_at).where(or_(submission_row.id.in_(led), submission_row.id.in_(named)))
    rows = session.execute(query, execution_options={"with_deleted": True}).all()
    if not rows:
        return
    execute_later(session, delete(Answer).where(Answer.submission_id.in_([row.id for row in rows])))
    deliveries.forget(session, [row.id for row in rows])
    audit.forget_visitors(session, [row.id for row in rows])
    if recent := [row.id for row in rows if row.created_at > now() - KEPT]:
        idempotency.empty(session, recent)


def export_submissions(
    session: Session, caller: Caller, chosen: SubmissionFilter, *, cursor: str | None, limit: int
) -> tuple[str, str | None]:
    """Those of one form as CSV (RFC 4180), a column for each of its questions, and the cursor of the rest. Raises `NoSuchRoutingForm`."""
    from parley.scheduling.routing.submissions_csv import submissions_csv

    form_query = select(RoutingForm).where(RoutingForm.id == chosen.form_id)
    form = session.scalars(form_query, execution_options={"with_deleted": True}).one_or_none()
    if form is None:
        raise NoSuchRoutingForm
    # Those that are asked, in order, then those that were.
    ordered = (Question.deleted_at.is_not(None), Question.position, Question.id)
    question_query = select(Question.id, Question.label).where(Question.form_id == form.id).order_by(*ordered)
    questions = [(row.id, row.label) for row in session.execute(question_query, execution_options={"with_deleted": True})]
    submissions, next_cursor = _page(session, chosen, cursor, limit)
    sheet, shown = submissions_csv(submissions, questions)
    if shown < len(submissions):
        next_cursor = pagination.cursor_after(submissions[shown - 1].created_at, submissions[shown - 1].id)
    audit.record(session, caller, SchedulingAction.ROUTING_SUBMISSION_EXPORTED, form, new={"submissions": shown})
    return sheet, next_cursor
