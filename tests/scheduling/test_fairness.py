"""The shares of a pool, against the real database: hosts come and go, are busy, weigh more or less. CASES=10000 books a thousand."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import select, update

from parley.identity.models import OrganizationMember
from parley.kernel.persistence import transactions
from parley.scheduling.tables.booking_models import Booking
from tests.harness import Member
from tests.scheduling.booking_scenarios import Office

HALF_HOURS = 16
"""A working day, and the least that a phase lasts."""
PHASES = 6
BOOKINGS = max(PHASES * HALF_HOURS, int(os.environ.get("CASES", "300")) // 10)
WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
ALWAYS = {"timezone": "UTC", "slots": [{"day_of_week": day, "start_time": "00:00", "end_time": "24:00"} for day in WEEK]}


@dataclass
class Host:
    weight: int
    priority: int
    count: int = 0
    last: int = -1  # the number of the booking; -1: never


@dataclass
class Expected:
    """Who ought to have each booking, by the words of the rules, in fractions and with nothing of ours."""

    strategy: str
    hosts: dict[str, Host]
    away: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)
    number: int = 0

    def next(self) -> str:
        here = [name for name in self.hosts if name not in self.away]
        free = [name for name in here if name not in self.busy]
        longest = {name: (self.hosts[name].last, here.index(name)) for name in here}
        if self.strategy == "ROTATE":
            order = list(self.hosts)
            last = max(order, key=lambda name: self.hosts[name].last)
            after = order.index(last) + 1 if self.hosts[last].last >= 0 else 0
            name = next(candidate for candidate in order[after:] + order[:after] if candidate in free)
        elif self.strategy == "WEIGHTED":
            weights, total = sum(self.hosts[candidate].weight for candidate in here), sum(self.hosts[candidate].count for candidate in here)
            heavy = [candidate for candidate in free if self.hosts[candidate].weight] or free
            claims = {
                candidate: Fraction(self.hosts[candidate].weight, weights or 1) * (total + 1) - self.hosts[candidate].count
                for candidate in heavy
            }
            name = min(heavy, key=lambda candidate: (-claims[candidate], -self.hosts[candidate].weight, longest[candidate]))
        elif self.strategy == "PRIORITY":
            name = min(free, key=lambda candidate: (-self.hosts[candidate].priority, longest[candidate]))
        else:
            name = min(free, key=lambda candidate: longest[candidate])
        self.hosts[name].count += 1
        self.hosts[name].last = self.number
        self.number += 1
        return name


class Pool:
    """A pool of four hosts and one who comes later, with an event type around the clock."""

    def __init__(self, office: Office, strategy: str) -> None:
        self.office, acme = office, office.host
        self.people = {name: acme.as_role("MEMBER") for name in "abcde"}
        always = {"name": "Always", **ALWAYS}
        self.schedules = {
            name: office._created(member.post("/v1/scheduling/schedules", always))["id"] for name, member in self.people.items()
        }
        terms = {"a": (1, 2), "b": (2, 5), "c": (3, 5), "d": (4, 1)}
        self.expected = Expected(strategy, {name: Host(*each) for name, each in terms.items()})
        wanted = {"name": "Sales", "strategy": strategy, "hosts": self.places()}
        self.id = str(office._created(acme.post("/v1/scheduling/pools", wanted))["id"])
        self.event_type = office.event_type(ALWAYS, kind="ROUND_ROBIN", pool_id=self.id)
        self.start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
        self.assigned: list[tuple[str, str]] = []

    def places(self) -> list[dict[str, Any]]:
        hosts = self.expected.hosts.items()
        return [{"user_id": str(self.people[name].user_id), "weight": host.weight, "priority": host.priority} for name, host in hosts]

    def change(self) -> None:
        assert self.office.host.patch(f"/v1/scheduling/pools/{self.id}", {"hosts": self.places()}).status == 200

    def occupy(self, name: str, days: int) -> None:
        """Somebody books this host alone, for eight hours at a time, from the next start on."""
        member = self.people[name]
        wanted = {
            "schedule_id": self.schedules[name],
            "name": "Workshop",
            "slug": "workshop",
            "duration": 30 * HALF_HOURS,
            "slot_interval": 30,
        }
        workshop = self.office._created(member.post("/v1/scheduling/event-types", {**wanted, "location_type": "ZOOM"}))
        for day in range(days):
            at = self.start + timedelta(minutes=30 * HALF_HOURS * day)
            self.office.booked(workshop, at.isoformat())

    def set_active(self, name: str, *, is_active: bool) -> None:
        values = {"deactivated_at": None if is_active else datetime.now(UTC)}
        with transactions.transaction(self.office.host.caller) as session:
            statement = update(OrganizationMember).where(OrganizationMember.user_id == self.people[name].user_id)
            session.execute(statement.values(values))

    def book(self, count: int) -> Counter[str]:
        """Each at the next start; one host of the pool has it, by the strategy."""
        shares: Counter[str] = Counter()
        ids = {str(member.user_id): name for name, member in self.people.items()}
        made = []
        for _ in range(count):
            made.append(self.office.booked(self.event_type, self.start.isoformat())["id"])
            self.start += timedelta(minutes=30)
        rows = {str(row.id): row.host_id for row in self.office.host.rows(select(Booking).where(Booking.pool_id == self.id))}
        for booking_id in made:
            name = ids[str(rows[booking_id])]
            self.assigned.append((name, self.expected.next()))
            shares[name] += 1
        return shares


@pytest.mark.timeout(60 + BOOKINGS)
@pytest.mark.parametrize("strategy", ["ROTATE", "WEIGHTED", "LEAST_RECENT", "PRIORITY"])
def test_shares_with_hosts_who_come_and_go(
    office: Office, acme: Member, strategy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RELAY_QUEUE_URL")  # nobody waits for the mails of all these bookings
    pool = Pool(office, strategy)
    expected, days = pool.expected, BOOKINGS // PHASES // HALF_HOURS
    phase = days * HALF_HOURS

    everybody = pool.book(phase)
    fair = {"WEIGHTED": {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}, "PRIORITY": {"b": 0.5, "c": 0.5}}
    for name in "abcd":
        assert abs(everybody[name] - fair.get(strategy, dict.fromkeys("abcd", 0.25)).get(name, 0) * phase) <= 1, everybody

    pool.occupy("c", days)
    expected.busy = {"c"}
    assert pool.book(phase)["c"] == 0

    expected.busy = set()
    expected.hosts["e"] = Host(2, 4)
    pool.change()
    pool.book(phase)

    pool.set_active("b", is_active=False)
    expected.away = {"b"}
    assert pool.book(phase)["b"] == 0

    expected.hosts["a"].weight, expected.hosts["d"].weight, expected.hosts["a"].priority = 6, 0, 9
    pool.change()
    assert strategy != "WEIGHTED" or pool.book(1)["d"] == 0
    pool.book(phase)

    pool.set_active("b", is_active=True)
    expected.away = set()
    pool.book(BOOKINGS - len(pool.assigned))

    assert [host_name for host_name, _ in pool.assigned] == [wanted for _, wanted in pool.assigned]
    shares = Counter(host_name for host_name, _ in pool.assigned)
    with capsys.disabled():
        print(f"\n{strategy}", len(pool.assigned), dict(sorted(shares.items())))
    assert shares == {name: host.count for name, host in expected.hosts.items() if host.count}
    check_counts(pool, acme, shares)


def check_counts(pool: Pool, acme: Member, shares: Counter[str]) -> None:
    """Count and time of the last assignment are those of the bookings there are."""
    assignments: dict[str, tuple[int, Any]] = {}
    for row in acme.rows(select(Booking).where(Booking.pool_id == pool.id).order_by(Booking.created_at)):
        assignments[str(row.host_id)] = assignments.get(str(row.host_id), (0, None))[0] + 1, row.created_at
    hosts = acme.get(f"/v1/scheduling/pools/{pool.id}").body["hosts"]
    for host in hosts:
        count, last = assignments.get(host["user_id"], (0, None))
        name = next(name for name, member in pool.people.items() if str(member.user_id) == host["user_id"])
        assert host["assignment_count"] == count == shares[name]
        last_assigned_at = host["last_assigned_at"]
        assert (last_assigned_at is None) == (last is None)
        assert last_assigned_at is None or timedelta() <= datetime.fromisoformat(last_assigned_at) - last < timedelta(seconds=5)
