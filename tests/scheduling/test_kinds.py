"""Every kind of event type, over HTTP: who is free, who is booked, what is left."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from parley.identity.models import OrganizationMember
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.scheduling.tables.booking_models import BookingHost
from parley.scheduling.tables.event_type_models import EventType
from tests.harness import Member
from tests.scheduling.booking_scenarios import Office, at, hours, invitee, weekday


@pytest.fixture
def colleagues(office: Office, acme: Member) -> list[Member]:
    """Two more hosts, with the hours of the office by default."""
    made = [acme.as_role("MEMBER") for _ in range(2)]
    for colleague in made:
        assert colleague.post("/v1/scheduling/schedules", hours()).status == 201
    return made


def hosts(*members: Member) -> list[dict[str, str]]:
    return [{"user_id": str(member.user_id)} for member in members]


def pool(office: Office, strategy: str, *members: Member, **each: list[int]) -> dict[str, Any]:
    places = [host | {name: values[at] for name, values in each.items()} for at, host in enumerate(hosts(*members))]
    answer = office.host.post("/v1/scheduling/pools", {"name": "Sales", "strategy": strategy, "hosts": places})
    assert answer.status == 201, answer.body
    return dict(answer.body)


def shown(office: Office, booking: dict[str, Any]) -> dict[str, Any]:
    return dict(office.host.get(f"/v1/scheduling/bookings/{booking['id']}").body)


def slot(office: Office, event_type: dict[str, Any], clock: str) -> dict[str, Any] | None:
    slots = office.slots(event_type, **{"from": at(clock), "to": at(clock).replace(":00Z", ":01Z")}).body["slots"]
    return dict(slots[0]) if slots else None


# --- GROUP -------------------------------------------------------------------------------------------------------------------------------


def test_seats_of_one_session_add_up_to_the_capacity(office: Office, acme: Member) -> None:
    group = office.event_type(kind="GROUP", capacity=3, min_capacity=2, buffer_after=15)
    assert (slot(office, group, "10:00") or {})["seats_left"] == 3
    booked = [office.booked(group, at("10:00"), invitee=invitee(email=f"v{n}@visitor.example")) for n in range(2)]
    assert (slot(office, group, "10:00") or {})["seats_left"] == 1
    assert slot(office, group, "10:30") is None  # in the session's time
    booked.append(office.booked(group, at("10:00")))
    assert slot(office, group, "10:00") is None
    full = office.book(group, at("10:00"))
    assert (full.status, full.body["code"]) == (409, "slot_taken")
    rows = acme.rows(select(BookingHost))
    assert (len({row.session_id for row in rows}), sorted(row.seat for row in rows)) == (1, [1, 2, 3])

    assert office.cancel(booked[1]).status == 200
    assert (slot(office, group, "10:00") or {})["seats_left"] == 1
    office.booked(group, at("10:00"))
    assert sorted(row.seat for row in acme.rows(select(BookingHost).where(BookingHost.status == "CONFIRMED"))) == [1, 2, 3]


def test_a_session_takes_its_hosts_time_from_everything_else(office: Office) -> None:
    group, alone = office.event_type(kind="GROUP", capacity=5), office.event_type()
    office.booked(group, at("10:00"))
    assert office.book(alone, at("10:00")).body["code"] == "slot_taken"
    office.booked(alone, at("11:00"))
    assert office.book(group, at("11:00")).body["code"] == "slot_taken"


# --- COLLECTIVE --------------------------------------------------------------------------------------------------------------------------


def test_a_collective_books_everybody_or_nobody(office: Office, acme: Member, colleagues: list[Member]) -> None:
    together = office.event_type(kind="COLLECTIVE", hosts=hosts(acme, *colleagues))
    assert [host["user_id"] for host in together["hosts"]] == [str(member.user_id) for member in (acme, *colleagues)]
    everyone = [str(member.user_id) for member in (acme, *colleagues)]
    assert (slot(office, together, "10:00") or {})["hosts"] == everyone
    alone = Office(office.world, colleagues[0]).event_type()
    office.booked(alone, at("10:00"))
    assert slot(office, together, "10:00") is None
    assert office.book(together, at("10:00")).body["code"] == "slot_taken"
    booked = shown(office, office.booked(together, at("11:00")))
    assert (booked["host_id"], sorted(booked["hosts"])) == (everyone[0], sorted(everyone))
    assert office.book(alone, at("11:00")).body["code"] == "slot_taken"
    assert [item["id"] for item in colleagues[1].get("/v1/scheduling/bookings", host_id="me").body["items"]] == [booked["id"]]
    assert office.cancel(booked).status == 200
    office.booked(alone, at("11:00"))


def test_a_collective_meets_when_all_have_hours(office: Office, acme: Member, colleagues: list[Member]) -> None:
    early = [{"day_of_week": "MONDAY", "start_time": "06:00", "end_time": "10:00"}]
    own = colleagues[0].post("/v1/scheduling/schedules", hours(name="Early", slots=early)).body["id"]
    wanted = [*hosts(acme), {"user_id": str(colleagues[0].user_id), "schedule_id": own}]
    together = office.event_type(kind="COLLECTIVE", hosts=wanted)
    assert office.starts(together, weekday(0)) == ["09:00", "09:30"]


def test_a_collective_without_one_of_its_hosts_is_not_offered(office: Office, acme: Member, colleagues: list[Member]) -> None:
    together = office.event_type(kind="COLLECTIVE", hosts=hosts(acme, *colleagues))
    with transactions.transaction(acme.caller) as session:
        statement = update(OrganizationMember).where(OrganizationMember.user_id == colleagues[0].user_id)
        session.execute(statement.values(deactivated_at=now()))
    assert office.book(together, at("10:00")).status == 404


# --- ROUND_ROBIN -------------------------------------------------------------------------------------------------------------------------


def test_a_pool_of_three_takes_three_at_one_start_and_counts_them(office: Office, acme: Member, colleagues: list[Member]) -> None:
    made = pool(office, "ROTATE", acme, *colleagues)
    shared = office.event_type(kind="ROUND_ROBIN", pool_id=made["id"])
    everyone = [str(member.user_id) for member in (acme, *colleagues)]
    assert (slot(office, shared, "10:00") or {})["hosts"] == everyone
    booked = [shown(office, office.booked(shared, at("10:00"))) for _ in range(3)]
    assert [booking["host_id"] for booking in booked] == everyone
    assert office.book(shared, at("10:00")).body["code"] == "slot_taken"
    path = f"/v1/scheduling/pools/{made['id']}"
    seen = acme.get(path).body["hosts"]
    assert [host["assignment_count"] for host in seen] == [1, 1, 1]
    assert sorted(seen, key=lambda host: host["last_assigned_at"]) == seen

    office.cancel(booked[1])
    assert [host["assignment_count"] for host in acme.get(path).body["hosts"]] == [1, 0, 1]
    assert shown(office, office.booked(shared, at("11:00")))["host_id"] == everyone[0]  # ROTATE goes on; who was skipped is owed nothing


def test_the_host_is_chosen_by_the_pools_strategy(office: Office, acme: Member, colleagues: list[Member]) -> None:
    made = pool(office, "PRIORITY", acme, *colleagues, priority=[0, 5, 1])
    shared = office.event_type(kind="ROUND_ROBIN", pool_id=made["id"])
    order = [shown(office, office.booked(shared, at("10:00")))["host_id"] for _ in range(3)]
    assert order == [str(member.user_id) for member in (colleagues[0], colleagues[1], acme)]


def test_a_booking_goes_to_another_host_of_the_pool(office: Office, acme: Member, colleagues: list[Member]) -> None:
    made = pool(office, "ROTATE", acme, *colleagues)
    shared = office.event_type(kind="ROUND_ROBIN", pool_id=made["id"])
    booked = office.booked(shared, at("10:00"))
    path = f"/v1/scheduling/bookings/{booked['id']}/reassign"
    response = acme.post(path, {"host_id": str(colleagues[1].user_id)})
    assert (response.status, response.body["host_id"], response.body["hosts"]) == (
        200,
        str(colleagues[1].user_id),
        [str(colleagues[1].user_id)],
    )
    counts = [host["assignment_count"] for host in acme.get(f"/v1/scheduling/pools/{made['id']}").body["hosts"]]
    assert counts == [0, 0, 1]
    assert acme.post(path).body["host_id"] != str(colleagues[1].user_id)
    assert acme.post(path, {"host_id": str(acme.as_role("MEMBER").user_id)}).body["code"] == "not_of_the_pool"
    office.cancel(booked)
    assert acme.post(path).body["code"] == "illegal_transition"
    alone = office.booked(office.event_type(), at("12:00"))
    assert acme.post(f"/v1/scheduling/bookings/{alone['id']}/reassign").body["code"] == "no_pool"


def free_but(office: Office, colleague: Member, *clocks: str) -> None:
    """A colleague has something else at these times."""
    alone = Office(office.world, colleague).event_type()
    for clock in clocks:
        office.booked(alone, at(clock))


def test_rotation_goes_on_from_the_last_one_who_is_away_by_now(office: Office, acme: Member, colleagues: list[Member]) -> None:
    second, third = colleagues
    fourth = acme.as_role("MEMBER")
    made = pool(office, "ROTATE", acme, second, third, fourth)
    shared = office.event_type(kind="ROUND_ROBIN", pool_id=made["id"])
    free_but(office, second, "10:30", "12:30")
    turns = [shown(office, office.booked(shared, at(clock)))["host_id"] for clock in ("10:00", "10:30", "11:30", "12:00", "12:30")]
    assert turns == [str(member.user_id) for member in (acme, third, fourth, acme, third)]
    with transactions.transaction(acme.caller) as session:
        session.execute(update(OrganizationMember).where(OrganizationMember.user_id == third.user_id).values(deactivated_at=now()))
    assert shown(office, office.booked(shared, at("13:00")))["host_id"] == str(fourth.user_id)  # the second is not owed a turn


def test_who_takes_a_booking_over_has_time_for_its_buffers(office: Office, acme: Member, colleagues: list[Member]) -> None:
    made = pool(office, "ROTATE", acme, *colleagues)
    shared = office.event_type(kind="ROUND_ROBIN", pool_id=made["id"], buffer_before=30)
    booked = office.booked(shared, at("10:00"))
    alone = Office(office.world, colleagues[0]).event_type()
    assert office.stranger.post(f"/v1/scheduling/event-types/{alone['id']}/holds", {"start_time": at("09:30")}).status == 201
    path = f"/v1/scheduling/bookings/{booked['id']}/reassign"
    assert acme.post(path, {"host_id": str(colleagues[0].user_id)}).body["code"] == "host_not_free"
    assert acme.post(path, {"host_id": str(colleagues[1].user_id)}).status == 200


def test_a_booking_that_is_handed_over_is_as_long_as_it_is(office: Office, acme: Member, colleagues: list[Member]) -> None:
    """Whatever is offered by now: 25 minutes, and nothing that begins at ten o'clock."""
    made = pool(office, "ROTATE", acme, *colleagues)
    shared = office.event_type(kind="ROUND_ROBIN", pool_id=made["id"], duration=60)
    booked = office.booked(shared, at("10:00"))
    assert acme.patch(f"/v1/scheduling/event-types/{shared['id']}", {"duration": 25}).status == 200
    alone = Office(office.world, colleagues[0]).event_type()
    assert office.stranger.post(f"/v1/scheduling/event-types/{alone['id']}/holds", {"start_time": at("10:30")}).status == 201
    path = f"/v1/scheduling/bookings/{booked['id']}/reassign"
    assert acme.post(path, {"host_id": str(colleagues[0].user_id)}).body["code"] == "host_not_free"
    assert acme.post(path).body["host_id"] == str(colleagues[1].user_id)


def test_a_booking_that_is_handed_over_counts_in_the_pool_of_now(office: Office, acme: Member, colleagues: list[Member]) -> None:
    first, second = pool(office, "ROTATE", acme), pool(office, "ROTATE", *colleagues)
    shared = office.event_type(kind="ROUND_ROBIN", pool_id=first["id"])
    booked = office.booked(shared, at("10:00"))
    assert acme.patch(f"/v1/scheduling/event-types/{shared['id']}", {"pool_id": second["id"]}).status == 200

    def counts() -> list[list[int]]:
        pools = (acme.get(f"/v1/scheduling/pools/{entry['id']}").body["hosts"] for entry in (first, second))
        return [[host["assignment_count"] for host in hosts] for hosts in pools]

    assert counts() == [[1], [0, 0]]
    assert acme.post(f"/v1/scheduling/bookings/{booked['id']}/reassign").body["host_id"] == str(colleagues[0].user_id)
    assert counts() == [[0], [1, 0]]
    assert office.cancel(booked).status == 200
    assert counts() == [[0], [0, 0]]


def test_pools_are_kept_changed_and_put_away(office: Office, acme: Member, colleagues: list[Member]) -> None:
    made = pool(office, "WEIGHTED", acme, colleagues[0], weight=[3, 1])
    path = f"/v1/scheduling/pools/{made['id']}"
    shared = office.event_type(kind="ROUND_ROBIN", pool_id=made["id"])
    booked = shown(office, office.booked(shared, at("10:00")))
    changed = acme.patch(path, {"hosts": hosts(colleagues[1], acme), "strategy": "LEAST_RECENT"})
    assert [host["user_id"] for host in changed.body["hosts"]] == [str(colleagues[1].user_id), str(acme.user_id)]
    kept = changed.body["hosts"][1]
    assert (kept["assignment_count"], kept["last_assigned_at"] is not None) == (1, True), booked
    in_use = acme.delete(path)
    assert (in_use.status, in_use.body["code"], in_use.body["event_type_ids"]) == (409, "pool_in_use", [shared["id"]])
    assert acme.delete(f"/v1/scheduling/event-types/{shared['id']}").status == 204
    assert acme.delete(path).status == 204
    assert acme.get(path).status == acme.delete(path).status == 404
    assert acme.patch(path, {"name": None}).status == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "GROUP"},
        {"capacity": 3},
        {"kind": "GROUP", "capacity": 3, "min_capacity": 4},
        {"kind": "GROUP", "capacity": 0},
        {"kind": "COLLECTIVE"},
        {"kind": "ROUND_ROBIN"},
        {"hosts": [{"user_id": "01900000-0000-7000-8000-000000000001"}]},
        {"kind": "WEBINAR"},
    ],
)
def test_terms_of_another_kind_are_refused(office: Office, acme: Member, wrong: dict[str, Any]) -> None:
    terms = {"name": "Call", "slug": "call", "duration": 30, "location_type": "PHONE", "schedule_id": office.schedule()["id"]}
    answer = acme.post("/v1/scheduling/event-types", terms | wrong)
    assert (answer.status, answer.body["code"]) == (422, "invalid_request")
    assert acme.rows(select(EventType.id)) == []


def test_hosts_and_pools_of_others_are_not_there(office: Office, acme: Member, globex: Member) -> None:
    terms = {"name": "Call", "slug": "call", "duration": 30, "location_type": "PHONE", "schedule_id": office.schedule()["id"]}
    foreign = acme.post("/v1/scheduling/event-types", terms | {"kind": "COLLECTIVE", "hosts": hosts(acme, globex)})
    assert (foreign.status, foreign.body["code"]) == (422, "not_a_host")
    pool_id = globex.post("/v1/scheduling/pools", {"name": "Theirs", "strategy": "ROTATE"}).body["id"]
    assert acme.post("/v1/scheduling/event-types", terms | {"kind": "ROUND_ROBIN", "pool_id": pool_id}).body["code"] == "pool_not_there"
    assert acme.post("/v1/scheduling/pools", {"name": "P", "strategy": "ROTATE", "hosts": hosts(globex)}).body["code"] == "not_a_host"
