"""What one stranger gets in a minute of asking as fast as the machine answers, from one network and from fifty, and what others lose."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from benchmarks.requests import standing
from local.client import Answer
from tests.harness import Client, World
from tests.scheduling.booking_scenarios import BERLIN, Office, at, invitee, weekday

MOST = 320
"""Requests of one attempt, if its minute is not over before."""
_networks = itertools.count(1)


def networks(world: World, count: int) -> list[Client]:
    return [Client(world, ip=f"198.19.{number // 250}.{number % 250 + 1}") for number in itertools.islice(_networks, count)]


def attempt(clients: list[Client], ask: Callable[[Client, int], Answer]) -> Counter[int]:
    """The answers of a minute by status, asked from one network after the other."""
    ends, got = time.monotonic() + 60, Counter[int]()
    for number, client in zip(range(MOST), itertools.cycle(clients), strict=False):
        if time.monotonic() > ends:
            break
        got[ask(client, number).status] += 1
    return got


def starts() -> list[str]:
    """Every quarter of an hour of a week's working hours, one day after the other."""
    return [at(f"{9 + quarter // 4:02}:{quarter % 4 * 15:02}", weekday(day)) for day in range(5) for quarter in range(31)]


def left(office: Office, event_type: dict[str, Any]) -> str:
    """Open starts of the worst day, of as many as there were, and whether an honest visitor books there."""
    days = [office.starts(event_type, weekday(day)) for day in range(5)]
    worst = min(range(5), key=lambda day: len(days[day]))
    if not days[worst]:
        return "0 of 31, nobody books"
    (honest,) = networks(office.world, 1)
    body = {"event_type_id": event_type["id"], "start_time": at(days[worst][-1], weekday(worst)), "invitee": invitee()}
    answer = honest.post("/v1/scheduling/bookings", body | {"invitee": invitee(email=f"{uuid4().hex}@honest.example")})
    return f"{len(days[worst])} of 31, an honest booking: {answer.status} {answer.body.get('code', '')}".strip()


def attempts(world: World, count: int) -> Iterator[tuple[str, Counter[int], str]]:
    """What is tried, what came of it, and what was left for others."""

    def office() -> tuple[Office, dict[str, Any]]:
        made = Office(world, world.organization("Acme"))
        return made, made.event_type(slot_interval=15)

    def booking(event_type: dict[str, Any], number: int, address: str) -> dict[str, Any]:
        all_starts = starts()
        return {
            "event_type_id": event_type["id"],
            "start_time": all_starts[2 * number % len(all_starts)],
            "invitee": invitee(email=address),
        }

    acme, event_type = office()
    monday = datetime.fromisoformat(f"{weekday(0)}T00:00").replace(tzinfo=ZoneInfo(BERLIN))
    week = {"from": monday.isoformat(), "to": (monday + timedelta(days=5)).isoformat()}
    path = f"/v1/scheduling/event-types/{event_type['id']}"
    got = attempt(networks(world, count), lambda client, _: client.request("GET", f"{path}/slots", query=week))
    yield "Slots of a week", got, left(acme, event_type)

    acme, event_type = office()
    path = f"/v1/scheduling/event-types/{event_type['id']}"
    got = attempt(networks(world, count), lambda client, number: client.post(f"{path}/holds", {"start_time": starts()[number % 155]}))
    yield "Holds, one day after the other", got, left(acme, event_type)

    acme, event_type = office()
    victim = f"{uuid4().hex}@victim.example"
    got = attempt(
        networks(world, count), lambda client, number: client.post("/v1/scheduling/bookings", booking(event_type, number, victim))
    )
    world.pump()
    mails = sum(victim in mail["to"] for mail in world.mails())
    yield f"Bookings in one name ({mails} mails to it)", got, left(acme, event_type)

    acme, event_type = office()
    got = attempt(
        networks(world, count),
        lambda client, number: client.post("/v1/scheduling/bookings", booking(event_type, number, f"{uuid4().hex}@invented.example")),
    )
    yield "Bookings in invented names", got, left(acme, event_type)


def main() -> None:
    os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"  # they would stand between the lines of the table
    with standing() as world:
        print("| what | networks | answers by status | open starts of the worst day |\n|---|---|---|---|")
        for count in (1, 50):
            for what, got, rest in attempts(world, count):
                print(
                    f"| {what} | {count} | {', '.join(f'{status}: {many}' for status, many in sorted(got.items()))} | {rest} |", flush=True
                )


if __name__ == "__main__":
    main()
