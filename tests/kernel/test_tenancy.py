"""No tenant sees another, and nobody sees anything without one: asked of the database's own catalogue."""

from collections.abc import Iterator

import pg8000.native
import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from parley import schema
from parley.identity.models import Organization, OrganizationMember, User
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.persistence.base_models import Base, Swept
from tests.harness import Member, World

# Tables without `organization_id` that carry a policy all the same.
OWN_POLICY = {"organizations": "id", "users": "id"}


@pytest.fixture
def superuser(world: World) -> Iterator[pg8000.native.Connection]:
    with world.stack.postgres.superuser("parley") as connection:
        yield connection


def global_tables() -> dict[str, str]:
    schema.metadata()
    return {mapper.class_.__tablename__: mapper.class_.global_because for mapper in Base.registry.mappers if mapper.class_.global_because}


def test_every_tenant_table_forces_a_policy_and_every_other_says_why_not(superuser: pg8000.native.Connection) -> None:
    tables = superuser.run(
        """
        SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, c.relispartition,
               EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped),
               (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
        """
    )
    explained = global_tables()
    without = [
        name
        for name, forced, is_partition, is_tenants, policies in tables
        if not (forced and (policies or is_partition)) and not (explained.get(name) and name not in OWN_POLICY)
    ]
    assert without == ["alembic_version"]
    assert all(explained.get(name) for name, _, _, is_tenants, _ in tables if not is_tenants and name != "alembic_version")
    assert len(tables) > 20


def test_every_index_and_key_of_a_tenant_table_leads_with_the_tenant(superuser: pg8000.native.Connection) -> None:
    rows = superuser.run(
        """
        SELECT t.relname, i.relname, (SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = x.indkey[0])
        FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_namespace n ON n.oid = t.relnamespace
        WHERE n.nspname = 'public' AND NOT t.relispartition
        """
    )
    # Upkeep asks its tables for what is due over all tenants; membership is asked for by user; the rest is global.
    swept = {row[0] for row in superuser.run("SELECT polrelid::regclass::text FROM pg_policy WHERE polname LIKE 'sweep_%'")}
    exempt = swept | set(global_tables()) | {"organization_members", "alembic_version"}
    assert [(table, index) for table, index, first in rows if first != "organization_id" and table not in exempt] == []


def test_every_table_that_is_swept_names_its_tenant_in_what_tenants_ask(superuser: pg8000.native.Connection) -> None:
    """Two policies are an OR: no index would be found by the tenant. Tables of persons are asked by what is unique."""
    policies = superuser.run("SELECT DISTINCT polrelid::regclass::text FROM pg_policy WHERE polname LIKE 'sweep_%'")
    schema.metadata()
    swept = {str(mapper.local_table) for mapper in Base.registry.mappers if issubclass(mapper.class_, Swept)}
    assert {name for (name,) in policies} - swept == {"user_sessions", "verification_tokens"}
    assert swept <= {name for (name,) in policies}


def test_an_index_of_a_tenant_table_has_only_columns_that_a_policy_lets_it_serve(superuser: pg8000.native.Connection) -> None:
    """Behind a policy PostgreSQL asks an index by what is leakproof: no enum, no range, no `lower(…)` (decision 29). A constraint may."""
    rows = superuser.run(
        """
        SELECT i.relname, pg_get_indexdef(i.oid)
        FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam
        WHERE t.relnamespace = 'public'::regnamespace AND t.relrowsecurity AND NOT x.indisunique AND NOT x.indisexclusion
          AND NOT t.relispartition AND (x.indexprs IS NOT NULL OR m.amname <> 'btree' OR EXISTS (
            SELECT FROM unnest(x.indkey) k JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k JOIN pg_type y ON y.oid = a.atttypid
            WHERE y.typtype = 'e'))
        """
    )
    bounded = {"ix_scheduling_busy_times_organization_id_user_id_during"}  # of the one host, what was synced of some months
    assert {name for name, _ in rows} - bounded == set()


def test_without_a_tenant_no_row_of_any_tenant_table_is_seen(world: World, acme: Member, superuser: pg8000.native.Connection) -> None:
    assert superuser.run("SELECT count(*) FROM organizations")[0][0] > 0
    explained = set(global_tables()) - set(OWN_POLICY)
    tables = [row[0] for row in superuser.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    partitions = [row[0] for row in superuser.run("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")]
    for table in sorted(set(tables) - explained - {"alembic_version"} - set(partitions)):
        assert transactions.lookup(f"SELECT count(*) FROM {table}") == [(0,)], table
    for partition in partitions:
        with pytest.raises(DBAPIError, match="permission denied"):
            transactions.lookup(f"SELECT count(*) FROM {partition}")


def test_the_application_owns_nothing_and_bypasses_nothing(superuser: pg8000.native.Connection) -> None:
    assert superuser.run(
        "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname IN ('parley_app', 'parley_application')"
    ) == [
        [False],
        [False],
    ]
    assert superuser.run("SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname LIKE 'parley_app%'") == [
        [0]
    ]
    assert superuser.run("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = 'parley_owner'") == [[False]]


def test_a_tenant_sees_its_own_and_nothing_else(acme: Member, globex: Member) -> None:
    assert [row.id for row in acme.rows(select(Organization))] == [acme.organization_id]
    assert [row.id for row in acme.rows(select(User))] == [acme.user_id]
    with transactions.transaction(acme.caller) as session:
        assert session.execute(update(Organization).values(name="taken").returning(Organization.id)).scalars().all() == [
            acme.organization_id
        ]
        assert session.execute(delete(OrganizationMember).where(OrganizationMember.user_id == globex.user_id)).rowcount == 0  # type: ignore[attr-defined]
    assert globex.rows(select(Organization.name)) == ["Globex"]


def test_a_row_can_not_be_written_into_another_tenant(acme: Member, globex: Member) -> None:
    with pytest.raises(DBAPIError, match="row-level security"), transactions.transaction(acme.caller) as session:
        session.add(OrganizationMember(organization_id=globex.organization_id, user_id=acme.user_id, role="OWNER"))


def test_the_trail_can_be_added_to_and_read_and_nothing_more(acme: Member, superuser: pg8000.native.Connection) -> None:
    for statement in ("UPDATE audit_logs SET action = 'x'", "DELETE FROM audit_logs", "TRUNCATE audit_logs"):
        with pytest.raises(DBAPIError, match="permission denied"), transactions.transaction(acme.caller) as session:
            session.execute(text(statement))
    # Not even by somebody who may.
    with pytest.raises(pg8000.native.DatabaseError, match="append-only"):
        superuser.run("UPDATE audit_logs SET action = 'x' WHERE organization_id = :id", id=acme.organization_id)
    assert "organization.created" in acme.rows(select(AuditLog.action))


def test_the_tenant_of_one_transaction_does_not_leak_into_the_next(acme: Member) -> None:
    with transactions.transaction(acme.caller) as session:
        assert session.scalar(text("SELECT current_setting('app.organization_id')")) == str(acme.organization_id)
    assert transactions.lookup("SELECT coalesce(current_setting('app.organization_id', true), '')") == [("",)]
    with transactions.sweep() as session:
        assert session.scalars(select(Organization)).all() == []
