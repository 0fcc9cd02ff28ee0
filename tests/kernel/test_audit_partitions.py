"""The trail's partitions are made whatever came before them, and nobody waits for that who writes another month."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pg8000.native
import pytest

from parley.kernel.audit import audit
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from tests.harness import Member, World


def name_of(ahead: int) -> tuple[str, datetime]:
    now = datetime.now(UTC)
    months = now.year * 12 + now.month - 1 + ahead
    begins = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
    return f"audit_logs_{begins:%Y_%m}", begins


@pytest.fixture
def superuser(world: World) -> pg8000.native.Connection:
    return world.stack.postgres.superuser("parley")


def without_last_month(superuser: pg8000.native.Connection) -> tuple[str, datetime]:
    """The last month that is made ahead is not there, as when the maker did not run."""
    name, begins = name_of(3)
    superuser.run(f"DROP TABLE IF EXISTS {name}")
    return name, begins


def recorded(acme: Member, at: datetime) -> UUID:
    row = audit.AuditLog(id=new_id(), action="organization.created", actor_type=acme.caller.actor_type, created_at=at)
    with transactions.transaction(acme.caller) as session:
        session.add(row)
    return row.id


def test_a_row_in_the_default_partition_is_moved_and_ends_nobodys_upkeep(
    world: World, acme: Member, superuser: pg8000.native.Connection
) -> None:
    name, begins = without_last_month(superuser)
    row_id = recorded(acme, begins)
    assert superuser.run(f"SELECT tableoid::regclass::text FROM audit_logs WHERE id = '{row_id}'") == [["audit_logs_default"]]
    done = world.invoke("platform/make_partitions", {})
    assert done["partitions"] == 1 and done.keys() >= {"idempotency_keys", "receipts", "sessions", "links", "throttles"}
    assert superuser.run(f"SELECT tableoid::regclass::text FROM audit_logs WHERE id = '{row_id}'") == [[name]]
    assert world.invoke("platform/make_partitions", {})["partitions"] == 0
    # What was set aside for the move is back: forced policies, and evidence that nobody changes.
    assert superuser.run(
        f"SELECT count(*) FROM pg_class WHERE relname IN ('{name}', 'audit_logs_default') AND relrowsecurity AND relforcerowsecurity"
    ) == [[2]]
    for table in (name, "audit_logs_default"):
        assert superuser.run(f"SELECT tgenabled FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND tgname = 'append_only'") == [["O"]]
        assert superuser.run(f"SELECT count(*) FROM pg_index WHERE indrelid = '{table}'::regclass") == [[3]]
    with pytest.raises(pg8000.native.DatabaseError, match="append-only"):
        superuser.run(f"DELETE FROM audit_logs WHERE id = '{row_id}'")


def test_writers_of_another_month_do_not_wait_and_a_reader_delays_the_maker_alone(
    world: World, acme: Member, superuser: pg8000.native.Connection
) -> None:
    name, _ = without_last_month(superuser)
    with world.stack.postgres.superuser("parley") as reader:
        reader.run("BEGIN")
        reader.run("SELECT count(*) FROM audit_logs")
        with pytest.raises(Exception, match="partitions"):
            world.invoke("platform/make_partitions", {})
        superuser.run("SET statement_timeout = '2s'")
        recorded(acme, datetime.now(UTC))
        reader.run("COMMIT")
    assert world.invoke("platform/make_partitions", {})["partitions"] == 1

    name, _ = without_last_month(superuser)
    with world.stack.postgres.superuser("parley") as maker:
        maker.run("BEGIN")
        maker.run("SELECT make_audit_partition(3)")
        superuser.run("SET lock_timeout = '2s'")
        recorded(acme, datetime.now(UTC))  # while the maker still has all its locks
        maker.run("COMMIT")
    assert superuser.run(f"SELECT to_regclass('{name}') IS NOT NULL") == [[True]]
