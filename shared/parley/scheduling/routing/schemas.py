"""What the routes of routing forms and of their submissions take and answer."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from parley.kernel.values.fields import PatchModel, Prose, RequestModel, ResponseModel, SecureUrl, Slug, TimeZone
from parley.scheduling.availability.schemas import OpenSlotRead
from parley.scheduling.bookings.schemas import AnswerIn, AnswerNumber, AnswerRead
from parley.scheduling.common.scheduling_fields import Flag, Name
from parley.scheduling.event_types.schemas import MOST_QUESTIONS, Position, QuestionRead, Questions, QuestionUpdates, in_order
from parley.scheduling.tables.enums import EventTypeKind, RoutingOperator, RoutingOutcome, RoutingTrouble

MOST_RULES, MOST_BESIDE, MOST_VALUES = 100, 9, 100
Compared = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=500)] | AnswerNumber
Values = Compared | Annotated[list[Compared], Field(min_length=1, max_length=MOST_VALUES)]


class ConditionIn(RequestModel):
    """An answer compared with a value. The question is one of the form's: by its id, or by its place in the list, counted from 0."""

    question_id: UUID | None = None
    question: Annotated[int, Field(strict=True, ge=0, lt=MOST_QUESTIONS)] | None = None
    operator: RoutingOperator
    value: Values

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if (self.question_id is None) == (self.question is None):
            raise ValueError("a condition names its question by question_id, or by its place in question: one of the two")
        return self


class RuleIn(ConditionIn):
    """Leads to the event type when the condition holds, and every one of `also`."""

    event_type_id: UUID
    also: list[ConditionIn] = Field(default=[], max_length=MOST_BESIDE)
    position: Position | None = None


Rules = Annotated[list[RuleIn], Field(max_length=MOST_RULES), AfterValidator(in_order)]


class FallbackIn(RequestModel):
    """Where those go whom no rule leads anywhere: one of the three."""

    event_type_id: UUID | None = None
    url: SecureUrl | None = None
    message: Annotated[Prose, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(value is not None for value in (self.event_type_id, self.url, self.message)) != 1:
            raise ValueError("a fallback is an event_type_id, a url or a message: one of the three")
        return self


class RoutingFormCreate(RequestModel):
    """Rules are tried in their order: that of the list, or of their positions. Without a slug, one is made of the name."""

    name: Name
    slug: Slug | None = None
    description: Prose | None = None
    is_active: Flag = True
    questions: Questions = []
    rules: Rules = []
    fallback: FallbackIn | None = None


class RoutingFormUpdate(PatchModel):
    """What is named changes; questions and rules are replaced as a whole, a question with its id stays the same one."""

    _needed = frozenset({"name", "slug", "is_active", "questions", "rules"})

    name: Name | None = None
    slug: Slug | None = None
    description: Prose | None = None
    is_active: Flag | None = None
    questions: QuestionUpdates | None = None
    rules: Rules | None = None
    fallback: FallbackIn | None = None


class ConditionRead(ResponseModel):
    question_id: UUID
    operator: RoutingOperator
    value: str | int | float | list[str | int | float]


class RuleRead(ConditionRead):
    """`broken` says why the rule is passed over, though its answers may fit."""

    id: UUID
    position: int
    also: list[ConditionRead]
    event_type_id: UUID
    event_type_name: str
    broken: RoutingTrouble | None


class FallbackRead(ResponseModel):
    event_type_id: UUID | None
    url: str | None
    message: str | None
    broken: RoutingTrouble | None


class RoutingFormRead(ResponseModel):
    """`user_id` is who made it, and changes it beside administrators; none where that is not known."""

    id: UUID
    user_id: UUID | None
    name: str
    slug: str
    description: str | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


class RoutingFormDetailRead(RoutingFormRead):
    questions: list[QuestionRead]
    rules: list[RuleRead]
    fallback: FallbackRead | None


class RoutingFormPageRead(ResponseModel):
    """What a stranger sees of a form: what is asked, not where the answers lead."""

    id: UUID
    name: str
    slug: str
    description: str | None
    organization_name: str
    questions: list[QuestionRead]


class RoutingSubmissionCreate(RequestModel):
    """`timezone` is what the next starts are to be shown in."""

    answers: list[AnswerIn] = Field(default=[], max_length=MOST_QUESTIONS)
    timezone: TimeZone | None = None


class RoutedEventTypeRead(ResponseModel):
    """An event type to book. `link` is its page; `host` the username that a link by name may need."""

    id: UUID
    name: str
    slug: str
    host: str | None
    kind: EventTypeKind
    duration: int
    link: str


class PrefilledInviteeRead(ResponseModel):
    name: str | None
    email: str | None
    phone: str | None


class PrefilledAnswerRead(ResponseModel):
    question_id: UUID
    value: str | int | float | list[str]


class PrefillRead(ResponseModel):
    """What the booking need not ask again."""

    invitee: PrefilledInviteeRead
    answers: list[PrefilledAnswerRead]


class RoutedRead(ResponseModel):
    """Where the answers lead. `submission_id` goes into the booking's `routing_submission_id`.

    `event_type`, `timezone`, `next_slots` and `prefill` come with the outcome EVENT_TYPE, `url` with URL, `message` with MESSAGE and NONE.
    """

    submission_id: UUID
    outcome: RoutingOutcome
    event_type: RoutedEventTypeRead | None
    timezone: str | None
    next_slots: list[OpenSlotRead]
    prefill: PrefillRead | None
    url: str | None
    message: str | None


class RoutingSubmissionRead(ResponseModel):
    """`rule_position` is that of the rule that decided, as the rules were then; `booking_id` the latest booking that came of it."""

    id: UUID
    form_id: UUID
    form_name: str
    outcome: RoutingOutcome
    matched_event_type_id: UUID | None
    matched_event_type_name: str | None
    rule_position: int | None
    booking_id: UUID | None
    created_at: datetime
    answers: list[AnswerRead]
