"""Dates from the first to the last of the calendar, put to every public route: answered, and with no more work than an ordinary one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import insert

from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from parley.scheduling.tables.enums import OverrideType
from parley.scheduling.tables.schedule_models import AvailabilityOverride
from tests.harness import Answer, Client, World
from tests.platform.every_route import DAYS, SeededOrganization, created
from tests.platform.routes_booking_pages import page_of
from tests.scheduling.booking_scenarios import invitee

HOSTS = 5
MOST = 3.0
FAR = (date(1, 1, 1), date(1970, 1, 1), date(2038, 1, 19), date(2199, 12, 31), date(2201, 1, 1), date(9999, 12, 31))
FORM = {"content-type": "application/x-www-form-urlencoded"}
Ask = Callable[[date], Answer]


@dataclass
class Dated(Client):
    """Puts a date into whatever it sends: into the address, and where a body says when."""

    day: date | None = None

    def request(self, method: str, path: str, body: Any = None, headers: Any = None, query: Any = None) -> Answer:
        if self.day is not None:
            noon = f"{self.day}T12:00:00Z"
            query = {**(query or {}), "from": noon, "to": noon, "month": f"{self.day}"[:7], "date": f"{self.day}", "time": noon}
            query |= {"cursor": noon, "after": noon, "expires": noon}
            headers = {name: value for name, value in (headers or {}).items() if name != "idempotency-key"}
            if isinstance(body, dict):
                body = {**body, **({"start_time": noon} if "start_time" in body else {})}
            elif isinstance(body, bytes) and headers and headers.get("content-type") == FORM["content-type"]:
                body += f"&action=move&time={noon}".encode()
        return super().request(method, path, body, headers, query)


def far_overrides(house: SeededOrganization, schedule: str) -> None:
    """As they may lie there from before they had to be near: closed dates, and some of each year of a century."""
    rows = [{"date": day, "type": OverrideType.UNAVAILABLE} for day in (date(1970, 1, 1), date(2199, 6, 1))]
    rows += [{"date": date(year, 3, 3), "type": OverrideType.UNAVAILABLE} for year in range(1971, 2199)]
    key = {"organization_id": house.member.organization_id, "schedule_id": schedule}
    with transactions.transaction(house.member.caller) as session:
        session.execute(insert(AvailabilityOverride), [{**key, "id": new_id(), **row} for row in rows])


def furnish(world: World, count: int) -> SeededOrganization:
    """An organization in which the hours of so many hosts never close, but for a day last month, and days in other centuries."""
    made = SeededOrganization(world, world.organization("Acme"))
    closed = {"date": str(datetime.now(UTC).date() - timedelta(days=31)), "type": "UNAVAILABLE"}
    always = {"name": "Always", "timezone": "Europe/Berlin", "overrides": [closed]}
    always["slots"] = [{"day_of_week": day, "start_time": "00:00", "end_time": "24:00"} for day in DAYS]
    hosts = [made.member, *(made.member.as_role("MEMBER") for _ in range(count - 1))]
    for host in hosts:
        far_overrides(made, created(host.post("/v1/scheduling/schedules", {**always, "is_default": True}))["id"])
    made.schedule = created(made.member.post("/v1/scheduling/schedules", always))["id"]
    far_overrides(made, made.schedule)
    pool = {"name": "All", "strategy": "ROTATE", "hosts": [{"user_id": str(host.user_id)} for host in hosts]}
    made.made["pool"] = created(made.member.post("/v1/scheduling/pools", pool))["id"]
    made.made["hosts"] = ",".join(str(host.user_id) for host in hosts)
    return made


@pytest.fixture(scope="module")
def house(world: World) -> Iterator[SeededOrganization]:
    yield furnish(world, HOSTS)
    world.forget_events()


def test_no_public_route_fails_for_a_date(house: SeededOrganization, world: World) -> None:
    public = {f"{route.method} {route.path}" for route in world.template.routes if route.authorizer is None}
    stranger = house.stranger = Dated(world)
    try:
        requests = {name: ready() for name, ready in house.requests().items() if name in public}
        for day in FAR:
            stranger.day = day
            for name, request in requests.items():
                answer = request()
                assert answer.status < 500, (name, day, answer.status, answer.raw[:300])
    finally:
        house.stranger = Client(world)
    assert len(requests) > 25


def steps(request: Callable[[], Answer]) -> tuple[Answer, int]:
    """The answer, and how many functions were called for it: the same on every machine."""
    count = 0

    def note(_frame: object, event: str, _value: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        answer = request()
    finally:
        sys.setprofile(None)
    return answer, count


def asks(house: SeededOrganization, event_type: str) -> dict[str, Ask]:
    """By what is asked: the request for a day. Where something is booked, the booking that is moved is another's each time."""
    types, stranger = f"/v1/scheduling/event-types/{event_type}", house.stranger
    page = page_of(house).rpartition("/")[0] + "/" + str(house.member.get(types).body["slug"])

    def start(day: date, hour: int = 12) -> str:
        return f"{day}T{hour:02}:00:00Z"

    def to(day: date, days: int) -> str:
        return start(min(day, date.max - timedelta(days=days)) + timedelta(days=days))

    def booked() -> str:
        wanted = {"event_type_id": event_type, "start_time": house.start().isoformat(), "invitee": invitee()}
        return str(created(stranger.post("/v1/scheduling/bookings", wanted))["id"])

    moved = booked()
    token = house.management_token(moved)
    grace = {"name": "Grace", "email": "grace@visitor.example", "timezone": "Europe/Berlin"}
    return {
        "slots": lambda day: stranger.request("GET", f"{types}/slots", query={"from": start(day), "to": to(day, 31)}),
        "page of a month": lambda day: stranger.request("GET", page, query={"month": f"{day}"[:7]}),
        "page of a day": lambda day: stranger.request("GET", page, query={"date": f"{day}"}),
        "page of a time": lambda day: stranger.request("GET", page, query={"time": start(day)}),
        "form": lambda day: stranger.request("POST", page, urlencode(grace | {"time": start(day, 9)}).encode(), FORM),
        "hold": lambda day: stranger.post(f"{types}/holds", {"start_time": start(day, 10)}),
        "booking": lambda day: stranger.post(
            "/v1/scheduling/bookings", {"event_type_id": event_type, "start_time": start(day), "invitee": invitee()}
        ),
        "page that moves": lambda day: stranger.request("GET", f"/bookings/{token}", query={"move": 1, "date": f"{day}"}),
        "move by form": lambda day: stranger.request(
            "POST", f"/bookings/{house.management_token(booked())}", urlencode({"action": "move", "time": start(day, 14)}).encode(), FORM
        ),
        "move": lambda day: stranger.post(f"/v1/scheduling/managed-bookings/{token}/reschedule", {"start_time": start(day, 15)}),
    }


@pytest.mark.parametrize("kind", ["ONE_ON_ONE", "ROUND_ROBIN", "COLLECTIVE"])
def test_no_date_costs_more_than_three_times_an_ordinary_question(house: SeededOrganization, kind: str) -> None:
    more: dict[str, dict[str, Any]] = {
        "ONE_ON_ONE": {},
        "ROUND_ROBIN": {"pool_id": house.made["pool"]},
        "COLLECTIVE": {"hosts": [{"user_id": user} for user in house.made["hosts"].split(",")]},
    }
    event_type = house.add_event_type(kind=kind, questions=[], **more[kind])
    first = datetime.now(UTC).date() + timedelta(days=20 + 2 * list(more).index(kind))  # days on which nobody has booked yet
    near = [first, first + timedelta(days=1)]
    for name, ask in asks(house, event_type).items():
        answers = [steps(partial(ask, day)) for day in near]  # the first makes what is made once
        ordinary = min(count for answer, count in answers if answer.status < 400)
        for day in (*FAR, first + timedelta(days=45)):
            answer, count = steps(partial(ask, day))
            assert answer.status < 500, (name, day, answer.raw[:300])
            assert count <= MOST * ordinary, (name, day, count, ordinary)
