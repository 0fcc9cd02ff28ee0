"""The doctor against the product's own stack, well and then made ill."""

from __future__ import annotations

import pytest

from local import aws_checks, database_checks, doctor
from local.check_results import Ailing, Skipped
from local.doctor import Check, examine
from tests.harness import World


@pytest.mark.parametrize(("name", "look"), database_checks.CHECKS + aws_checks.CHECKS)
def test_a_running_stack_is_well(world: World, name: str, look: object) -> None:
    assert callable(look)
    assert isinstance(look(), str)


def test_it_looks_at_the_running_stack_first(world: World) -> None:
    whose, environment = doctor.environment_to_examine(world.stack.folder)
    assert world.stack.url in whose
    assert environment == world.stack.environment


def test_it_leaves_nothing_behind(world: World) -> None:
    def rows() -> object:
        with world.stack.postgres.superuser("parley") as connection:
            return connection.run(
                "select (select count(*) from organizations), (select count(*) from audit_logs), (select count(*) from users)"
            )

    before = rows()
    database_checks.writes_and_reads_with_relations()
    assert rows() == before


def test_an_old_database_is_found_out(world: World) -> None:
    with world.stack.postgres.superuser("parley") as connection:
        [[head]] = connection.run("select version_num from alembic_version")
        connection.run("update alembic_version set version_num = 'older'")
        try:
            with pytest.raises(Ailing, match="at revision older") as ailing:
                database_checks.is_migrated()
        finally:
            connection.run("update alembic_version set version_num = :head", head=head)
    assert "make run" in ailing.value.mend


def test_a_role_that_ignores_the_policies_is_found_out(world: World) -> None:
    with world.stack.postgres.superuser() as connection:
        connection.run("alter role parley_app bypassrls")
        try:
            with pytest.raises(Ailing, match="every tenant would see every row"):
                database_checks.role_is_bound_by_policies()
        finally:
            connection.run("alter role parley_app nobypassrls")


def test_what_is_missing_on_aws_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA_BUCKET", "no-such-bucket")
    with pytest.raises(Ailing, match="NoSuchBucket"):
        aws_checks.bucket()
    monkeypatch.setenv("TOKEN_JWKS", "{}")
    with pytest.raises(Ailing, match="no token would be valid"):
        aws_checks.token_key()
    monkeypatch.delenv("MEDIA_BUCKET")
    with pytest.raises(Skipped):
        aws_checks.bucket()


def test_the_first_failure_of_a_place_ends_its_examination(capsys: pytest.CaptureFixture[str]) -> None:
    def ail() -> str:
        raise Ailing("it is broken", "mend it")

    def skip() -> str:
        raise Skipped("not here")

    assert not examine([Check("one", ail), Check("two", skip)])
    assert examine([Check("one", skip), Check("two", lambda: "fine")])
    assert capsys.readouterr().out == "  WRONG one: it is broken\n        mend it\n  --    one: not here\n  ok    two: fine\n"
