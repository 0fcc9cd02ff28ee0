"""Routing forms as the tests talk about them."""

from __future__ import annotations

from typing import Any

from local.client import Answer
from tests.scheduling.booking_scenarios import Office

FORMS = "/v1/scheduling/routing-forms"
SUBMISSIONS = "/v1/scheduling/routing-submissions"
OF_EVERY_TYPE: list[dict[str, Any]] = [
    {"label": "Company", "type": "SHORT_TEXT"},
    {"label": "Story", "type": "LONG_TEXT"},
    {"label": "Topic", "type": "SINGLE_SELECT", "options": ["Sales", "Support", "sales"]},
    {"label": "Days", "type": "MULTI_SELECT", "options": ["Mon", "Tue", "Wed"]},
    {"label": "Phone", "type": "PHONE"},
    {"label": "E-mail", "type": "EMAIL"},
    {"label": "Seats", "type": "NUMBER"},
]
PLACES = {question["label"]: position for position, question in enumerate(OF_EVERY_TYPE)}


def rule(label: str, operator: str, value: Any, event_type: dict[str, Any], *also: dict[str, Any]) -> dict[str, Any]:
    return {**condition(label, operator, value), "event_type_id": event_type["id"], "also": list(also)}


def condition(label: str, operator: str, value: Any) -> dict[str, Any]:
    return {"question": PLACES[label], "operator": operator, "value": value}


class RoutingScenario:
    """An organization that asks before it lets people book."""

    def __init__(self, office: Office) -> None:
        self.office, self._made = office, 0

    def ask(self, **terms: Any) -> Answer:
        self._made += 1
        wanted = {"name": "Who are you?", "slug": f"intake-{self._made}", "questions": OF_EVERY_TYPE}
        return self.office.host.post(FORMS, wanted | terms)

    def form(self, *rules: dict[str, Any], **terms: Any) -> dict[str, Any]:
        answer = self.ask(rules=list(rules), **terms)
        assert answer.status == 201, (answer.status, answer.raw)
        made: dict[str, Any] = answer.body
        return made

    def submit(self, form: dict[str, Any], headers: dict[str, str] | None = None, /, **values: Any) -> Answer:
        """As a stranger; answers by label, with `_` for what a keyword can't hold."""
        ids = {question["label"].replace("-", "_"): question["id"] for question in form["questions"]}
        answers = [{"question_id": ids[label], "value": value} for label, value in values.items()]
        return self.office.stranger.post(f"{FORMS}/{form['id']}/submissions", {"answers": answers}, headers)

    def led(self, form: dict[str, Any], /, **values: Any) -> dict[str, Any]:
        answer = self.submit(form, **values)
        assert answer.status == 201, (answer.status, answer.raw)
        led: dict[str, Any] = answer.body
        return led

    def goal(self, form: dict[str, Any], /, **values: Any) -> str | None:
        """The name of the event type that the answers lead to."""
        event_type = self.led(form, **values)["event_type"]
        return event_type and str(event_type["name"])
