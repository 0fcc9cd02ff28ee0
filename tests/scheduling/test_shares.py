"""What the share of a day costs under the locks of a pool: no more than it takes to know, in functions called instead of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from parley.scheduling.availability import day_quotas
from parley.scheduling.availability.conflicts import UnprovenBooking
from parley.scheduling.availability.day_quotas import DayMostlyUnproven
from parley.scheduling.bookings import address_proofs
from tests.harness import Answer, Client, World
from tests.platform.test_distances import furnish, steps
from tests.scheduling.booking_scenarios import invitee

HOSTS = 20
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def test_a_strangers_booking_of_a_pool_costs_little_more_than_one_with_a_proof(world: World) -> None:
    house = furnish(world, HOSTS)
    event_type = house.add_event_type(kind="ROUND_ROBIN", questions=[], pool_id=house.made["pool"])
    first = datetime.now(UTC).date() + timedelta(days=20)

    def book(day: int, *, with_proof: bool) -> Answer:
        address = f"{uuid4().hex}@visitor.example"
        wanted = {"event_type_id": event_type, "start_time": f"{first + timedelta(days=day)}T12:00:00Z", "invitee": invitee(email=address)}
        if with_proof:
            wanted["address_proof"] = address_proofs.code(house.member.organization_id, address)
        return Client(world, ip=f"198.18.77.{day}").post("/v1/scheduling/bookings", wanted)

    def hold(day: int) -> Answer:
        path = f"/v1/scheduling/event-types/{event_type}/holds"
        return Client(world, ip=f"198.18.78.{day}").post(path, {"start_time": f"{first + timedelta(days=day)}T09:00:00Z"})

    proved, unproven, held = (
        [steps(call) for call in many]
        for many in (
            [lambda day=day: book(day, with_proof=True) for day in (1, 2, 3)],
            [lambda day=day: book(day, with_proof=False) for day in (4, 5, 6)],
            [lambda day=day: hold(day) for day in (7, 8, 9)],
        )
    )
    assert {answer.status for answer, _ in (*proved, *unproven, *held)} == {201}
    ordinary = min(count for _, count in proved)
    assert min(count for _, count in unproven) <= 1.15 * ordinary
    assert min(count for _, count in held) <= 1.1 * ordinary
    world.forget_events()


def test_more_room_than_is_enough_decides_as_all_of_it_does() -> None:
    def verdict(booked: list[UnprovenBooking], left: int) -> bool | None:
        try:
            return day_quotas._takes_last(booked, left)
        except DayMostlyUnproven:
            return None

    for all_ in range(14):
        for of_network in range(all_ + 1):
            booked = [UnprovenBooking(NOON, at < of_network, True) for at in range(all_)]
            enough = day_quotas._enough(booked)
            assert {verdict(booked, left) for left in range(enough, enough + 30)} == {verdict(booked, 10_000)} == {False}
