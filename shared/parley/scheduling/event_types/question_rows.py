"""The questions of an event type or of a routing form, as a document brings them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from parley.kernel.values import clock
from parley.kernel.values.errors import Unprocessable
from parley.scheduling.event_types.schemas import QuestionIn, QuestionUpdate
from parley.scheduling.tables.event_type_models import Question

_PLACE = {"id", "position"}


class QuestionNotThere(Unprocessable):
    """A question's id that is not one of those that are asked here."""


def new_questions(wanted: Sequence[QuestionIn], **owner: UUID) -> list[Question]:
    """In their order. `owner` is `event_type_id` or `form_id`."""
    return [Question(position=position, **owner, **question.model_dump(exclude=_PLACE)) for position, question in enumerate(wanted)]


def change_questions(session: Session, questions: Sequence[Question], wanted: Sequence[QuestionUpdate], **owner: UUID) -> list[Question]:
    """Those `wanted`, in the place of those that are `there`. With an id it is that one, changed; what is left out is put away.

    Raises `QuestionNotThere`.
    """
    by_id = {question.id: question for question in questions}
    kept = new_questions(wanted, **owner)
    for position, change in enumerate(wanted):
        if change.id is None:
            session.add(kept[position])
            continue
        question = by_id.pop(change.id, None)
        if question is None:
            raise QuestionNotThere("A question's id is not one of those asked here, or stands there twice.", question_id=str(change.id))
        for name, value in change.model_dump(exclude=_PLACE).items():
            setattr(question, name, value)
        question.position = position
        kept[position] = question
    for leftover in by_id.values():
        leftover.deleted_at = clock.now()
    return kept
