"""The most mails that one mailbox gets in a day because of a stranger, and that a new organization sends: from the limits, and by a run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from parley.identity.models import Organization
from parley.kernel.access.plans import PlanType
from parley.kernel.access.rate_limits import RateLimit
from parley.kernel.persistence import transactions
from parley.notifications.enums import NotificationChannel
from parley.notifications.limits import daily_quotas, outreach
from parley.notifications.limits.quotas import A_DAY, DAY, MailKind
from parley.scheduling.bookings import booking_limits, outreach_limits
from tests.harness import World
from tests.scheduling.booking_scenarios import Office, at, invitee, weekday

DOCUMENT = (Path(__file__).parents[2] / "docs" / "limits.md").read_text()
MEMBERS = RateLimit("outreach", "", outreach.STEPS[0], DAY).most_within(DAY)
WORKFLOWS = 2 * daily_quotas.YOUNG[NotificationChannel.EMAIL][0]


def test_the_table_of_a_mailbox_is_what_the_limits_say() -> None:
    rows = {kind.value: RateLimit("", "", most, DAY).most_within(DAY) for kind, most in A_DAY.items()}
    rows["NUMBER_AGREEMENT (texts)"] = rows.pop("NUMBER_AGREEMENT")
    rows["BOOKING: bookings that a member makes for it, over all organizations"] = rows.pop("BOOKING")
    rows["bookings in its name, without a proof"] = booking_limits.OF_ADDRESS.most_within(DAY)
    rows["codes for bookings in its name"] = min(booking_limits.CODES.most_within(DAY), booking_limits.CODES_OF_DAY.most_within(DAY))
    table = DOCUMENT.partition("| kind | most in 24 hours |")[2].partition("\n\n")[0]
    assert table.splitlines()[2:] == [f"| {name} | {most} |" for name, most in rows.items()]
    assert f"sends its invitee {outreach_limits.MOST_CHANGES + 2} mails at most" in DOCUMENT


def test_the_table_of_a_new_organization_is_what_the_limits_say() -> None:
    table = DOCUMENT.partition("| what | most |")[2].partition("\n\n")[0]
    numbers = [int(row.rsplit("|", 2)[1]) for row in table.splitlines()[2:]]
    assert numbers == [MEMBERS, MEMBERS, WORKFLOWS, 2 * MEMBERS + WORKFLOWS]


@pytest.fixture
def young(world: World) -> Office:
    """Of an organization that was founded just now, without any agreement."""
    owner = world.organization("Young", PlanType.FREE)
    with transactions.transaction(owner.caller) as session:
        session.execute(update(Organization).where(Organization.id == owner.organization_id).values(seat_limit=1000))
    return Office(world, owner)


def to_strangers(world: World, victim: str) -> int:
    return sum(victim in str(mail["to"]) for mail in world.mails())


def booked_for(office: Office, kind: dict[str, Any], number: int, address: str) -> Any:
    day, half = divmod(number, 16)
    start = at(f"{9 + half // 2:02}:{30 * (half % 2):02}", weekday(day))
    return office.host.post(f"/v1/scheduling/event-types/{kind['id']}/bookings", {"start_time": start, "invitee": invitee(email=address)})


def test_what_a_new_organization_has_sent_to_people_who_did_not_ask(young: Office, world: World) -> None:
    """Everything that a member can do, over and over: the mails that leave are no more than in the table, and cancellations always go."""
    kind, domain = young.event_type(), f"{young.host.organization_id.hex}.example"
    most = outreach.STEPS[0]
    answers = [booked_for(young, kind, number, f"{number}@{domain}") for number in range(most // 2)]
    made = [answer.body for answer in answers if answer.status == 201]
    world.pump()  # of what is canceled before it is heard of, nobody is told
    for number in range(most // 2 + 3):
        path = f"/v1/scheduling/bookings/{made[-1]['id']}/reschedule"
        moved = young.host.post(path, {"start_time": at("09:00" if number % 2 else "10:00", weekday(2))})
        made[-1] = moved.body if moved.status == 201 else made[-1]
        answers.append(moved)
        world.pump()
    answers.append(young.host.post("/v1/identity/invitations", {"email": f"new@{domain}"}))
    answers.append(booked_for(young, kind, 40, f"more@{domain}"))
    assert Counter(answer.status for answer in answers) == {201: most, 429: 5}
    assert all(int(answer.headers["retry-after"]) > 3600 for answer in answers if answer.status == 429)
    assert {young.cancel(booking).status for booking in made} == {200}
    world.pump()
    assert to_strangers(world, domain) == most + len(made) <= 2 * MEMBERS


def test_one_mailbox_gets_few_bookings_whoever_makes_them(world: World) -> None:
    statuses: Counter[int] = Counter()
    victim = ""
    for _ in range(2):
        owner = world.organization("Paying", PlanType.BUSINESS)
        office = Office(world, owner)
        kind, victim = office.event_type(), victim or f"{owner.organization_id.hex}@victim.example"
        spelled = [victim.replace("@", f"+{number}@") if number % 2 else victim.upper() for number in range(8)]
        statuses.update(booked_for(office, kind, number, address).status for number, address in enumerate(spelled))
    assert statuses == {201: A_DAY[MailKind.BOOKING], 429: 16 - A_DAY[MailKind.BOOKING]}


def test_a_meeting_is_moved_so_often_and_can_then_be_canceled(world: World) -> None:
    office = Office(world, world.organization("Restless"))
    kind = office.event_type()
    booking = office.booked(kind, at("09:00"))
    for number in range(outreach_limits.MOST_CHANGES):
        start = at("11:00" if number % 2 else "10:00")
        moved = office.host.post(f"/v1/scheduling/bookings/{booking['id']}/reschedule", {"start_time": start})
        assert moved.status == 201, moved.raw
        booking = moved.body
    refused = office.host.post(f"/v1/scheduling/bookings/{booking['id']}/reschedule", {"start_time": at("14:00")})
    assert (refused.status, refused.body["code"]) == (409, "moved_too_often")
    assert office.cancel(booking).status == 200
