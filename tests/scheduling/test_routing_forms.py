"""Routing forms: made, changed, put away, read by anybody; and which rules can be kept."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from parley.identity.models import Organization
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from parley.scheduling.tables.routing_models import RoutingForm
from tests.harness import Member
from tests.scheduling.booking_scenarios import Office
from tests.scheduling.routing_scenarios import FORMS, OF_EVERY_TYPE, PLACES, RoutingScenario, condition, rule
from tests.stack.load_scenarios import at_once


@pytest.fixture
def intake(office: Office) -> RoutingScenario:
    return RoutingScenario(office)


def test_positions_say_the_order_and_a_form_without_a_slug_gets_one(
    acme: Member, intake: RoutingScenario, event_type: dict[str, Any]
) -> None:
    questions = [{"label": "B", "type": "NUMBER", "position": 1}, {"label": "A", "type": "NUMBER", "position": 0}]
    last = {"question": 1, "operator": "EQUALS", "value": 1, "event_type_id": event_type["id"], "position": 2}
    first = {"question": 0, "operator": "LESS_THAN", "value": 2, "event_type_id": event_type["id"], "position": 1}
    made = [acme.post(FORMS, {"name": "Wer ist's? Ähem", "questions": questions, "rules": [last, first]}) for _ in range(2)]
    form = made[0].body
    assert [response.status for response in made] == [201, 201] and form["slug"].startswith("wer-ist-s-ahem-")
    assert [(question["label"], question["position"]) for question in form["questions"]] == [("A", 0), ("B", 1)]
    assert [(form_rule["operator"], form_rule["position"]) for form_rule in form["rules"]] == [("LESS_THAN", 0), ("EQUALS", 1)]
    assert acme.patch(f"{FORMS}/{form['id']}", {"questions": form["questions"][::-1]}).body["questions"] == form["questions"]
    assert acme.post(FORMS, {"name": "你好"}).body["slug"].startswith("form-")


def test_a_form_is_one_document(intake: RoutingScenario, event_type: dict[str, Any], acme: Member) -> None:
    rules = [
        rule("Seats", "GREATER_THAN", 10, event_type, condition("Topic", "IN", ["Sales"])),
        rule("Company", "EQUALS", "Navy", event_type),
    ]
    form = intake.form(*rules, description="Tell us", fallback={"message": "Write to us."})
    ids = [question["id"] for question in form["questions"]]
    assert [question["label"] for question in form["questions"]] == list(PLACES)
    assert [(form_rule["position"], form_rule["question_id"], form_rule["value"]) for form_rule in form["rules"]] == [
        (0, ids[6], 10),
        (1, ids[0], "Navy"),
    ]
    assert form["rules"][0]["also"] == [{"question_id": ids[2], "operator": "IN", "value": ["Sales"]}]
    assert form["fallback"] == {"event_type_id": None, "url": None, "message": "Write to us.", "broken": None}
    assert acme.get(f"{FORMS}/{form['id']}").body == form
    assert [item["id"] for item in acme.get(FORMS).body["items"]] == [form["id"]]


def test_a_stranger_sees_what_is_asked_and_not_where_it_leads(intake: RoutingScenario, event_type: dict[str, Any], acme: Member) -> None:
    form, stranger = intake.form(rule("Company", "EQUALS", "Navy", event_type)), intake.office.stranger
    (slug,) = acme.rows(select(Organization.slug))
    shown = stranger.get(f"{FORMS}/{form['id']}/public")
    assert shown.status == 200
    assert shown.body == stranger.get(f"/v1/scheduling/links/{slug}/forms/{form['slug']}").body
    assert shown.body["questions"] == form["questions"]
    assert shown.body.keys() == {"id", "name", "slug", "description", "organization_name", "questions"}


@pytest.mark.parametrize("change", ["inactive", "deleted"])
def test_what_is_inactive_or_deleted_is_nowhere_for_strangers(intake: RoutingScenario, acme: Member, change: str) -> None:
    form, stranger = intake.form(), intake.office.stranger
    path = f"{FORMS}/{form['id']}"
    assert (acme.patch(path, {"is_active": False}) if change == "inactive" else acme.delete(path)).status in (200, 204)
    (slug,) = acme.rows(select(Organization.slug))
    unknown = stranger.get(f"{FORMS}/{new_id()}/public")
    assert unknown.status == 404
    for answer in (
        stranger.get(f"{path}/public"),
        stranger.get(f"/v1/scheduling/links/{slug}/forms/{form['slug']}"),
        intake.submit(form),
    ):
        assert (answer.status, answer.raw) == (404, unknown.raw)
    assert acme.get(path).status == (200 if change == "inactive" else 404)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (rule("Seats", "CONTAINS", 1, {"id": None}), "does not compare"),
        (rule("Topic", "EQUALS", "Trade", {"id": None}), "one of the question's options"),
        (rule("Seats", "GREATER_THAN", "10", {"id": None}), "must be a number"),
        (rule("Seats", "IN", 10, {"id": None}), "takes a list"),
        (rule("Company", "EQUALS", "Navy", {"id": None}, condition("Days", "EQUALS", "Mon")), "takes a list"),
        ({"question": 7, "operator": "EQUALS", "value": "x"}, "no such question"),
        ({"question_id": str(new_id()), "operator": "EQUALS", "value": "x"}, "no such question"),
    ],
)
def test_a_rule_that_does_not_fit_is_named(
    intake: RoutingScenario, event_type: dict[str, Any], wrong: dict[str, Any], message: str
) -> None:
    fine = rule("Company", "EQUALS", "Navy", event_type)
    refused = intake.ask(rules=[fine, wrong | {"event_type_id": event_type["id"]}])
    assert (refused.status, refused.body["code"]) == (422, "invalid_rules")
    (error,) = refused.body["errors"]
    assert error["rule"] == 1 and message in error["msg"]
    assert error["condition"] == (1 if wrong.get("also") else 0)
    position = (wrong.get("also") or [wrong])[0].get("question", 7)
    assert error.get("question") == (OF_EVERY_TYPE[position]["label"] if position < 7 else None)


@pytest.mark.parametrize(
    "value", [True, None, "", " ", [], {}, 1e16, "x" * 501, [["a"]], [True], ["a"] * 101, "\u0000"], ids=lambda value: repr(value)[:10]
)
def test_values_of_no_use_are_refused(intake: RoutingScenario, event_type: dict[str, Any], value: Any) -> None:
    for label in ("Company", "Seats", "Days"):
        for operator in ("EQUALS", "IN"):
            assert intake.ask(rules=[rule(label, operator, value, event_type)]).status == 422


def test_a_refusal_of_a_value_names_no_address_in_memory(intake: RoutingScenario, event_type: dict[str, Any]) -> None:
    values: list[Any] = ["", [], [""], {}]
    for value in values:
        refused = intake.ask(rules=[rule("Seats", "EQUALS", value, event_type)])
        assert refused.status == 422 and b"0x" not in refused.raw and b"functools" not in refused.raw


def test_not_a_number_is_no_json(intake: RoutingScenario, event_type: dict[str, Any]) -> None:
    for word in (b"NaN", b"Infinity", b"-Infinity", b"1e999"):
        wanted = {"name": "x", "slug": "x", "questions": OF_EVERY_TYPE, "rules": [rule("Seats", "EQUALS", "it", event_type)]}
        body = json.dumps(wanted).encode().replace(b'"it"', word)
        refused = intake.office.host.request("POST", FORMS, body, {"content-type": "application/json"})
        assert refused.status in (400, 422), (word, refused.raw)


def test_a_rule_leads_to_an_event_type_of_the_organization(intake: RoutingScenario, globex: Member, event_type: dict[str, Any]) -> None:
    foreign_type = Office(intake.office.world, globex).event_type()
    deleted_type = intake.office.event_type()
    assert intake.office.host.delete(f"/v1/scheduling/event-types/{deleted_type['id']}").status == 204
    for other in (foreign_type, deleted_type, {"id": str(new_id())}):
        refused = intake.ask(rules=[rule("Company", "EQUALS", "Navy", other)], fallback={"event_type_id": other["id"]})
        assert (refused.status, [error["rule"] for error in refused.body["errors"]]) == (422, [0, "fallback"])
        assert {error["msg"] for error in refused.body["errors"]} == {"there is no such event type"}


@pytest.mark.parametrize(
    "fallback",
    [{}, {"url": "http://x.example/"}, {"url": "javascript:alert(1)"}, {"url": "https://x.example/", "message": "x"}, {"message": " "}],
)
def test_a_fallback_is_one_of_three(intake: RoutingScenario, fallback: dict[str, Any]) -> None:
    assert intake.ask(fallback=fallback).status == 422


def test_a_condition_names_its_question_once(intake: RoutingScenario, event_type: dict[str, Any]) -> None:
    twice = rule("Company", "EQUALS", "x", event_type) | {"question_id": str(new_id())}
    assert intake.ask(rules=[twice]).status == 422
    assert intake.ask(rules=[{"operator": "EQUALS", "value": "x", "event_type_id": event_type["id"]}]).status == 422


def test_rules_that_stay_have_to_fit_the_questions_that_come(intake: RoutingScenario, event_type: dict[str, Any], acme: Member) -> None:
    form = intake.form(rule("Topic", "EQUALS", "Sales", event_type))
    path, questions = f"{FORMS}/{form['id']}", form["questions"]
    fewer = acme.patch(path, {"questions": [question for question in questions if question["label"] != "Topic"]})
    assert (fewer.status, fewer.body["errors"][0]["question_id"]) == (422, questions[2]["id"])
    renamed = [question | {"options": ["Trade"]} if question["label"] == "Topic" else question for question in questions]
    assert acme.patch(path, {"questions": renamed}).status == 422
    assert acme.get(path).body == form
    both = acme.patch(path, {"questions": renamed[::-1], "rules": [rule("Days", "CONTAINS", "Mon", event_type) | {"question": 3}]})
    assert both.status == 200, both.raw
    assert [(form_rule["question_id"], form_rule["value"]) for form_rule in both.body["rules"]] == [(questions[3]["id"], "Mon")]
    assert {question["id"] for question in both.body["questions"]} == {question["id"] for question in questions}


def test_what_is_not_named_stays(intake: RoutingScenario, event_type: dict[str, Any], acme: Member) -> None:
    form = intake.form(rule("Company", "EQUALS", "Navy", event_type), fallback={"event_type_id": event_type["id"]}, description="x")
    changed = acme.patch(f"{FORMS}/{form['id']}", {"name": "New"}).body
    assert changed == form | {"name": "New", "updated_at": changed["updated_at"]}
    emptied = acme.patch(f"{FORMS}/{form['id']}", {"fallback": None, "rules": [], "description": None}).body
    assert (emptied["fallback"], emptied["rules"], emptied["description"]) == (None, [], None)
    assert acme.patch(f"{FORMS}/{form['id']}", {"rules": None}).status == 422


def test_a_rule_whose_event_type_is_gone_is_shown_as_broken(intake: RoutingScenario, event_type: dict[str, Any], acme: Member) -> None:
    other = intake.office.event_type()
    form = intake.form(*(rule("Company", "EQUALS", "x", target) for target in (event_type, other)), fallback={"event_type_id": other["id"]})
    acme.patch(f"/v1/scheduling/event-types/{event_type['id']}", {"is_active": False})
    acme.delete(f"/v1/scheduling/event-types/{other['id']}")
    seen = acme.get(f"{FORMS}/{form['id']}").body
    assert [form_rule["broken"] for form_rule in seen["rules"]] == ["EVENT_TYPE_INACTIVE", "EVENT_TYPE_DELETED"]
    assert seen["fallback"]["broken"] == "EVENT_TYPE_DELETED"
    assert acme.patch(f"{FORMS}/{form['id']}", {"name": "Still"}).status == 200


def test_a_slug_is_one_forms_own(intake: RoutingScenario, acme: Member, globex: Member) -> None:
    form = intake.form(slug="who")
    taken = intake.ask(slug="who")
    assert (taken.status, taken.body["code"]) == (409, "form_slug_taken")
    assert acme.patch(f"{FORMS}/{intake.form()['id']}", {"slug": "who"}).status == 409
    assert globex.post(FORMS, {"name": "x", "slug": "who"}).status == 201
    assert acme.delete(f"{FORMS}/{form['id']}").status == 204
    answers = at_once([lambda: intake.ask(slug="who", questions=[]) for _ in range(5)])
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409]


def test_two_who_change_a_form_follow_each_other(intake: RoutingScenario, event_type: dict[str, Any], acme: Member) -> None:
    form = intake.form()
    wanted = [[rule("Company", "EQUALS", str(number), event_type)] * 3 for number in range(6)]
    answers = at_once([lambda rules=rules: acme.patch(f"{FORMS}/{form['id']}", {"rules": rules}) for rules in wanted])  # type: ignore[misc]
    assert {answer.status for answer in answers} == {200}
    rules = acme.get(f"{FORMS}/{form['id']}").body["rules"]
    assert len(rules) == 3 and len({form_rule["value"] for form_rule in rules}) == 1


def test_another_tenants_form_is_not_there(intake: RoutingScenario, globex: Member, acme: Member) -> None:
    form = intake.form()
    path, unknown = f"{FORMS}/{form['id']}", globex.get(f"{FORMS}/{new_id()}")
    for answer in (globex.get(path), globex.patch(path, {"name": "x"}), globex.delete(path)):
        assert (answer.status, answer.raw) == (404, unknown.raw)
    assert acme.get(path).body == form


def test_a_form_is_changed_by_who_made_it_and_by_administrators(office: Office, acme: Member) -> None:
    maker, colleague, administrator = acme.as_role("MEMBER"), acme.as_role("MEMBER"), acme.as_role("ADMIN")
    made = maker.post(FORMS, {"name": "Where to?"})
    assert (made.status, made.body["user_id"]) == (201, str(maker.user_id))
    path = f"{FORMS}/{made.body['id']}"
    leads_away = {"fallback": {"url": "https://elsewhere.example/"}}
    for answer in (colleague.patch(path, leads_away), colleague.delete(path)):
        assert (answer.status, answer.body["code"]) == (403, "not_yours")
    assert acme.get(path).body == made.body
    assert [who.patch(path, {"description": "Tell us"}).status for who in (maker, administrator, acme)] == [200] * 3
    with transactions.transaction(acme.caller) as session:
        session.execute(update(RoutingForm).where(RoutingForm.id == UUID(made.body["id"])).values(user_id=None))
    assert [who.patch(path, {"description": "Tell"}).status for who in (maker, administrator)] == [403, 200]
    assert administrator.delete(path).status == 204


def test_changes_are_audited_without_texts(intake: RoutingScenario, event_type: dict[str, Any], acme: Member) -> None:
    form = intake.form(rule("Company", "EQUALS", "Navy", event_type))
    acme.patch(f"{FORMS}/{form['id']}", {"is_active": False})
    acme.delete(f"{FORMS}/{form['id']}")
    rows = acme.rows(select(AuditLog).where(AuditLog.entity_type == "RoutingForm").order_by(AuditLog.created_at))
    assert [row.action for row in rows] == ["routing_form.created", "routing_form.updated", "routing_form.deleted"]
    assert rows[0].new_values == {"is_active": True, "questions": 7, "rules": 1}
    assert "Navy" not in str([row.new_values for row in rows])
