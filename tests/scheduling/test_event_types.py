"""Event types: their terms, their page for strangers, who may see them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from parley.identity.models import Organization, OrganizationMember, User
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.scheduling.tables.event_type_models import EventType
from tests.harness import Client, Member
from tests.scheduling.booking_scenarios import Office, at, weekday

QUESTION = {"label": "Why?", "type": "SHORT_TEXT"}


def test_an_event_type_is_kept_as_it_was_wanted(office: Office, acme: Member) -> None:
    terms: dict[str, Any] = {
        "description": "Half an hour to get to know each other.",
        "slot_interval": 15,
        "buffer_before": 5,
        "buffer_after": 10,
        "min_notice": 120,
        "max_bookings_per_day": 4,
        "max_bookings_per_week": 10,
        "color": "#0b57d0",
    }
    made = office.event_type(
        **terms, questions=[QUESTION | {"required": True}, {"label": "When?", "type": "SINGLE_SELECT", "options": ["a", "b"]}]
    )
    assert made | terms == made
    assert (made["user_id"], made["kind"], made["is_active"]) == (str(acme.user_id), "ONE_ON_ONE", True)
    assert [(question["label"], question["required"], question["options"]) for question in made["questions"]] == [
        ("Why?", True, []),
        ("When?", False, ["a", "b"]),
    ]
    assert acme.get(f"/v1/scheduling/event-types/{made['id']}").body == made
    assert acme.get("/v1/scheduling/event-types").body["items"] == [
        {name: made[name] for name in made if name not in ("hosts", "questions")}
    ]
    (row,) = acme.rows(select(AuditLog).where(AuditLog.action == "event_type.created"))
    assert str(row.entity_id) == made["id"]
    assert row.new_values == {
        "schedule_id": made["schedule_id"],
        "kind": "ONE_ON_ONE",
        "duration": 30,
        "slot_interval": 15,
        "is_active": True,
    }


def test_a_stranger_sees_the_page_and_not_the_place(office: Office, stranger: Client, acme: Member) -> None:
    made = office.event_type(questions=[QUESTION])
    page = stranger.get(f"/v1/scheduling/event-types/{made['id']}/public")
    assert (page.status, page.body["name"], page.body["duration"], page.body["timezone"]) == (200, "Introduction", 30, "Europe/Berlin")
    assert (page.body["host_name"], page.body["organization_name"]) == ("Owner of Acme", "Acme")
    assert page.body["questions"] == made["questions"]
    assert "zoom.example" not in page.raw.decode()


@pytest.mark.parametrize("change", [{"is_active": False}, {"deleted_at": now()}])
def test_what_is_not_offered_any_more_is_not_there_for_strangers(
    office: Office, stranger: Client, acme: Member, change: dict[str, Any]
) -> None:
    made = office.event_type()
    with transactions.transaction(acme.caller) as session:
        session.execute(update(EventType).where(EventType.id == made["id"]).values(**change))
    for path in ("public", f"slots?from={at('00:00')}&to={at('23:00')}"):
        response, unknown = (stranger.get(f"/v1/scheduling/event-types/{id_}/{path}") for id_ in (made["id"], new_id()))
        assert response.status == unknown.status == 404
        assert response.raw == unknown.raw
    response, unknown = (office.book({"id": str(id_)}, at("10:00")) for id_ in (made["id"], new_id()))
    assert response.status == unknown.status == 404
    assert response.raw == unknown.raw


def test_a_host_who_left_is_not_offered_any_more(office: Office, acme: Member) -> None:
    colleague = acme.as_role("MEMBER")
    made = Office(office.world, colleague).event_type()
    assert office.starts(made, weekday(0))
    with transactions.transaction(acme.caller) as session:
        session.delete(session.scalars(select(OrganizationMember).where(OrganizationMember.user_id == colleague.user_id)).one())
    assert office.book(made, at("10:00")).status == 404


@pytest.mark.parametrize("owner", [User, Organization])
def test_what_a_deleted_host_or_organization_offered_is_gone_everywhere(
    office: Office, event_type: dict[str, Any], acme: Member, owner: type[User] | type[Organization]
) -> None:
    ids = (acme.user_id, acme.organization_id)
    with transactions.transaction(acme.caller) as session:
        session.execute(update(owner).where(owner.id.in_(ids)).values(deleted_at=now()))
    assert office.stranger.get(f"/v1/scheduling/event-types/{event_type['id']}/public").status == 404
    assert office.slots(event_type, **{"from": at("00:00"), "to": at("23:00")}).status == 404
    assert office.book(event_type, at("10:00")).status == 404


def test_a_slug_is_a_hosts_own(office: Office, acme: Member) -> None:
    office.event_type(slug="intro")
    taken = acme.post("/v1/scheduling/event-types", wanted(office, slug="intro"))
    assert (taken.status, taken.body["code"]) == (409, "event_type_slug_taken")
    colleague = Office(office.world, acme.as_role("MEMBER"))
    assert colleague.event_type(slug="intro")["slug"] == "intro"


def test_what_is_not_there_is_refused_by_a_code_of_its_own(office: Office, acme: Member) -> None:
    """A client that switches on the code knows what is missing: not identity's team, not the inbox's connection."""
    absent = str(new_id())
    refused = acme.post("/v1/scheduling/event-types", wanted(office, slug="teams-own", team_id=absent))
    assert (refused.status, refused.body["code"]) == (422, "team_not_there")
    refused = acme.post("/v1/scheduling/pools", {"name": "Sales", "strategy": "ROTATE", "team_id": absent})
    assert (refused.status, refused.body["code"]) == (422, "team_not_there")
    refused = acme.get(f"/v1/scheduling/calendars/{absent}/calendars")
    assert (refused.status, refused.body["code"]) == (404, "no_such_calendar_connection")


def test_a_schedule_of_somebody_else_is_not_there(office: Office, acme: Member, globex: Member) -> None:
    colleague = acme.as_role("MEMBER")
    for other in (colleague, globex):
        answer = other.post("/v1/scheduling/event-types", wanted(office))
        assert (answer.status, answer.body["code"]) == (404, "no_such_schedule")


def test_a_foreign_event_type_is_answered_as_an_unknown_one(event_type: dict[str, Any], globex: Member) -> None:
    foreign, unknown = (globex.get(f"/v1/scheduling/event-types/{id_}") for id_ in (event_type["id"], new_id()))
    assert foreign.status == unknown.status == 404
    assert foreign.raw == unknown.raw


def wanted(office: Office, **other: Any) -> dict[str, Any]:
    terms = {"name": "Call", "slug": "call", "duration": 30, "location_type": "PHONE"}
    return terms | {"schedule_id": office.schedule()["id"]} | other


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration": 0},
        {"duration": 4},
        {"duration": 1441},
        {"duration": "30"},
        {"duration": True},
        {"duration": 30.5},
        {"slot_interval": 0},
        {"slot_interval": 1441},
        {"buffer_before": -1},
        {"buffer_after": 1441},
        {"min_notice": -1},
        {"min_notice": 10**9},
        {"max_bookings_per_day": 0},
        {"max_bookings_per_week": 10**6},
        {"slug": "Not A Slug"},
        {"slug": "-"},
        {"kind": "GROUP"},
        {"location_type": "MOON"},
        {"color": "red"},
        {"name": "a\rb"},
        {"name": "\u2028"},
        {"is_active": None},
        {"questions": [QUESTION | {"type": "SINGLE_SELECT"}]},
        {"questions": [QUESTION | {"options": ["a"]}]},
        {"questions": [QUESTION | {"type": "MULTI_SELECT", "options": ["a", "a"]}]},
        {"questions": [QUESTION] * 51},
        {"schedule_id": "1"},
        {"user_id": str(new_id())},
    ],
)
def test_terms_that_make_no_sense_are_refused(office: Office, acme: Member, wrong: dict[str, Any]) -> None:
    answer = acme.post("/v1/scheduling/event-types", wanted(office, **wrong))
    assert (answer.status, answer.body["code"]) == (422, "invalid_request"), answer.body
