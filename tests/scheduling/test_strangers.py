"""What one stranger may hold and book, from one network and from fifty, and that a class behind one network still can."""

from __future__ import annotations

import itertools
import re
from typing import Any
from uuid import uuid4

import pytest

from local.client import Answer
from parley.kernel.mail import LONGEST_NAME, called
from parley.scheduling import limits
from tests.harness import Client, World
from tests.scheduling.office import Letter, Office, at, invitee, weekday

_networks = itertools.count(1)
DAY = [f"{hour:02}:{minute}" for hour in range(9, 17) for minute in ("00", "15", "30", "45")]


@pytest.fixture
def somewhere(world: World) -> Client:
    """Somebody in a network of which nobody else comes."""
    return strangers(world, 1)[0]


def strangers(world: World, count: int) -> list[Client]:
    return [Client(world, ip=f"198.19.{at_ // 250}.{at_ % 250 + 1}") for at_ in itertools.islice(_networks, count)]


def hold(client: Client, event_type: dict[str, Any], start: str, **more: str) -> Answer:
    return client.post(f"/v1/scheduling/event-types/{event_type['id']}/holds", {"start_time": start, **more})


def statuses(answers: list[Answer]) -> dict[int, int]:
    found = [answer.status for answer in answers]
    return {status: found.count(status) for status in sorted(set(found))}


# --- holds -------------------------------------------------------------------------------------------------------------------------------


def test_one_network_holds_a_few_times_and_the_day_stays_open(office: Office, somewhere: Client) -> None:
    event_type = office.event_type(slot_interval=15)
    offered = office.starts(event_type, weekday(0))
    answers = [hold(somewhere, event_type, at(clock)) for clock in DAY]
    assert statuses(answers)[201] <= limits.HOLDS.most
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.body["code"] == "rate_limit_exceeded" and int(refused.headers["retry-after"]) >= 1
    left = office.starts(event_type, weekday(0))
    assert len(left) >= len(offered) // 2
    office.booked(event_type, at(left[0]))


def test_fifty_networks_together_leave_half_of_a_day(office: Office, world: World) -> None:
    event_type = office.event_type(slot_interval=15)
    offered = office.starts(event_type, weekday(0))
    for client, clock in zip(strangers(world, 50), itertools.cycle(DAY), strict=False):
        answer = hold(client, event_type, at(clock))
        assert answer.status in (201, 409, 429, 422)
    left = office.starts(event_type, weekday(0))
    assert len(offered) > len(left) >= 7  # as many half hours as fit into half the day, and some of them at two starts
    office.booked(event_type, at(left[0]))
    assert [hold(strangers(world, 1)[0], event_type, at(clock)).body["code"] for clock in left[2:4]] == ["day_mostly_held"] * 2


@pytest.mark.parametrize("terms", [{"duration": 240}, {"kind": "GROUP", "capacity": 4, "duration": 240}, {"slot_interval": 5}])
def test_whatever_is_offered_the_last_of_a_day_is_nobodys_to_hold(office: Office, world: World, terms: dict[str, Any]) -> None:
    event_type = office.event_type(**terms)
    starts = office.starts(event_type, weekday(0))
    for client, clock in zip(strangers(world, 12), itertools.cycle(starts), strict=False):
        hold(client, event_type, at(clock))
    left = office.starts(event_type, weekday(0))
    assert left
    office.booked(event_type, at(left[-1]))


def test_a_hold_of_another_event_type_of_the_host_counts_as_well(office: Office, world: World) -> None:
    kinds = [office.event_type() for _ in range(3)]
    for client, (clock, event_type) in zip(strangers(world, 32), itertools.product(DAY[::2], kinds), strict=False):
        hold(client, event_type, at(clock))
    assert all(len(office.starts(event_type, weekday(0))) >= 8 for event_type in kinds)


def test_who_chooses_another_time_gives_the_first_one_back(office: Office, event_type: dict[str, Any], somewhere: Client) -> None:
    token = hold(somewhere, event_type, at("09:00")).body["token"]
    for clock in ("10:00", "11:00", "12:00"):
        token = hold(somewhere, event_type, at(clock), instead_of=token).body["token"]
    assert len(office.starts(event_type, weekday(0))) == 15
    body = {"event_type_id": event_type["id"], "start_time": at("12:00"), "invitee": invitee(), "hold_token": token}
    assert somewhere.post("/v1/scheduling/bookings", body).status == 201


def test_holds_use_up_nothing_of_a_limit(office: Office, world: World) -> None:
    event_type = office.event_type(max_bookings_per_day=2)
    held = [hold(client, event_type, at(clock)).status for client, clock in zip(strangers(world, 4), DAY[::2], strict=False)]
    assert held == [201] * 4
    assert office.book(event_type, at("15:00")).status == 201
    assert office.book(event_type, at("16:00")).status == 201


# --- names -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "You won 1000 USD, claim at https://evil.example/x now",
        "www.evil.example",
        "evil。example",
        "Call x.com or write to eve@evil.example",
        "Eve\uff20evil\uff0eexample",
    ],
)
def test_a_name_carries_no_address_into_headers_and_calendars(office: Office, world: World, name: str) -> None:
    event_type, address = office.event_type(), f"{uuid4().hex}@visitor.example"
    office.booked(event_type, at("10:00"), invitee=invitee(name=name, email=address))
    world.pump()
    (mine,) = [Letter(mail["raw"]) for mail in world.mails() if address in mail["to"]]
    (hosts,) = [Letter(mail["raw"]) for mail in world.mails() if str(office.host.user_id) in mail["to"]]
    shown = [str(header) for letter in (mine, hosts) for key, header in letter.message.items() if key in ("To", "Reply-To", "Subject")]
    shown += [str(letter.event["SUMMARY"]) for letter in (mine, hosts)] + [mine.text, hosts.text, hosts.html]
    for said in shown:
        assert not re.search(r"evil.example|x\.com|www\.evil", said.replace(address, "")), said


@pytest.mark.parametrize(
    "name", ["O'Neil-Smith (Acme, Inc.)", "Dr. J. R. R. Tolkien", "María José Ñandú", "李小龍", "Jean-Luc d'Été, Ph.D."]
)
def test_a_name_stays_as_its_owner_writes_it(name: str) -> None:
    assert called(name) in (name, name.replace("Ph.D.", "Ph. D."))
    assert len(called("x" * 200)) == LONGEST_NAME
