"""What requests cost: round trips and statements of every route, and the time of typical ones beside nothing but their SQL.

The handlers run in this process behind the local gateway, PostgreSQL on the same machine. The relay is not kicked where time is measured:
that is one request to SQS, and what answers it here is an emulator.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

from sqlalchemy import Engine, event

from benchmarks.bare_sql import Anew, Bare, statements_of
from benchmarks.measurement import Row, Table, Taken, in_turns, show
from benchmarks.stock_driver import new_engine, using
from local.stack import Stack
from parley.identity.organizations import current_caller as identity
from parley.identity.organizations.schemas import CallerRead
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.persistence import transactions
from parley.kernel.persistence.idempotency_key import IdempotentRequest
from parley.kernel.values.ids import new_id
from parley.scheduling.availability import slots
from parley.scheduling.availability.schemas import OpenSlotsRead
from parley.scheduling.bookings import booking_service
from parley.scheduling.bookings.schemas import BookingConfirmationRead, BookingCreate
from parley.scheduling.event_types import event_type_service
from tests.harness import World
from tests.kernel.postgres_proxy import PostgresProxy, wired
from tests.platform.every_route import Request, SeededOrganization

ROUNDS = 60
FAR_ROUNDS = 20
FAR_SECONDS = 0.001
BARE = "its SQL, bare pg8000"
STOCK = "stock pg8000"
OFFICE_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
Ready = Callable[[], Request]
Requests = dict[str, Ready]


def measure(world: World) -> list[Table]:
    with Path(os.devnull).open("w") as quiet, redirect_stdout(quiet), patch.dict(os.environ):
        house = SeededOrganization(world, world.organization("Acme"))
        requests = house.requests()  # once: making them ready lets the workers do everything that has happened since
        counts = _counts(house, requests)
        del os.environ["RELAY_QUEUE_URL"]
        times = _times(house, requests)
        far = _far(house, requests)
    return [
        Table("Round trips to PostgreSQL, counted on the wire; a creating request has an Idempotency-Key", counts),
        Table("Time of a request and of parts of it, beside the same statements sent by bare pg8000", times),
        Table(f"The same with {FAR_SECONDS * 1000:g} ms added to each round trip, beside the same code on the stock dialect", far),
    ]


# --- counted -------------------------------------------------------------------------------------------------------------------------


def _counts(house: SeededOrganization, requests: Requests) -> list[Row]:
    with wired() as wire:
        own_engine, stock = new_engine(is_stock=False), new_engine(is_stock=True)
        first = [cost_of(engine, wire, requests["GET /v1/identity/me"]()) for engine in (own_engine, stock)]
        rows = [Row.exact("first of an environment: connect, GET /v1/identity/me", first[0][0], "", STOCK, first[1][0])]
        for name, ready in {**requests, **house.work()}.items():
            for engine in (own_engine, stock):  # what is made once is made
                with using(engine):
                    ready()()
            (trips, statements), (stock_trips, _) = (cost_of(engine, wire, ready()) for engine in (own_engine, stock))
            rows.append(Row.exact(name, trips, "", STOCK, stock_trips, f"{statements} statement{'s' * (statements != 1)}"))
        for engine in (own_engine, stock):
            engine.dispose()
    return rows


def cost_of(engine: Engine, wire: PostgresProxy, request: Request) -> tuple[int, int]:
    """Round trips and statements, of which what opens a transaction is none."""
    statements = 0

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal statements
        statements += statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))

    event.listen(engine, "before_cursor_execute", note)
    before = wire.round_trips
    with using(engine):
        request()
    event.remove(engine, "before_cursor_execute", note)
    return wire.round_trips - before, statements


# --- timed ---------------------------------------------------------------------------------------------------------------------------


def _times(house: SeededOrganization, requests: Requests) -> list[Row]:
    with closing(Bare()) as bare:
        rows = _beside(bare, "GET /v1/identity/me", requests["GET /v1/identity/me"], lambda: lambda: _who_am_i(house))
        rows += _beside_booking(bare, house)
        office = _office(house)
        slots = house.slots(event_type=office)
        name = f"slots of 31 days ({len(slots().body['slots'])} open)"
        rows += _beside(bare, name, lambda: slots, lambda: lambda: _list_slots(house, UUID(office)))
        listed = requests["GET /v1/scheduling/bookings"]
        return rows + _beside(bare, f"list of {len(listed()().body['items'])} bookings", listed, None)


def _beside(bare: Bare, name: str, request: Ready, service: Ready | None) -> list[Row]:
    statements = statements_of(request())
    ready: list[Ready] = [lambda: lambda: bare.send(statements), request, *([service] if service else [])]
    return _rows(name, in_turns(ready, ROUNDS))


def _rows(name: str, taken: Sequence[Taken]) -> list[Row]:
    sql, *own_samples = taken
    parts = ("gateway to answer", "service and transaction")
    rows = [Row.of(f"{name}: {part}", samples.wall, "ms", BARE, sql.wall) for part, samples in zip(parts, own_samples, strict=False)]
    return rows + [
        Row.of(f"{name}: {part}, CPU", samples.cpu, "ms", BARE, sql.cpu) for part, samples in zip(parts, own_samples, strict=False)
    ]


def _who_am_i(house: SeededOrganization) -> CallerRead:
    with transactions.transaction(house.member.caller) as session:
        return identity.read_caller(session, house.member.caller)


def _beside_booking(bare: Bare, house: SeededOrganization) -> list[Row]:
    before = {str(house.member.organization_id), str(house.member.user_id), house.event_type, house.schedule}
    wanted = house.booking_wanted()
    first = datetime.fromisoformat(wanted["start_time"])
    headers = {"idempotency-key": str(new_id())}
    anew = Anew(statements_of(lambda: house.stranger.post("/v1/scheduling/bookings", wanted, headers)), before)

    def sql() -> Request:
        statements = anew.moved(house.start() - first)
        return lambda: bare.send(statements)

    def service() -> Request:
        body = BookingCreate.model_validate(house.booking_wanted())
        once = IdempotentRequest(str(new_id()), "POST /v1/scheduling/bookings", hashlib.sha256(b"").digest())
        return lambda: _book(body, once)

    return _rows("booking", in_turns([sql, house.book, service], ROUNDS))


def _book(wanted: BookingCreate, once: IdempotentRequest) -> BookingConfirmationRead:
    visitor = Caller(UUID(int=0), ActorType.VISITOR, ip_address="127.0.0.1")
    caller = visitor.acting_for(event_type_service.organization_of(wanted.event_type_id))
    with transactions.transaction(caller, once) as session:
        return once.answer(
            session, BookingConfirmationRead.model_validate(booking_service.book_slot(session, caller, wanted.event_type_id, wanted))
        )


def _office(house: SeededOrganization) -> str:
    """An event type from nine to five on working days; whatever the host has booked so far is in the way."""
    slots = [{"day_of_week": day, "start_time": "09:00", "end_time": "17:00"} for day in OFFICE_DAYS]
    schedule = house.member.post("/v1/scheduling/schedules", {"name": "Office", "timezone": "Europe/Berlin", "slots": slots}).body["id"]
    return house.add_event_type(schedule_id=schedule)


def _list_slots(house: SeededOrganization, event_type_id: UUID) -> OpenSlotsRead:
    caller = Caller(UUID(int=0), ActorType.VISITOR).acting_for(event_type_service.organization_of(event_type_id))
    with transactions.transaction(caller) as session:
        return slots.slots(session, event_type_id, house.tomorrow, house.tomorrow + timedelta(days=31), None)


# --- far away ------------------------------------------------------------------------------------------------------------------------


def _far(house: SeededOrganization, requests: Requests) -> list[Row]:
    slots = house.slots(event_type=_office(house))
    shown = {
        "GET /v1/identity/me": requests["GET /v1/identity/me"],
        "slots of 31 days": lambda: slots,
        "booking": house.book,
        "booking canceled by the host": lambda: _cancellation(house),
    }
    rows = []
    with wired() as wire:
        engines = new_engine(is_stock=False), new_engine(is_stock=True)
        for name, ready in shown.items():
            wire.delay = FAR_SECONDS
            own_samples, stock = in_turns([_on(engine, ready) for engine in engines], FAR_ROUNDS)
            wire.delay = 0.0
            rows.append(Row.of(name, own_samples.wall, "ms", STOCK, stock.wall))
        for engine in engines:
            engine.dispose()
    return rows


def _cancellation(house: SeededOrganization) -> Request:
    booking = house.add_booking()
    return lambda: house.member.post(f"/v1/scheduling/bookings/{booking}/cancel")


def _on(engine: Engine, ready: Ready) -> Ready:
    def prepared() -> Request:
        request = ready()

        def call() -> object:
            with using(engine):
                return request()

        return call

    return prepared


@contextmanager
def standing() -> Iterator[World]:
    """A stack of its own for benchmarks, and its environment in this process while it lasts."""
    with (
        tempfile.TemporaryDirectory(prefix="parley-bench-") as folder,
        Stack(Path(folder), port=0, durable=False, settings={"UNLIMITED_NETWORKS": "127.0.0.0/8"}) as stack,
        patch.dict(os.environ, stack.environment | {"POWERTOOLS_LOG_LEVEL": "CRITICAL"}),
    ):
        yield World(stack)


if __name__ == "__main__":
    with standing() as made:
        show(measure(made))
