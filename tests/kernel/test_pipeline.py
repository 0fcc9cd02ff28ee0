"""The driver that gathers: whatever goes wrong with a statement or value, the connection is well for the next, and nothing is half done."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, literal, select, text, update
from sqlalchemy.exc import DBAPIError, StatementError

from parley.identity.models import Team
from parley.kernel.persistence import outbox, transactions
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.postgres.deferred import driver_connection, execute_later
from parley.kernel.values.declarations import EventName
from parley.kernel.values.ids import new_id
from tests.harness import Member
from tests.kernel.postgres_proxy import wired

LOST, KEPT, DONE = EventName("test.lost"), EventName("test.kept"), EventName("test.done")
WRONG: dict[str, tuple[str, Any]] = {
    "a lone surrogate": ("SELECT CAST(:value AS text)", "\ud800"),
    "one behind much": ("SELECT CAST(:value AS text)", "x" * 100_000 + "\udfff"),
    "one of a table that is not there": ("SELECT CAST(:value AS text) FROM nowhere", "\ud800"),
    "NUL": ("SELECT CAST(:value AS text)", "a\0b"),
    "a number too large": ("SELECT CAST(:value AS bigint)", 2**63),
    "a text that is no date": ("SELECT CAST(CAST(:value AS text) AS date)", "31 February"),
    "no statement": ("SELEKT :value", "x"),
    "a zero": ("SELECT 1 / CAST(:value AS int)", 0),
    "JSON that is none": ("SELECT CAST(CAST(:value AS text) AS jsonb)", '{"a": NaN}'),
    "JSON with NUL": ("SELECT CAST(CAST(:value AS text) AS jsonb)", '"\\u0000"'),
}


def names(member: Member) -> list[str]:
    return sorted(member.rows(select(OutboxEvent.name)))


@pytest.mark.parametrize("name", WRONG)
def test_a_value_that_can_not_be_sent_or_taken_costs_one_transaction_and_no_time(acme: Member, name: str) -> None:
    statement, value = WRONG[name]
    began = time.monotonic()
    with pytest.raises((DBAPIError, StatementError, UnicodeEncodeError)), transactions.transaction(acme.caller) as session:
        outbox.announce(session, LOST)
        session.flush()
        session.execute(text(statement), {"value": value})
    with transactions.transaction(acme.caller) as session:
        assert session.scalar(select(literal("well"))) == "well"
        outbox.announce(session, KEPT)
    assert names(acme) == ["test.kept"]
    assert time.monotonic() - began < 10, "it did not wait for an answer to what was never asked"


@pytest.mark.parametrize("name", WRONG)
def test_what_waits_behind_a_wrong_value_is_not_done_either(acme: Member, name: str) -> None:
    """Two at once: statements that wait to travel, and a value among them that can't."""
    statement, value = WRONG[name]
    with pytest.raises((DBAPIError, StatementError, UnicodeEncodeError)), transactions.transaction(acme.caller) as session:
        row = {"organization_id": acme.organization_id, "id": new_id(), "name": "test.waits", "payload": {}}
        execute_later(session, insert(OutboxEvent).values(**row, attempts=0, occurred_at=datetime.now(UTC)))
        execute_later(session, text(statement).bindparams(value=value))
        execute_later(session, update(OutboxEvent).values(attempts=7))
    assert names(acme) == []
    with transactions.transaction(acme.caller) as session:
        assert not driver_connection(session.connection()).has_waiting
        assert session.scalar(text("SELECT 1")) == 1


def test_more_than_a_socket_holds_travels_in_parts_and_arrives_once(acme: Member) -> None:
    """Gathered without an end, both sides would wait for each other to read."""
    with transactions.transaction(acme.caller) as session:
        for number in range(40):
            outbox.announce(session, EventName(f"test.{number:02}"), text="x" * 20_000)
        session.flush()
        assert session.scalar(select(func.count()).select_from(OutboxEvent)) == 40
    sizes = acme.rows(select(func.length(OutboxEvent.payload["text"].astext)))
    assert sizes == [20_000] * 40
    with transactions.transaction(acme.caller) as session:
        session.execute(text("DELETE FROM outbox_events"))


def test_a_megabyte_goes_there_and_comes_back(acme: Member) -> None:
    long = "ü🙂\n'\\%s:x" * 100_000
    with transactions.transaction(acme.caller) as session:
        assert session.scalar(select(literal(long))) == long
        assert session.scalar(text("SELECT length(CAST(:value AS text))"), {"value": long}) == len(long)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 12, 1, 9, 0, 0, 1, tzinfo=UTC),
        datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
def test_an_instant_comes_back_as_it_went(acme: Member, moment: datetime) -> None:
    with transactions.transaction(acme.caller) as session:
        taken = session.scalar(text("SELECT CAST(:value AS timestamptz)"), {"value": moment})
        assert taken == moment and taken.utcoffset() == timedelta(0)
        low, high = session.execute(text("SELECT lower(r), upper(r) FROM tstzrange(:value, NULL) AS r"), {"value": moment}).one()
        assert (low, high) == (moment, None)


@pytest.mark.parametrize("word", ["infinity", "-infinity"])
def test_a_time_without_an_end_is_read_as_what_it_is(acme: Member, word: str) -> None:
    with transactions.transaction(acme.caller) as session:
        assert session.scalar(text(f"SELECT timestamptz '{word}'")) == word
        assert session.scalar(text("SELECT 'after'")) == "after"


def test_an_answer_that_is_lost_among_gathered_rows_is_an_error_and_the_next_transaction_is_well(acme: Member) -> None:
    with wired() as wire:
        with pytest.raises(DBAPIError), transactions.transaction(acme.caller) as session:
            wire.loses = [b"insert into teams"]
            session.add(Team(name="Lost", slug="lost"))
            outbox.announce(session, LOST)
            session.flush()
            session.execute(text("SELECT 1"))
        assert wire.loses == []
        with transactions.transaction(acme.caller) as session:
            outbox.announce(session, KEPT)
    assert names(acme) == ["test.kept"]
    assert acme.rows(select(Team.name)) == []


def test_a_commit_whose_answer_is_lost_is_an_error_though_it_was_done(acme: Member) -> None:
    """Nobody knows then: who asks again is told apart by a key, not by this."""
    with wired() as wire:
        with pytest.raises(DBAPIError) as lost, transactions.transaction(acme.caller) as session:
            outbox.announce(session, DONE)
            session.flush()
            wire.loses = [b"commit"]
        assert lost.value.connection_invalidated
        with transactions.transaction(acme.caller) as session:
            assert session.scalar(select(func.count()).select_from(OutboxEvent)) == 1
    assert names(acme) == ["test.done"]
