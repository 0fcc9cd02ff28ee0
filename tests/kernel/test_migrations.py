"""Revisions go up, down and up again, and say the same as the models."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pg8000.native
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from parley.kernel.postgres import migrations
from parley.kernel.postgres.migrations import configuration
from tests.harness import World


@pytest.fixture
def empty_database(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[pg8000.native.Connection]:
    name = f"migrations_{os.getpid()}"
    world.stack.postgres.create_database(name)
    monkeypatch.setenv("DATABASE_OWNER_URL", world.stack.postgres.url("parley_owner", name))
    with world.stack.postgres.superuser(name) as connection:
        yield connection
    with world.stack.postgres.superuser() as connection:
        connection.run(f"DROP DATABASE {name} WITH (FORCE)")


def tables(connection: pg8000.native.Connection) -> set[str]:
    return {row[0] for row in connection.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


def types(connection: pg8000.native.Connection) -> set[str]:
    return {
        row[0]
        for row in connection.run(
            "SELECT typname FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE nspname = 'public' AND typtype = 'e'"
        )
    }


def test_up_down_and_up_again_leave_nothing_behind(empty_database: pg8000.native.Connection) -> None:
    assert migrations.upgrade() == migrations.head()
    all_tables, all_types = tables(empty_database), types(empty_database)
    command.check(configuration())
    migrations.downgrade("base")
    assert tables(empty_database) == {"alembic_version"}
    assert types(empty_database) == set()
    migrations.upgrade()
    assert (tables(empty_database), types(empty_database)) == (all_tables, all_types)


def test_each_revision_alone_goes_down_and_up_on_data(empty_database: pg8000.native.Connection) -> None:
    migrations.upgrade()
    empty_database.run(
        """
        INSERT INTO users (id, email, timezone, locale, status, created_at, updated_at)
        VALUES ('01900000-0000-7000-8000-000000000001', 'ada@acme.test', 'UTC', 'en', 'ACTIVE', now(), now());
        INSERT INTO organizations (id, name, slug, timezone, plan, sso_enabled, scim_enabled, owner_id, created_at, updated_at)
        VALUES ('01900000-0000-7000-8000-000000000002', 'Acme', 'acme', 'UTC', 'FREE', false, false,
                '01900000-0000-7000-8000-000000000001', now(), now());
        INSERT INTO audit_logs (organization_id, id, created_at, action, actor_type)
        VALUES ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000003', now(), 'organization.created', 'USER');
        """
    )
    empty_database.run(
        """
        INSERT INTO outbox_events (organization_id, id, name, payload, occurred_at, attempts, due_at)
        VALUES ('00000000-0000-0000-0000-000000000000', '01900000-0000-7000-8000-000000000004', 'x', '{}', now(), 0, now())
        """
    )
    script = ScriptDirectory.from_config(configuration())
    for revision in list(script.walk_revisions())[:-1]:
        migrations.downgrade(str(revision.down_revision))
    migrations.upgrade()
    assert empty_database.run("SELECT count(*) FROM audit_logs") == [[1]]
    assert empty_database.run("SELECT kind FROM directory_entries WHERE user_id IS NOT NULL") == [["email"]]


def test_a_second_run_changes_nothing(empty_database: pg8000.native.Connection) -> None:
    migrations.upgrade()
    assert migrations.upgrade() == migrations.head()


def test_a_deployment_that_is_rolled_back_leaves_the_newer_schema(empty_database: pg8000.native.Connection) -> None:
    migrations.upgrade()
    empty_database.run("UPDATE alembic_version SET version_num = 'of_the_future'")
    assert migrations.upgrade() == migrations.head()
    assert empty_database.run("SELECT version_num FROM alembic_version") == [["of_the_future"]]


def test_a_statement_of_a_revision_may_take_longer_than_a_request(
    empty_database: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parley.kernel.postgres.connection_settings._ANSWER_SECONDS", 0.3)
    empty_database.run(
        """
        CREATE FUNCTION dawdle() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.6); END';
        CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION dawdle();
        """
    )
    assert migrations.upgrade() == migrations.head()
