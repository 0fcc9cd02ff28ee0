"""Fifty at once over HTTP, against real execution environments, for each rule that the database decides."""

from __future__ import annotations

import itertools
from collections import Counter
from functools import partial
from typing import Any

from local.client import Answer
from tests.stack.conftest import ServedStack
from tests.stack.load_scenarios import at, at_once, booking, created, event_type, schedule

FIFTY = 50
BOOKINGS = "/v1/scheduling/bookings"


def book(served: ServedStack, kind: str, start: str, number: int = 0) -> partial[Answer]:
    return partial(served.stranger.post, BOOKINGS, booking(kind, start, f"V{number}"))


def counted(answers: list[Answer]) -> Counter[int]:
    odd = [answer.raw for answer in answers if answer.status not in (200, 201, 409)]
    assert odd == []
    return Counter(answer.status for answer in answers)


def standing(served: ServedStack, kind: str) -> list[dict[str, Any]]:
    items = served.owner.get(f"{BOOKINGS}?event_type_id={kind}&limit=100").body["items"]
    return [item for item in items if item["status"] in ("PENDING", "CONFIRMED")]


def colleagues(served: ServedStack, count: int) -> list[str]:
    """The ids of more hosts, with round-the-clock hours by the event type's schedule."""
    from tests.stack.seeded_members import joined

    return joined(served, count)


def test_fifty_overlapping_starts_of_one_event_type_leave_one(served: ServedStack) -> None:
    kind = event_type(served.owner, schedule(served.owner), duration=60, slot_interval=5)
    starts = itertools.islice(itertools.cycle([f"09:{minute:02}" for minute in range(0, 60, 5)]), FIFTY)
    answers = at_once([book(served, kind, at(start, 9), number) for number, start in enumerate(starts)])
    assert counted(answers) == {201: 1, 409: 49}
    assert len(standing(served, kind)) == 1


def test_fifty_requests_for_overlapping_starts_leave_one_pending(served: ServedStack) -> None:
    kind = event_type(served.owner, schedule(served.owner), duration=60, slot_interval=15, requires_confirmation=True)
    starts = itertools.islice(itertools.cycle(["09:00", "09:15", "09:30", "09:45"]), FIFTY)
    answers = at_once([book(served, kind, at(start, 10), number) for number, start in enumerate(starts)])
    assert counted(answers) == {201: 1, 409: 49}
    (pending,) = standing(served, kind)
    assert pending["status"] == "PENDING"
    # Nothing else can be pending beside it; of fifty who confirm it, one does.
    confirm = partial(served.owner.post, f"{BOOKINGS}/{pending['id']}/confirm")
    assert counted(at_once([confirm] * FIFTY)) == {200: 1, 409: 49}


def test_of_two_requests_that_follow_each_other_both_are_confirmed_once(served: ServedStack) -> None:
    kind = event_type(served.owner, schedule(served.owner), requires_confirmation=True)
    made = [created(book(served, kind, at(start, 11))())["id"] for start in ("09:00", "09:30")]
    answers = at_once([partial(served.owner.post, f"{BOOKINGS}/{booking_id}/confirm") for booking_id in made * 25])
    assert counted(answers) == {200: 2, 409: 48}


def test_two_pending_seats_of_one_session_are_each_confirmed_once(served: ServedStack) -> None:
    """The only requests that can be pending at one time of one host: seats beside each other."""
    kind = event_type(served.owner, schedule(served.owner), kind="GROUP", capacity=2, requires_confirmation=True)
    booking_answers = at_once([book(served, kind, at("15:00", 11), number) for number in range(FIFTY)])
    assert counted(booking_answers) == {201: 2, 409: 48}
    made = [answer.body["id"] for answer in booking_answers if answer.status == 201]
    answers = at_once([partial(served.owner.post, f"{BOOKINGS}/{booking_id}/confirm") for booking_id in made * 25])
    assert counted(answers) == {200: 2, 409: 48}
    assert [item["status"] for item in standing(served, kind)] == ["CONFIRMED"] * 2


def test_a_group_of_five_takes_five_of_fifty_into_one_session(served: ServedStack) -> None:
    kind = event_type(served.owner, schedule(served.owner), kind="GROUP", capacity=5)
    assert counted(at_once([book(served, kind, at("10:00", 12), number) for number in range(FIFTY)])) == {201: 5, 409: 45}
    assert {item["start_time"] for item in standing(served, kind)} == {at("10:00", 12)}
    assert len(standing(served, kind)) == 5


def test_a_pool_of_three_takes_three_of_fifty_each_another_host(served: ServedStack) -> None:
    hosts = colleagues(served, 3)
    wanted = {"name": "Sales", "strategy": "ROTATE", "hosts": [{"user_id": host_id} for host_id in hosts]}
    pool = created(served.owner.post("/v1/scheduling/pools", wanted))["id"]
    kind = event_type(served.owner, schedule(served.owner), kind="ROUND_ROBIN", pool_id=pool)
    assert counted(at_once([book(served, kind, at("10:00", 13), number) for number in range(FIFTY)])) == {201: 3, 409: 47}
    assert sorted(item["host_id"] for item in standing(served, kind)) == sorted(hosts)
    seen = served.owner.get(f"/v1/scheduling/pools/{pool}").body["hosts"]
    assert [host["assignment_count"] for host in seen] == [1, 1, 1]


def test_a_collective_and_a_one_on_one_of_one_of_its_hosts(served: ServedStack) -> None:
    hours = schedule(served.owner)
    alone = event_type(served.owner, hours)
    owner = served.owner.get(f"/v1/scheduling/event-types/{alone}").body["user_id"]
    hosts = [{"user_id": host_id} for host_id in (*colleagues(served, 2), owner)]
    together = event_type(served.owner, hours, kind="COLLECTIVE", hosts=hosts)
    calls = [book(served, kind, at("10:00", 14), number) for number, kind in enumerate([alone, together] * 25)]
    assert counted(at_once(calls)) == {201: 1, 409: 49}
    assert len(standing(served, alone)) + len(standing(served, together)) == 1


def test_one_booking_moves_once(served: ServedStack) -> None:
    kind = event_type(served.owner, schedule(served.owner))
    made = created(book(served, kind, at("08:00", 15))())["id"]
    starts = itertools.islice(itertools.cycle([f"{hour:02}:{minute}" for hour in range(9, 17) for minute in ("00", "30")]), FIFTY)
    move = f"{BOOKINGS}/{made}/reschedule"
    answers = at_once([partial(served.owner.post, move, {"start_time": at(start, 15)}) for start in starts])
    assert counted(answers) == {201: 1, 409: 49}
    assert len(standing(served, kind)) == 1


def test_two_bookings_that_move_to_one_slot(served: ServedStack) -> None:
    kind = event_type(served.owner, schedule(served.owner))
    made = [created(book(served, kind, at(start, 18))())["id"] for start in ("08:00", "08:30")]
    to = {"start_time": at("12:00", 18)}
    answers = at_once([partial(served.owner.post, f"{BOOKINGS}/{booking_id}/reschedule", to) for booking_id in made * 25])
    assert counted(answers) == {201: 1, 409: 49}
    assert len(standing(served, kind)) == 2


def test_a_booking_is_moved_or_canceled_and_not_both(served: ServedStack) -> None:
    kind = event_type(served.owner, schedule(served.owner))
    made = created(book(served, kind, at("08:00", 16))())["id"]
    move = partial(served.owner.post, f"{BOOKINGS}/{made}/reschedule", {"start_time": at("12:00", 16)})
    cancel = partial(served.owner.post, f"{BOOKINGS}/{made}/cancel")
    answers = at_once([move, cancel] * 25)
    assert counted(answers)[409] == 49
    (won,) = (answer for answer in answers if answer.status != 409)
    assert len(standing(served, kind)) == (1 if won.status == 201 else 0)


def test_fifty_holds_of_one_slot(served: ServedStack) -> None:
    kind = event_type(served.owner, schedule(served.owner))
    hold = partial(served.stranger.post, f"/v1/scheduling/event-types/{kind}/holds", {"start_time": at("09:00", 17)})
    answers = at_once([hold] * FIFTY)
    assert counted(answers) == {201: 1, 409: 49}
    (token,) = (answer.body["token"] for answer in answers if answer.status == 201)
    rivals: list[partial[Answer]] = [book(served, kind, at("09:00", 17), number) for number in range(FIFTY - 1)]
    holder = partial(served.stranger.post, BOOKINGS, booking(kind, at("09:00", 17), "Holder") | {"hold_token": token})
    answers = at_once([*rivals, holder])
    assert counted(answers) == {201: 1, 409: 49}
    assert answers[-1].status == 201
