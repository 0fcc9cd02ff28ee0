"""A machine whose clock is off: what it writes is taken up in time, and what is not over it does not end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from parley.kernel.persistence import outbox, transactions
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.values import clock
from parley.kernel.values.declarations import EventName
from parley.scheduling.tables.booking_models import Booking
from tests.harness import Member, World
from tests.scheduling.booking_scenarios import Office, at, hours


@contextmanager
def off_by(by: timedelta) -> Iterator[None]:
    """This machine's clock alone: the database's is right."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "_read", lambda: datetime.now(UTC) + by)
        yield


@pytest.mark.parametrize("by", [timedelta(minutes=10), timedelta(minutes=-10)], ids=["ahead", "behind"])
def test_what_a_worker_announces_is_due_at_once(world: World, acme: Member, by: timedelta) -> None:
    world.pump()
    with off_by(by), transactions.transaction(acme.caller) as session:
        outbox.announce(session, EventName("test.single"))
        outbox.announce_all(session, EventName("test.several"), [{}, {}])
    world.invoke("platform/relay_outbox", {"Records": []})
    assert acme.rows(select(OutboxEvent.name)) == []


def test_a_refused_event_waits_by_the_databases_clock(acme: Member) -> None:
    with transactions.transaction(acme.caller) as session:
        outbox.announce(session, EventName("test.refused"))
    with off_by(timedelta(days=1)), transactions.sweep() as session:
        outbox.relay(session, lambda events: [False] * len(events))
    (due_at,) = acme.rows(select(OutboxEvent.due_at))
    assert due_at < datetime.now(UTC) + timedelta(seconds=10)


def test_a_clock_a_day_ahead_completes_nothing_and_forgets_no_request(world: World, acme: Member) -> None:
    office = Office(world, acme)
    booking = office.booked(office.event_type(), at("10:00"))
    key = {"idempotency-key": str(acme.user_id)}
    first = acme.post("/v1/scheduling/schedules", hours(name="Once"), key)
    with off_by(timedelta(days=40)):
        world.invoke("scheduling/complete_bookings", {})
        again = acme.post("/v1/scheduling/schedules", hours(name="Once"), key)
        world.invoke("platform/make_partitions", {})
    assert (first.status, again.status, again.raw) == (201, 201, first.raw)
    assert acme.post("/v1/scheduling/schedules", hours(name="Once"), key).raw == first.raw
    statuses = acme.rows(select(Booking.status))
    assert [status.value for status in statuses] == ["CONFIRMED"], booking


def test_tokens_of_a_clock_that_is_seconds_off_are_taken(world: World, acme: Member) -> None:
    for seconds in (-20, 20):
        token = world.token(acme.organization_id, acme.user_id, "OWNER", now=datetime.now(UTC) + timedelta(seconds=seconds))
        assert world.authorized(token)["actor_id"] == str(acme.user_id)
