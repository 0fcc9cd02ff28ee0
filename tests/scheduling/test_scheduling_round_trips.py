"""What the routes of scheduling cost, in round trips to the database. Begin and commit are counted, connecting is not."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from parley.scheduling.bookings.booking_service import management_token
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.enums import OverrideType
from parley.scheduling.tables.schedule_models import AvailabilityOverride
from tests.harness import Member
from tests.scheduling.booking_scenarios import Office, at, invitee, weekday


def test_a_booking_costs_seven(office: Office) -> None:
    questions = [{"label": f"Question {n}", "type": "SHORT_TEXT", "required": True} for n in range(5)]
    event_type = office.event_type(questions=questions, max_bookings_per_day=9, max_bookings_per_week=20, buffer_after=5)
    answers = [{"question_id": question["id"], "value": "x"} for question in event_type["questions"]]
    office.booked(event_type, at("09:00"), answers=answers)
    trips = office.round_trips()
    next(trips)
    # Look up the organization; begin; claim the key; the offer; what is taken; invitee, booking and answers; the rest with the commit.
    assert office.book(event_type, at("10:00"), {"idempotency-key": str(new_id())}, answers=answers).status == 201
    assert next(trips) == 7
    assert office.book(event_type, at("11:00"), answers=answers).status == 201
    assert next(trips) == 6
    assert office.book(event_type, at("11:00"), answers=answers).status == 409
    assert next(trips) == 5


def test_the_list_of_slots_costs_five_however_much_there_is(office: Office, acme: Member) -> None:
    event_type = office.event_type(max_bookings_per_day=9)
    trips = office.round_trips()

    def cost(days: int) -> int:
        next(trips)
        office.starts(event_type, weekday(0), days=days)
        return next(trips)

    assert cost(1) == cost(60) == 5
    for clock in ("09:00", "10:00", "11:00", "12:00", "13:00"):
        office.booked(event_type, at(clock))
    with transactions.transaction(acme.caller) as session:
        for day in range(50):
            row = {"organization_id": acme.organization_id, "id": new_id(), "schedule_id": event_type["schedule_id"], "date": weekday(day)}
            session.execute(insert(AvailabilityOverride).values(row | {"type": OverrideType.UNAVAILABLE}))
    assert cost(60) == 5


def test_reading_costs_the_same_at_every_size(office: Office, acme: Member) -> None:
    event_type = office.event_type()
    trips = office.round_trips()
    booked: list[dict[str, Any]] = []

    def costs() -> list[int]:
        trip_counts = []
        for path in ("bookings", f"bookings/{booked[0]['id']}", "event-types", "schedules", f"event-types/{event_type['id']}"):
            next(trips)
            assert acme.get(f"/v1/scheduling/{path}").status == 200
            trip_counts.append(next(trips))
        return trip_counts

    booked.append(office.booked(event_type, at("09:00")))
    few = costs()
    for number, clock in enumerate(("10:00", "11:00", "12:00", "13:00", "14:00")):
        booked.append(office.booked(event_type, at(clock), invitee=invitee(email=f"v{number}@visitor.example")))
        office.event_type()
    assert costs() == few == [4, 4, 3, 3, 5]


@pytest.mark.parametrize(("path", "body", "cost"), [("", None, 4), ("/cancel", {}, 5)])
def test_the_invitees_routes(office: Office, acme: Member, event_type: dict[str, Any], path: str, body: Any, cost: int) -> None:
    booking = office.booked(event_type, at("09:00"))
    (row,) = acme.rows(select(Booking).where(Booking.id == booking["id"]))
    trips = office.round_trips()
    next(trips)
    address = f"/v1/scheduling/managed-bookings/{management_token(row)}{path}"
    assert office.stranger.request("GET" if body is None else "POST", address, body).status == 200
    assert next(trips) == cost
