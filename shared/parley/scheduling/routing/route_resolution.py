"""Where the answers to a routing form lead: the first rule that fits, and whose event type can be booked; else the fallback."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy.orm import Session

from parley.kernel.values.clock import now
from parley.kernel.values.settings import setting
from parley.scheduling.availability.conflicts import load_conflicts_of_each
from parley.scheduling.availability.inputs import BookableEventType, BookingQuestion, bookable_event_types
from parley.scheduling.availability.slot_calculation import Slot, open_slots
from parley.scheduling.bookings import answer_validation
from parley.scheduling.routing import routing_conditions
from parley.scheduling.routing.routing_queries import RoutingFormContents, RoutingTarget, Rule
from parley.scheduling.routing.schemas import PrefilledAnswerRead, PrefilledInviteeRead, PrefillRead
from parley.scheduling.tables.enums import QuestionType, RoutingOutcome

MOST_TRIED = 5
WINDOW = timedelta(days=14)
NEXT = 10
_NAMES = frozenset({"name", "your name", "full name", "your full name"})

Given = Sequence[tuple[BookingQuestion, Any]]
"""Answered questions with their answers."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where it goes. `offer` and `slots`, the next open ones, belong to an event type; `rule` is None for the fallback."""

    outcome: RoutingOutcome
    rule: Rule | None = None
    offer: BookableEventType | None = None
    slots: Sequence[Slot] = ()


def fitting(rules: Sequence[Rule], questions: Sequence[BookingQuestion], answers: Given) -> list[Rule]:
    """The rules all of whose conditions hold, in their order."""
    kinds, values = {question.id: question.type for question in questions}, {question.id: value for question, value in answers}
    return [
        rule
        for rule in rules
        if all(
            condition.question_id in kinds
            and routing_conditions.holds(
                kinds[condition.question_id], condition.operator, condition.value, values.get(condition.question_id)
            )
            for condition in rule.conditions
        )
    ]


def route(session: Session, whole: RoutingFormContents, answers: Given) -> Route:
    """Two statements at most: the first `MOST_TRIED` event types of the rules that fit are looked at, and the fallback's.

    An event type that is deleted, not active, without hosts, or without an open start in the `WINDOW` after its notice, within its horizon,
    is passed over.
    """
    form = whole.form
    tried: dict[UUID, Rule | None] = {}
    for rule in fitting(whole.rules, whole.questions, answers):
        if len(tried) < MOST_TRIED and whole.targets[rule.event_type_id].trouble is None:
            tried.setdefault(rule.event_type_id, rule)
    if form.fallback_event_type_id is not None:
        tried.setdefault(form.fallback_event_type_id, None)
    if opening := _first_open(session, list(tried)):
        offer, slots = opening
        return Route(RoutingOutcome.EVENT_TYPE, tried[offer.event_type.id], offer, slots)
    if form.fallback_url is not None:
        return Route(RoutingOutcome.URL)
    return Route(RoutingOutcome.MESSAGE if form.fallback_message is not None else RoutingOutcome.NONE)


def _first_open(session: Session, ids: Sequence[UUID]) -> tuple[BookableEventType, list[Slot]] | None:
    """The first of the event types that has an open start, and its next ones."""
    offers_by_id = bookable_event_types(session, ids)
    offers = [offers_by_id[id_] for id_ in ids if id_ in offers_by_id]
    at = now()
    ranges = [(offer, *_window(offer, at)) for offer in offers]
    ranges = [window for window in ranges if window[1] < window[2]]
    for (offer, from_, to), taken in zip(ranges, load_conflicts_of_each(session, ranges), strict=True):
        slots = open_slots(
            offer.terms,
            taken.hosts(offer),
            from_=from_,
            to=to,
            now=at,
            counted=taken.counted,
            sessions=taken.sessions,
            timezone=offer.timezone,
        )
        if slots:
            return offer, slots[:NEXT]
    return None


def _window(offer: BookableEventType, at: datetime) -> tuple[datetime, datetime]:
    first = at + timedelta(minutes=offer.terms.min_notice)
    return first, min(first + WINDOW, offer.ends(at))


def link(organization_slug: str, target: RoutingTarget, invitee: PrefilledInviteeRead, submission_id: UUID) -> str:
    """The page of the event type, with what it may fill in and what led there. A slug is one person's own: `host` says whose."""
    parameters = {"host": target.host, "name": invitee.name, "email": invitee.email, "routing_submission_id": str(submission_id)}
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{setting('PUBLIC_URL').rstrip('/')}/{organization_slug}/{target.slug}?{query}"


def prefill(questions: Sequence[BookingQuestion], answers: Given) -> PrefillRead:
    """What was answered already: about the invitee, by type or label; to questions with the same label, where they take the answer."""
    by_label: Mapping[str, Any] = {routing_conditions.folded(question.label): value for question, value in reversed(answers)}
    prefilled_answers: list[PrefilledAnswerRead] = []
    for question in questions:
        value = by_label.get(routing_conditions.folded(question.label))
        if value is not None and _takes(question, value):
            prefilled_answers.append(PrefilledAnswerRead(question_id=question.id, value=value))
    invitee = PrefilledInviteeRead(
        name=next((value for question, value in answers if question.type is QuestionType.SHORT_TEXT and _is_name(question)), None),
        email=next((value for question, value in answers if question.type is QuestionType.EMAIL), None),
        phone=next((value for question, value in answers if question.type is QuestionType.PHONE), None),
    )
    return PrefillRead(invitee=invitee, answers=prefilled_answers)


def _is_name(question: BookingQuestion) -> bool:
    return routing_conditions.folded(question.label).rstrip("?:* ") in _NAMES


def _takes(question: BookingQuestion, value: Any) -> bool:
    try:
        answer_validation.fitting(question, value)
    except ValueError:
        return False
    return True
