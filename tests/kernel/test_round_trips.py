"""What a transaction costs, counted by a proxy on the wire and by the connection itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, StatementError

from parley.identity.models import MemberRole, Organization, OrganizationMember, User
from parley.inbox.models import PlatformConnection
from parley.kernel.persistence import directory, outbox, transactions
from parley.kernel.postgres import deferred
from parley.kernel.postgres.integrity_errors import constraint, violation_means
from parley.kernel.values.declarations import EventName
from parley.kernel.values.errors import Conflict
from parley.kernel.values.ids import new_id
from parley.scheduling.declared import SchedulingDirectory
from tests.harness import Member, World
from tests.kernel.postgres_proxy import PostgresProxy, wired


@pytest.fixture
def wire(world: World) -> Iterator[PostgresProxy]:
    with wired() as made:
        yield made


def test_the_smallest_tenant_transaction_costs_three(wire: PostgresProxy, acme: Member) -> None:
    with transactions.transaction(acme.caller) as session:
        session.scalars(select(Organization.name)).one()
    before = wire.round_trips
    with transactions.transaction(acme.caller) as session:
        counted = transactions.round_trips(session)
        assert session.scalars(select(Organization.name)).one() == "Acme"
    assert wire.round_trips - before == 3
    with transactions.transaction(acme.caller) as session:
        # begin of this one, select and commit of that one
        assert transactions.round_trips(session) - counted == 3


def test_a_look_up_before_the_tenant_is_known_costs_one(wire: PostgresProxy, acme: Member) -> None:
    assert directory.organization_of(SchedulingDirectory.EVENT_TYPE, "nobody") is None
    before = wire.round_trips
    assert directory.organization_of(SchedulingDirectory.EVENT_TYPE, "nobody") is None
    assert wire.round_trips - before == 1


def test_rows_of_many_tables_travel_in_one_round_trip_and_with_the_commit(wire: PostgresProxy, acme: Member) -> None:
    with transactions.transaction(acme.caller) as session:
        user = User(name="Bob", email=f"{new_id()}@acme.test")
        session.add(user)
        session.add_all([User(name="Many", email=f"{new_id()}@acme.test") for _ in range(20)])
        before = wire.round_trips
        session.flush()
        assert wire.round_trips - before == 1
        session.add(OrganizationMember(user_id=user.id, role=MemberRole.MEMBER))
        outbox.announce(session, EventName("test.happened"), user_id=user.id)
        directory.enter(session, SchedulingDirectory.EVENT_TYPE, str(user.id))
        before = wire.round_trips
    assert wire.round_trips - before == 1
    assert acme.rows(select(OrganizationMember.role).where(OrganizationMember.user_id == user.id)) == [MemberRole.MEMBER]


def test_an_error_among_gathered_rows_is_named_and_nothing_of_the_transaction_stays(acme: Member) -> None:
    class Taken(Conflict):
        pass

    taken = str(new_id())
    with transactions.transaction(acme.caller) as session:
        directory.enter(session, SchedulingDirectory.EVENT_TYPE, taken)
    email = f"{new_id()}@acme.test"
    with pytest.raises(Taken), transactions.transaction(acme.caller) as session:
        session.add(User(name="Lost", email=email))
        directory.enter(session, SchedulingDirectory.EVENT_TYPE, taken)
        with violation_means(directory.UNIQUE, Taken("It is taken.")):
            session.flush()
    with pytest.raises(DBAPIError) as caught, transactions.transaction(acme.caller) as session:
        directory.enter(session, SchedulingDirectory.EVENT_TYPE, taken)
    assert constraint(caught.value) == directory.UNIQUE
    with transactions.transaction(acme.caller) as session:
        user = User(name="Found", email=email)
        session.add(user)
        session.flush()
        session.add(OrganizationMember(user_id=user.id, role=MemberRole.MEMBER))
    assert acme.rows(select(User.name).where(User.email == email)) == ["Found"]


def test_a_commit_of_a_broken_transaction_is_an_error(acme: Member) -> None:
    with (
        pytest.raises(DBAPIError),
        transactions.transaction(acme.caller) as session,
        suppress(DBAPIError),
    ):  # swallowed, as careless code would
        session.connection().exec_driver_sql("SELECT 1/0")


def test_a_socket_that_died_while_frozen_is_replaced(world: World, acme: Member) -> None:
    assert acme.rows(select(Organization.name)) == ["Acme"]
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'parley_app'")
        assert acme.rows(select(Organization.name)) == ["Acme"]
        superuser.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'parley_app'")
    assert directory.organization_of(SchedulingDirectory.EVENT_TYPE, "nobody") is None


def test_limits_of_time_are_the_transactions_own(acme: Member) -> None:
    with transactions.transaction(acme.caller) as session:
        assert session.execute(text("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")).one() == ("20s", "5s")
    assert transactions.lookup("SELECT current_setting('statement_timeout')") == [("0",)]


def test_a_flush_that_fails_half_way_leaves_nothing_waiting_for_the_next_transaction(acme: Member) -> None:
    email = f"{new_id()}@acme.test"
    with pytest.raises((StatementError, TypeError)), transactions.transaction(acme.caller) as session:
        session.add_all([User(name="Lost", email=email), PlatformConnection(platform_user_id="1", access_token="not sealed")])
        session.flush()
    with transactions.transaction(acme.caller) as session:
        driver = deferred.driver_connection(session.connection())
        assert (driver.gathers, driver.has_waiting) == ((), False)
        session.execute(text("SELECT 1"))
    assert acme.rows(select(User.id).where(User.email == email)) == []
