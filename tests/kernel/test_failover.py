"""The database fails over, stands still, or is away: 503 with Retry-After for everybody, no connection kept that is of no use, and the
next request well."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from local.processes import until
from parley.kernel.access.callers import system
from parley.kernel.edge.error_mapping import refusal_of
from parley.kernel.persistence import outbox, transactions
from parley.kernel.postgres import authorizer_lookup, db_errors
from parley.kernel.postgres.integrity_errors import is_passing
from parley.kernel.values.declarations import EventName
from parley.kernel.values.errors import Unavailable
from tests.harness import Answer, Member, World
from tests.kernel.postgres_proxy import wired
from tests.scheduling.booking_scenarios import hours

NEW = "/v1/scheduling/schedules"


def assert_unavailable(answer: Answer) -> None:
    assert (answer.status, answer.body["code"]) == (503, "unavailable"), answer.raw
    assert int(answer.headers["retry-after"]) <= 5
    assert answer.headers["content-type"] == "application/problem+json"


@contextmanager
def read_only(world: World) -> Iterator[None]:
    """The server behind the address is one that does not write, as a replica after a failover."""

    def switch(statement: str, expected: str) -> None:
        with world.stack.postgres.superuser("parley") as superuser:
            superuser.run(statement)
            superuser.run("SELECT pg_reload_conf()")
        with world.stack.postgres.superuser("parley") as superuser:
            assert until(lambda: superuser.run("SHOW default_transaction_read_only") == [[expected]], 5)

    switch("ALTER SYSTEM SET default_transaction_read_only = on", "on")
    try:
        yield
    finally:
        switch("ALTER SYSTEM RESET default_transaction_read_only", "off")


def make_stale() -> None:
    """The connection that this process keeps leads to a server that became a replica; new ones lead to the one that writes."""
    with transactions.engine().connect() as connection:
        connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        connection.commit()


def test_the_old_writer_is_left_with_its_first_error(acme: Member) -> None:
    assert acme.post(NEW, hours(name="Before")).status == 201
    make_stale()
    assert acme.post(NEW, hours(name="After")).status == 201  # admission counts, which is a write: it is asked again on another connection
    make_stale()
    assert acme.get(NEW).status == 200
    assert {item["name"] for item in acme.get(NEW).body["items"]} == {"Before", "After"}


def test_a_write_without_admission_fails_once_and_is_well_the_next_time(acme: Member) -> None:
    def announce() -> None:
        with transactions.transaction(system(acme.organization_id)) as session:
            outbox.announce(session, EventName("test.announced"))
            session.flush()

    make_stale()
    with pytest.raises(DBAPIError) as caught:
        announce()
    assert isinstance(refusal_of(caught.value), Unavailable)
    announce()
    assert acme.rows(select(outbox.OutboxEvent.name)) == ["test.announced"]


def test_a_server_that_only_reads_is_unavailable_and_nothing_lasts_longer_than_it(world: World, acme: Member) -> None:
    key = acme.key("*")
    with read_only(world):
        for client in (acme, key):
            assert_unavailable(client.post(NEW, hours(name="Meanwhile")))
            assert_unavailable(client.get(NEW))
    for client in (acme, key):
        assert client.get(NEW).status == 200
        assert client.post(NEW, hours(name="Afterwards")).status == 201
    assert [item["name"] for item in acme.get(NEW).body["items"]].count("Meanwhile") == 0


@contextmanager
def away() -> Iterator[None]:
    """Nobody listens at the database's address."""
    url = os.environ["DATABASE_URL"]
    transactions.engine().dispose()
    os.environ["DATABASE_URL"] = "postgresql://parley_app:x@127.0.0.1:1/parley"
    try:
        yield
    finally:
        os.environ["DATABASE_URL"] = url
        transactions.engine().dispose()


def test_keys_hear_the_same_as_tokens_while_the_database_is_away(world: World, acme: Member) -> None:
    key = acme.key("schedules:read")
    world.forget_callers()
    with away():
        by_token, by_key = acme.get(NEW), key.get(NEW)
        assert_unavailable(by_key)
        assert by_key.body == by_token.body and by_key.headers["retry-after"] == by_token.headers["retry-after"]
    # The gateway remembers for a minute that the key was not looked up; the function looks it up then.
    assert key.get(NEW).status == 200
    assert key.post(NEW, hours(name="No")).body["code"] == "missing_scope"
    assert key.get(f"{NEW}/00000000-0000-0000-0000-000000000001").status == 404
    acme.delete(f"/v1/identity/api-keys/{key.id}")
    assert (key.get(NEW).status, key.get(NEW).body["code"]) == (401, "unknown_key")


def test_what_the_authorizer_passes_on_without_a_look_up_makes_nobody_a_caller(world: World, acme: Member, globex: Member) -> None:
    key = acme.key("*")
    world.forget_callers()
    with away():
        context = world.authorized(str(key.token))
    elsewhere = {"lambda": context | {"organization_id": str(globex.organization_id)}}
    request = {"http": {"method": "GET", "path": NEW}, "authorizer": elsewhere}
    event = {"routeKey": f"GET {NEW}", "rawPath": NEW, "headers": {}, "requestContext": request}
    assert world.invoke("scheduling/list_schedules", event)["statusCode"] == 401  # the digest is looked for where the key belongs


def test_a_database_that_stands_still_does_not_outlast_the_gateway(world: World, acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorizer_lookup, "PATIENCE_SECONDS", 0.3)
    key = acme.key("schedules:read")
    authorizer = world.template.functions["IdentityAuthorize"]
    assert 2 * 3 < authorizer.timeout <= 10  # API Gateway waits for ten seconds
    with wired() as wire:
        assert world.authorized(str(key.token))["actor_id"] == str(key.id)
        wire.delay = 1.0
        began = time.monotonic()
        assert "key_digest" in world.authorized(str(key.token))
        assert time.monotonic() - began < 2


def test_a_kick_of_the_relay_waits_for_half_a_second_at_most(world: World, acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("RELAY_QUEUE_URL", "http://127.0.0.1/queue")
        began = time.monotonic()
        outbox.kick()
        assert time.monotonic() - began < 2


class _Error(Exception):
    pass


@pytest.mark.parametrize(
    ("code", "severity", "passes", "is_lost"),
    [
        ("", "", True, True),
        ("08006", "ERROR", True, True),
        ("22003", "ERROR", False, False),
        ("23505", "ERROR", False, False),
        ("25006", "ERROR", True, True),
        ("25P02", "ERROR", False, False),
        ("40001", "ERROR", True, False),
        ("40001", "FATAL", True, True),
        ("40P01", "ERROR", True, False),
        ("42501", "ERROR", False, False),
        ("53100", "ERROR", True, False),
        ("53300", "FATAL", True, True),
        ("55P03", "ERROR", True, False),
        ("57014", "ERROR", True, False),
        ("57P01", "FATAL", True, True),
        ("57P04", "FATAL", True, True),
        ("58030", "ERROR", True, True),
        ("XX001", "ERROR", False, True),
        ("ZZZZZ", "ERROR", False, False),
    ],
)
def test_what_a_code_means(code: str, severity: str, passes: bool, is_lost: bool) -> None:
    meaning = db_errors.meaning(_Error({"C": code, "V": severity} if code else "network error"))
    assert (meaning.passes, meaning.is_lost) == (passes, is_lost)


def test_the_list_is_the_only_one() -> None:
    assert is_passing.__module__ == "parley.kernel.postgres.integrity_errors"
    assert all(len(code) in (2, 5) for code in db_errors.MEANINGS)
