"""Scheduled functions: a bad row stops neither its neighbors nor other tenants nor the next run, and is heard of."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from local.invocation import FunctionFailed
from parley.kernel.access.callers import system
from parley.kernel.persistence import outbox, transactions
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.persistence.sweep_retries import PostponedRow
from parley.kernel.values.clock import now
from parley.kernel.values.declarations import EventName
from parley.kernel.workers.sweeps import CrossTenantDuty, Sweep
from parley.scheduling.tables.booking_models import Booking, Invitee
from parley.scheduling.tables.enums import BookingStatus
from tests.harness import Member, World
from tests.platform.test_grants import DOCUMENT
from tests.scheduling.booking_scenarios import Office, at
from tests.test_architecture import ROOT

# Functions with a schedule of another form, with the reason.
OTHERWISE: dict[str, str] = {
    "SamlSweepDomains": "asks name servers, outside of any transaction; every domain is put off before it is looked at, and fails alone",
}


@contextmanager
def refusing(world: World, table: str, row_id: UUID, verbs: str = "UPDATE OR DELETE") -> Iterator[None]:
    """A row that nothing can be done to."""
    name = f"refuse_{row_id.hex}"
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$")
        superuser.run(f"CREATE TRIGGER {name} BEFORE {verbs} ON {table} FOR EACH ROW WHEN (OLD.id = '{row_id}') EXECUTE FUNCTION {name}()")
        try:
            yield
        finally:
            superuser.run(f"DROP TRIGGER {name} ON {table}")
            superuser.run(f"DROP FUNCTION {name}()")


def is_over(member: Member, *ids: str, hours: int = 2) -> None:
    """These bookings have taken place."""
    with transactions.transaction(member.caller) as session:
        for id_ in ids:
            begins, ends = now() - timedelta(hours=hours), now() - timedelta(hours=hours) + timedelta(minutes=30)
            session.execute(update(Booking).where(Booking.id == UUID(id_)).values(start_time=begins, end_time=ends))
            hours += 1


def statuses(member: Member) -> dict[str, str]:
    columns: Any = select(Booking.id, Booking.status)
    return {str(id_): status.value for id_, status in member.rows(columns)}


def postponed(member: Member) -> list[tuple[str, UUID, int]]:
    rows = member.rows(select(PostponedRow).order_by(PostponedRow.row_id))
    return [(row.duty, row.row_id, row.failures) for row in rows]


def try_again(member: Member) -> None:
    """The time of what was put off has come."""
    with transactions.transaction(system(member.organization_id)) as session:
        session.execute(update(PostponedRow).values(due_at=now() - timedelta(seconds=1)))


def test_a_booking_that_can_not_be_completed_stops_nobody(world: World, acme: Member, globex: Member) -> None:
    offices = sorted((Office(world, acme), Office(world, globex)), key=lambda item: item.host.organization_id)
    first, second = (office.host for office in offices)
    made = [[office.booked(office.event_type(), at(clock))["id"] for clock in ("10:00", "11:00", "12:00")] for office in offices]
    is_over(first, *made[0])
    is_over(second, *made[1])
    (erased,) = second.rows(select(Invitee.id).where(Booking.invitee_id == Invitee.id, Booking.id == UUID(made[1][0])))
    with transactions.transaction(system(second.organization_id)) as session:
        session.execute(update(Invitee).where(Invitee.id == erased).values(erasure_wanted_at=now()))
    bad = made[0][2]  # the oldest of the first organization
    with refusing(world, "scheduling_bookings", UUID(bad)):
        with pytest.raises(FunctionFailed, match=r"bookings.*1"):
            world.invoke("scheduling/complete_bookings", {})
        assert statuses(first) == {made[0][0]: "COMPLETED", made[0][1]: "COMPLETED", bad: "CONFIRMED"}
        assert set(statuses(second).values()) == {"COMPLETED"}
        assert second.rows(select(Invitee.erasure_wanted_at).where(Invitee.id == erased)) == [None]
        assert postponed(first) == [("bookings", UUID(bad), 1)] and postponed(second) == []
        # It is put off: the next run is quiet, and what comes next of the same tenant is done.
        world.invoke("scheduling/complete_bookings", {})
        try_again(first)
        with pytest.raises(FunctionFailed):
            world.invoke("scheduling/complete_bookings", {})
        ((_, _, failures),) = postponed(first)
        (due_at,) = first.rows(select(PostponedRow.due_at))
        assert failures == 2 and timedelta(seconds=60) < due_at - now() <= timedelta(seconds=120)
    try_again(first)
    world.invoke("scheduling/complete_bookings", {})
    assert statuses(first)[bad] == BookingStatus.COMPLETED.value
    assert postponed(first) == []


def test_an_event_that_can_not_be_marked_holds_up_no_other(world: World, acme: Member) -> None:
    world.pump()
    with transactions.transaction(acme.caller) as session:
        for at_ in range(4):
            outbox.announce(session, EventName(f"test.event_{at_}"))
    bad = acme.rows(select(OutboxEvent).order_by(OutboxEvent.due_at, OutboxEvent.id))[0]
    with refusing(world, "outbox_events", bad.id):
        with pytest.raises(FunctionFailed, match="events"):
            world.invoke("platform/relay_outbox", {"Records": []})
        assert acme.rows(select(OutboxEvent.id)) == [bad.id]
        assert world.invoke("platform/relay_outbox", {"Records": []}) == {"batchItemFailures": []}
    try_again(acme)
    world.invoke("platform/relay_outbox", {"Records": []})
    assert acme.rows(select(OutboxEvent.id)) == []


def test_a_bus_that_is_away_puts_nothing_off(world: World, acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    world.pump()
    with transactions.transaction(acme.caller) as session:
        outbox.announce(session, EventName("test.kept"))
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        with pytest.raises(FunctionFailed):
            world.invoke("platform/relay_outbox", {"Records": []})
    assert postponed(acme) == []
    world.invoke("platform/relay_outbox", {"Records": []})
    assert acme.rows(select(OutboxEvent.id)) == []


def test_a_duty_that_fails_stops_no_other_and_is_raised(world: World) -> None:
    class Context:
        @staticmethod
        def get_remaining_time_in_millis() -> int:
            return 60_000

    came: list[str] = []

    def fails(_: Any) -> int:
        raise ArithmeticError

    def works(_: Any) -> int:
        came.append("works")
        return 3

    sweep = Sweep(CrossTenantDuty("first", fails), CrossTenantDuty("second", works))
    with pytest.raises(Exception, match=r"'first': 1.*'second': 3"):
        sweep({}, Context())
    assert came == ["works"]


def test_every_scheduled_function_is_a_sweep() -> None:
    """Whoever adds a schedule copies the form, or says here why not."""
    scheduled = {
        name: resource["Properties"]
        for name, resource in DOCUMENT["Resources"].items()
        if any(event["Type"].startswith("Schedule") for event in resource.get("Properties", {}).get("Events", {}).values())
    }
    assert len(scheduled) >= 6
    for name, properties in scheduled.items():
        path = ROOT / properties["CodeUri"] / f"{properties['Handler'].partition('.')[0]}.py"
        spec = importlib.util.spec_from_file_location(f"scheduled_{name}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert name in OTHERWISE or any(isinstance(value, Sweep) for value in vars(module).values()), name
