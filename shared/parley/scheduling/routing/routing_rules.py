"""The rules of a routing form: whether they can be kept, and as what."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from parley.kernel.values.errors import Unprocessable
from parley.kernel.values.ids import new_id
from parley.scheduling.routing import routing_conditions
from parley.scheduling.routing.routing_queries import Condition, RoutingTarget, Rule
from parley.scheduling.routing.schemas import ConditionIn, FallbackIn, RuleIn
from parley.scheduling.tables.event_type_models import Question
from parley.scheduling.tables.routing_models import RoutingCondition, RoutingRule


class InvalidRules(Unprocessable):
    """Rules that ask what is not asked, compare what can't be compared, or lead nowhere.

    `errors` says which: `rule` and `condition` are places in their lists, from 0 (the rule's own condition is the first); `question` is the
    label.
    """


def resolve_rules(
    questions: Sequence[Question], wanted: Sequence[RuleIn], fallback: FallbackIn | None, targets: Mapping[UUID, RoutingTarget]
) -> list[Rule]:
    """The rules with the ids of their questions. `targets` are the event types that are there. Raises `InvalidRules`."""
    errors: list[dict[str, Any]] = []
    rules: list[Rule] = []
    for position, rule in enumerate(wanted):
        if rule.event_type_id not in targets:
            errors.append({"rule": position, "event_type_id": str(rule.event_type_id), "msg": "there is no such event type"})
        compared: list[Condition] = []
        for index, condition in enumerate((rule, *rule.also)):
            question_id = _question(questions, condition)
            if question_id is None:
                errors.append({"rule": position, "condition": index, "msg": "there is no such question in the form"})
            else:
                compared.append(Condition(question_id, condition.operator, condition.value))
        rules.append(Rule(new_id(), position, rule.event_type_id, tuple(compared)))
    if fallback and fallback.event_type_id and fallback.event_type_id not in targets:
        errors.append({"rule": "fallback", "event_type_id": str(fallback.event_type_id), "msg": "there is no such event type"})
    check_errors(errors or misfits(questions, rules))
    return rules


def _question(questions: Sequence[Question], wanted: ConditionIn) -> UUID | None:
    if wanted.question is not None:
        return questions[wanted.question].id if wanted.question < len(questions) else None
    return next((question.id for question in questions if question.id == wanted.question_id), None)


def misfits(questions: Sequence[Question], rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """What is wrong with the rules, once their questions are these."""
    by_id, errors = {question.id: question for question in questions}, []
    for rule in rules:
        for index, condition in enumerate(rule.conditions):
            question = by_id.get(condition.question_id)
            if question is None:
                named, wrong = (
                    {"question_id": str(condition.question_id)},
                    "the rule compares answers to a question that is not asked any more",
                )
            else:
                named = {"question_id": str(question.id), "question": question.label}
                wrong = routing_conditions.misfit(question.type, question.options, condition.operator, condition.value) or ""
            if wrong:
                errors.append({"rule": rule.position, "condition": index, **named, "msg": wrong})
    return errors


def check_errors(errors: Sequence[dict[str, Any]]) -> None:
    """Raises `InvalidRules` if there are any."""
    if errors:
        raise InvalidRules("Some rules do not fit the form; see errors.", errors=list(errors))


def rule_rows(form_id: UUID, rules: Sequence[Rule]) -> list[RoutingRule | RoutingCondition]:
    """As they are kept: the first condition with the rule, the others beside it."""
    kept: list[RoutingRule | RoutingCondition] = []
    for rule in rules:
        first, *also = rule.conditions
        whose = {"form_id": form_id, "position": rule.position, "event_type_id": rule.event_type_id}
        kept.append(RoutingRule(id=rule.id, question_id=first.question_id, operator=first.operator, value=first.value, **whose))
        kept += [
            RoutingCondition(
                rule_id=rule.id, position=index, question_id=condition.question_id, operator=condition.operator, value=condition.value
            )
            for index, condition in enumerate(also)
        ]
    return kept
