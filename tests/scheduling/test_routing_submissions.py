"""What is answered to a routing form, and where it leads."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.values.ids import new_id
from parley.scheduling.tables.booking_models import Answer as AnswerRow
from parley.scheduling.tables.routing_models import RoutingSubmission
from tests.harness import Member
from tests.scheduling.booking_scenarios import Office, at, invitee, weekday
from tests.scheduling.routing_scenarios import FORMS, SUBMISSIONS, RoutingScenario, condition, rule
from tests.stack.load_scenarios import at_once

TYPES = "/v1/scheduling/event-types"


@pytest.fixture
def intake(office: Office) -> RoutingScenario:
    return RoutingScenario(office)


@pytest.fixture
def sales(office: Office) -> dict[str, Any]:
    return office.event_type(name="Sales")


@pytest.fixture
def support(office: Office) -> dict[str, Any]:
    return office.event_type(name="Support")


def closed(office: Office, **terms: Any) -> dict[str, Any]:
    """An event type that can be booked, if only its host had hours."""
    return office.event_type({"slots": []}, **terms)


def test_the_first_rule_that_fits_decides(intake: RoutingScenario, sales: dict[str, Any], support: dict[str, Any]) -> None:
    form = intake.form(
        rule("Seats", "GREATER_THAN", 100, sales, condition("Topic", "NOT_EQUALS", "Support")),
        rule("Topic", "EQUALS", "Support", support),
        rule("Seats", "GREATER_THAN", 10, sales),
    )
    assert intake.goal(form, Seats=101) == "Sales"
    assert intake.goal(form, Seats=101, Topic="Support") == "Support"
    assert intake.goal(form, Seats=11) == "Sales"
    assert intake.goal(form, Seats=10) is None
    assert intake.goal(form) is None
    decided = intake.office.host.rows(select(RoutingSubmission.rule_position).order_by(RoutingSubmission.created_at))
    assert decided == [0, 1, 2, None, None]


def test_the_answer_says_what_to_book_when_and_what_is_known(intake: RoutingScenario, office: Office) -> None:
    questions = [
        {"label": "  company ", "type": "SHORT_TEXT", "required": True},
        {"label": "Topic", "type": "SINGLE_SELECT", "options": ["Purchase"]},
        {"label": "Seats", "type": "NUMBER"},
    ]
    event_type = office.event_type(name="Sales", questions=questions)
    form = intake.form(rule("Seats", "GREATER_THAN", 1, event_type))
    led = intake.led(form, Company="Navy", Topic="Sales", Seats=3, E_mail="grace@navy.example", Phone="+1 202 555 0143")
    assert led["outcome"] == "EVENT_TYPE"
    assert (led["event_type"]["id"], led["event_type"]["duration"], led["event_type"]["kind"]) == (event_type["id"], 30, "ONE_ON_ONE")
    assert led["event_type"]["link"].endswith(
        f"/{event_type['slug']}?email=grace%40navy.example&routing_submission_id={led['submission_id']}"
    )
    assert led["prefill"]["invitee"] == {"name": None, "email": "grace@navy.example", "phone": "+1 202 555 0143"}
    ids = [question["id"] for question in event_type["questions"]]
    assert led["prefill"]["answers"] == [{"question_id": ids[0], "value": "Navy"}, {"question_id": ids[2], "value": 3}]
    slots = office.slots(event_type, **{"from": at("00:00", weekday(0, 0)), "to": at("00:00", weekday(0, 3))}).body["slots"]
    assert led["next_slots"] == slots[:10] and led["timezone"] == "Europe/Berlin"
    start = led["next_slots"][0]["start_time"]
    booking = office.booked(event_type, start, answers=led["prefill"]["answers"], routing_submission_id=led["submission_id"])
    seen = office.host.get(f"{SUBMISSIONS}/{led['submission_id']}").body
    assert (seen["booking_id"], seen["matched_event_type_id"], seen["matched_event_type_name"]) == (
        booking["id"],
        event_type["id"],
        "Sales",
    )
    assert office.host.get(f"/v1/scheduling/bookings/{booking['id']}").body["routing_submission_id"] == led["submission_id"]


def test_names_are_known_by_their_label(intake: RoutingScenario, sales: dict[str, Any]) -> None:
    questions = [{"label": "Your name?", "type": "SHORT_TEXT"}]
    form = intake.form(questions=questions, fallback={"event_type_id": sales["id"]})
    led = intake.led(form, **{"Your name?": "Grace Höpper"})
    assert led["prefill"]["invitee"]["name"] == "Grace Höpper"
    assert led["event_type"]["link"].partition("?")[2].startswith("name=Grace+H%C3%B6pper&")


@pytest.mark.parametrize("why", ["inactive", "deleted", "no hours", "full", "no host"])
def test_what_can_not_be_booked_is_passed_over(
    intake: RoutingScenario, office: Office, sales: dict[str, Any], support: dict[str, Any], acme: Member, why: str
) -> None:
    if why == "no hours":
        sales = closed(office, name="Sales")
    if why == "no host":
        pool = acme.post("/v1/scheduling/pools", {"name": "Nobody", "strategy": "ROTATE"}).body["id"]
        sales = office.event_type(name="Sales", kind="ROUND_ROBIN", pool_id=pool)
    form = intake.form(rule("Topic", "EQUALS", "Sales", sales), rule("Topic", "EQUALS", "Sales", support))
    if why == "inactive":
        acme.patch(f"{TYPES}/{sales['id']}", {"is_active": False})
    if why == "deleted":
        acme.delete(f"{TYPES}/{sales['id']}")
    if why == "full":
        today = datetime.now(UTC).date()
        away = [{"date": str(today + timedelta(days=day)), "type": "UNAVAILABLE"} for day in range(-1, 17)]
        assert acme.patch(f"/v1/scheduling/schedules/{sales['schedule_id']}", {"overrides": away}).status == 200
    assert intake.goal(form, Topic="Sales") == "Support"


def test_hours_after_the_notice_count(intake: RoutingScenario, office: Office) -> None:
    far = office.event_type(name="Far", min_notice=60 * 24 * 30)
    led = intake.led(intake.form(rule("Company", "EQUALS", "Navy", far)), Company="Navy")
    assert led["event_type"]["name"] == "Far"
    assert datetime.fromisoformat(led["next_slots"][0]["start_time"]) >= datetime.now(UTC) + timedelta(days=30)


def test_who_fits_no_rule_goes_to_the_fallback(
    intake: RoutingScenario, office: Office, sales: dict[str, Any], support: dict[str, Any]
) -> None:
    only = rule("Company", "EQUALS", "Navy", sales)
    shut = closed(office)
    led = {
        name: intake.led(intake.form(only, fallback=fallback), Company="Army")
        for name, fallback in {
            "type": {"event_type_id": support["id"]},
            "shut": {"event_type_id": shut["id"]},
            "url": {"url": "https://elsewhere.example/a?b=c"},
            "text": {"message": "Write to us."},
            "none": None,
        }.items()
    }
    assert {name: result["outcome"] for name, result in led.items()} == {
        "type": "EVENT_TYPE",
        "shut": "NONE",
        "url": "URL",
        "text": "MESSAGE",
        "none": "NONE",
    }
    assert led["type"]["event_type"]["name"] == "Support"
    assert (led["url"]["url"], led["url"]["message"]) == ("https://elsewhere.example/a?b=c", None)
    assert (led["text"]["message"], led["text"]["url"]) == ("Write to us.", None)
    assert led["none"]["message"] == "Nothing that can be booked fits these answers." == led["shut"]["message"]


def test_only_the_first_five_event_types_are_tried_and_then_the_fallback(
    intake: RoutingScenario, office: Office, sales: dict[str, Any]
) -> None:
    shut = [closed(office) for _ in range(5)]
    five = [rule("Company", "EQUALS", "Navy", event_type) for event_type in shut]
    assert intake.goal(intake.form(*five[:4], rule("Company", "EQUALS", "Navy", sales)), Company="Navy") == "Sales"
    sixth = intake.form(*five, rule("Company", "EQUALS", "Navy", sales))
    assert intake.goal(sixth, Company="Navy") is None
    again = intake.form(*five, *five, fallback={"event_type_id": sales["id"]})
    assert intake.goal(again, Company="Navy") == "Sales"


def test_it_costs_the_same_however_many_rules_fit(intake: RoutingScenario, office: Office, sales: dict[str, Any]) -> None:
    single_rule_form = intake.form(rule("Company", "EQUALS", "Navy", sales))
    shut = [rule("Company", "EQUALS", "Navy", closed(office), *[condition("Seats", "LESS_THAN", 9)] * 9) for _ in range(4)]
    many = intake.form(*shut * 20, rule("Company", "EQUALS", "Navy", sales), fallback={"event_type_id": sales["id"]})
    trips = office.round_trips()
    costs = []
    for form in (single_rule_form, many):
        intake.led(form, Company="Navy", Seats=3)
        next(trips)
        assert intake.submit(form, {"idempotency-key": str(new_id())}, Company="Navy", Seats=3).status == 201
        costs.append(next(trips))
    # The organization; begin; the key; the form; the event types; what is taken; the rest with the commit.
    assert costs[0] == costs[1] <= 8


@pytest.mark.parametrize("kind", ["GROUP", "COLLECTIVE", "ROUND_ROBIN"])
def test_every_kind_can_be_led_to(intake: RoutingScenario, office: Office, acme: Member, kind: str) -> None:
    colleague = acme.as_role("MEMBER")
    both = [{"user_id": str(user_id)} for user_id in (acme.user_id, colleague.user_id)]
    pool = acme.post("/v1/scheduling/pools", {"name": "Two", "strategy": "ROTATE", "hosts": both}).body["id"]
    terms: dict[str, dict[str, Any]] = {"GROUP": {"capacity": 3}, "COLLECTIVE": {"hosts": both}, "ROUND_ROBIN": {"pool_id": pool}}
    event_type = office.event_type(kind=kind, **terms[kind])
    led = intake.led(intake.form(fallback={"event_type_id": event_type["id"]}))
    assert led["event_type"]["kind"] == kind
    first = led["next_slots"][0]
    assert (len(first["hosts"]), first["seats_left"]) == {"GROUP": (1, 3), "COLLECTIVE": (2, None), "ROUND_ROBIN": (2, None)}[kind]
    assert office.book(event_type, first["start_time"], routing_submission_id=led["submission_id"]).status == 201


def test_two_submissions_with_one_key_are_one(intake: RoutingScenario, sales: dict[str, Any], acme: Member) -> None:
    form, key = intake.form(fallback={"event_type_id": sales["id"]}), {"idempotency-key": str(new_id())}
    answers = at_once([lambda: intake.submit(form, key, Company="Navy") for _ in range(4)])
    assert {answer.status for answer in answers} == {201} and len({answer.raw for answer in answers}) == 1
    assert acme.rows(select(func.count()).select_from(RoutingSubmission)) == [1]
    other = intake.submit(form, key, Company="Army")
    assert (other.status, other.body["code"]) == (422, "key_reused")


@pytest.mark.parametrize(
    ("label", "value", "message"),
    [
        ("Company", "two\nlines", "must be one line"),
        ("Company", 3, "must be a text"),
        ("Topic", "Trade", "options"),
        ("Days", ["Mon", "Mon"], "different options"),
        ("Days", "Mon", "must be a list"),
        ("Phone", "call me", "phone number"),
        ("E_mail", "nobody", "e-mail address"),
        ("Seats", "3", "must be a number"),
    ],
)
def test_answers_that_do_not_fit_are_named(intake: RoutingScenario, label: str, value: Any, message: str, acme: Member) -> None:
    form = intake.form()
    refused = intake.submit(form, **{label: value})
    (error,) = refused.body["errors"]
    assert (refused.status, refused.body["code"]) == (422, "invalid_answers")
    assert message in error["msg"] and error["question_id"] in {question["id"] for question in form["questions"]}
    assert acme.rows(select(RoutingSubmission)) == []


@pytest.mark.parametrize("value", [None, True, {}, [[]], 1e16, "x" * 5001, ["a"] * 101, "a\u0000b", "\ud800"])
def test_hostile_answers_are_refused(intake: RoutingScenario, value: Any) -> None:
    assert intake.submit(intake.form(), Story=value).status in (400, 422)


def test_required_questions_foreign_ones_and_double_answers(intake: RoutingScenario, globex: Member) -> None:
    form = intake.form(questions=[{"label": "Company", "type": "SHORT_TEXT", "required": True}])
    foreign_form = globex.post(FORMS, {"name": "x", "slug": "x", "questions": [{"label": "Theirs", "type": "SHORT_TEXT"}]}).body
    question_id, foreign = form["questions"][0]["id"], foreign_form["questions"][0]["id"]
    path, stranger = f"{FORMS}/{form['id']}/submissions", intake.office.stranger
    for answers, message in (
        ([], "needs an answer"),
        ([{"question_id": question_id, "value": "  "}], "needs an answer"),
        ([{"question_id": question_id, "value": "a"}, {"question_id": question_id, "value": "b"}], "is answered twice"),
        ([{"question_id": question_id, "value": "a"}, {"question_id": foreign, "value": "b"}], "is not one of the questions"),
    ):
        refused = stranger.post(path, {"answers": answers})
        assert refused.status == 422 and [error["msg"] for error in refused.body["errors"]] == [message]


def test_history_stays_readable_when_questions_rules_and_form_go(intake: RoutingScenario, sales: dict[str, Any], acme: Member) -> None:
    form = intake.form(rule("Company", "EQUALS", "Navy", sales))
    led = intake.led(form, Company="Navy", Seats=3)
    path = f"{SUBMISSIONS}/{led['submission_id']}"
    before = acme.get(path).body
    assert [(answer["label"], answer["value"]) for answer in before["answers"]] == [("Company", "Navy"), ("Seats", 3)]
    kept = [question for question in form["questions"] if question["label"] == "Seats"]
    assert acme.patch(f"{FORMS}/{form['id']}", {"questions": kept, "rules": []}).status == 200
    assert acme.delete(f"{TYPES}/{sales['id']}").status == 204
    assert acme.delete(f"{FORMS}/{form['id']}").status == 204
    after = acme.get(path).body
    assert sorted(after["answers"], key=str) == sorted(before["answers"], key=str)
    assert after | {"answers": []} == before | {"answers": []}
    assert acme.get(SUBMISSIONS).body["items"] == [after]
    (line,) = sheet(acme, form)
    assert (line["Company"], line["Seats"], line["matched_event_type_name"]) == ("Navy", "3", "Sales")


def sheet(acme: Member, form: dict[str, Any], **query: Any) -> list[dict[str, str]]:
    answer = acme.request("GET", f"{SUBMISSIONS}.csv", query={"form_id": form["id"], **query})
    assert answer.status == 200, answer.raw
    return list(csv.DictReader(io.StringIO(answer.raw.decode())))


def test_lists_have_filters_pages_and_a_sheet(intake: RoutingScenario, sales: dict[str, Any], acme: Member, globex: Member) -> None:
    form, other = intake.form(rule("Company", "EQUALS", "Navy", sales)), intake.form()
    made = [intake.led(form, Company=company)["submission_id"] for company in ("Navy", "=1+1", "Navy")]
    made.append(intake.led(other, Days=["Tue", "Mon"])["submission_id"])

    def indexes(**query: Any) -> list[int]:
        items = acme.request("GET", SUBMISSIONS, query=query).body["items"]
        return [made.index(item["id"]) for item in items]

    assert indexes() == [3, 2, 1, 0]
    assert indexes(form_id=form["id"]) == [2, 1, 0]
    assert indexes(event_type_id=sales["id"]) == [2, 0]
    assert indexes(outcome="NONE") == [3, 1]
    now = datetime.now(UTC)
    assert indexes(**{"from": now.isoformat()}) == [] and indexes(to=now.isoformat()) == [3, 2, 1, 0]
    assert indexes(**{"from": (now - timedelta(hours=1)).isoformat(), "to": now.isoformat(), "form_id": other["id"]}) == [3]
    first = acme.get(SUBMISSIONS, limit=3).body
    assert [item["id"] for item in acme.get(SUBMISSIONS, limit=3, cursor=first["next_cursor"]).body["items"]] == made[:1]
    assert [line["Company"] for line in sheet(acme, form)] == ["Navy", "'=1+1", "Navy"]
    assert [line["Days"] for line in sheet(acme, other)] == ["Tue; Mon"]
    part = acme.request("GET", f"{SUBMISSIONS}.csv", query={"form_id": form["id"], "limit": 2})
    assert len(sheet(acme, form, limit=2, cursor=part.headers["x-next-cursor"])) == 1
    for answer in (globex.get(f"{SUBMISSIONS}/{made[0]}"), globex.get(f"{SUBMISSIONS}.csv", form_id=form["id"])):
        assert answer.status == 404
    assert globex.get(SUBMISSIONS, form_id=form["id"]).body["items"] == []
    assert acme.get(f"{SUBMISSIONS}.csv").status == 422


def test_a_page_ends_where_a_function_may_answer_no_more(intake: RoutingScenario, acme: Member) -> None:
    """Lambda takes 6 MB, and strangers may write a lot: a page of a hundred would be 15 MB here."""
    questions = [{"label": f"Story {number}", "type": "LONG_TEXT"} for number in range(8)]
    form = intake.form(questions=questions)
    long = {question["label"]: '"' * 5000 for question in questions}
    made = [intake.led(form, **long)["submission_id"] for _ in range(100)]
    ids: list[str] = []
    cursor: str | None = None
    while len(ids) < len(made):
        page = acme.get(SUBMISSIONS, limit=100, cursor=cursor)
        assert page.status == 200 and len(json.dumps(page.raw.decode(), ensure_ascii=False).encode()) < 6_000_000
        ids += [item["id"] for item in page.body["items"]]
        cursor = page.body["next_cursor"]
        assert (cursor is None) == (len(ids) == len(made))
        assert cursor is None or len(page.body["items"]) > 20
    assert ids == made[::-1]


def test_who_may_read_forms_may_not_read_what_people_answered(intake: RoutingScenario, acme: Member) -> None:
    form = intake.form()
    submitted = intake.led(form, Company="Navy")["submission_id"]
    key = acme.key("routing_forms:*")
    assert key.get(f"{FORMS}/{form['id']}").status == 200
    for path in (SUBMISSIONS, f"{SUBMISSIONS}/{submitted}", f"{SUBMISSIONS}.csv?form_id={form['id']}"):
        refused = key.get(path)
        assert (refused.status, refused.body["scope"]) == (403, "routing_submissions:read")
        assert acme.as_role("VIEWER").get(path).status == 200


def test_a_booking_names_only_a_submission_that_led_to_it(
    intake: RoutingScenario, office: Office, sales: dict[str, Any], globex: Member
) -> None:
    globex_office = Office(office.world, globex)
    globex_intake = RoutingScenario(globex_office)
    foreign = globex_intake.led(globex_intake.form(fallback={"event_type_id": globex_office.event_type()["id"]}))["submission_id"]
    nowhere = intake.led(intake.form())["submission_id"]
    other = intake.led(intake.form(fallback={"event_type_id": office.event_type()["id"]}))["submission_id"]
    for wrong in (foreign, nowhere, other, str(new_id())):
        refused = office.book(sales, at("10:00"), routing_submission_id=wrong)
        assert (refused.status, refused.body["code"]) == (422, "submission_not_there")
    led = intake.led(intake.form(fallback={"event_type_id": sales["id"]}))["submission_id"]
    booking = office.booked(sales, at("10:00"), routing_submission_id=led)
    moved = office.host.post(f"/v1/scheduling/bookings/{booking['id']}/reschedule", {"start_time": at("11:00")}).body
    assert moved["routing_submission_id"] == led
    assert office.host.get(f"{SUBMISSIONS}/{led}").body["booking_id"] == moved["id"]


def test_submissions_are_announced_and_audited_without_what_was_said(intake: RoutingScenario, sales: dict[str, Any], acme: Member) -> None:
    form = intake.form(rule("Company", "EQUALS", "Navy", sales))
    led = intake.led(form, Company="Navy", E_mail="grace@navy.example")
    payload = {"form_id": form["id"], "outcome": "EVENT_TYPE", "event_type_id": sales["id"], "rule_position": 0}
    (event,) = acme.rows(select(OutboxEvent).where(OutboxEvent.name == "scheduling.routing_submitted"))
    assert event.payload == {"submission_id": led["submission_id"], **payload}
    sheet(acme, form)
    rows = acme.rows(select(AuditLog).where(AuditLog.action.startswith("routing_submission.")).order_by(AuditLog.created_at))
    assert [(row.action, row.new_values) for row in rows] == [
        ("routing_submission.created", payload),
        ("routing_submission.exported", {"submissions": 1}),
    ]


def test_a_webhook_tells_of_a_submission_with_its_answers(intake: RoutingScenario, office: Office, acme: Member) -> None:
    from tests.kernel.http_receivers import receiver

    with receiver() as endpoint:
        wanted = {"name": "Mine", "url": endpoint.url, "events": ["routing.submitted"]}
        assert acme.post("/v1/webhooks/subscriptions", wanted).status == 201
        led = intake.led(intake.form(), Company="Navy")
        office.world.pump()
        bodies = [json.loads(arrival.body) for arrival in endpoint.arrived]
    assert [body["type"] for body in bodies] == ["routing.submitted"]
    assert bodies[0]["data"]["id"] == led["submission_id"]
    assert [answer["value"] for answer in bodies[0]["data"]["answers"]] == ["Navy"]


def test_erasing_an_invitee_empties_what_they_answered(
    intake: RoutingScenario, office: Office, sales: dict[str, Any], acme: Member
) -> None:
    form = intake.form(fallback={"event_type_id": sales["id"]})
    key = {"idempotency-key": str(new_id())}
    led = intake.submit(form, key, Company="Navy").body
    booking = office.booked(sales, at("10:00"), routing_submission_id=led["submission_id"], invitee=invitee(email="Grace@navy.example"))
    by_address = intake.led(form, Story="It is me", E_mail="GRACE@navy.example")
    stays = intake.led(form, Company="Army", E_mail="ada@army.example")
    assert Counter(acme.rows(select(AnswerRow.value)))["Navy"] == 1
    whose = acme.get(f"/v1/scheduling/bookings/{booking['id']}").body["invitee"]["id"]
    assert acme.delete(f"/v1/scheduling/invitees/{whose}").status in (200, 204)
    assert sorted(acme.rows(select(AnswerRow.value))) == ["Army", "ada@army.example"]
    for submission in (led, by_address):
        assert acme.get(f"{SUBMISSIONS}/{submission['submission_id']}").body["answers"] == []
    assert len(acme.get(f"{SUBMISSIONS}/{stays['submission_id']}").body["answers"]) == 2
    assert intake.submit(form, key, Company="Navy").body == {"is_erased": True}
