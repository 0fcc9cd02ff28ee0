"""A copy of the database is worth something if the product runs on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from local import backup
from local.problems import Problem
from parley.kernel.persistence import transactions
from parley.kernel.postgres import authorizer_lookup
from tests.harness import Member, World
from tests.scheduling.booking_scenarios import Office, at


@pytest.fixture
def copied(world: World, tmp_path: Path) -> backup.Server:
    return backup.embedded(world.stack.postgres)


def test_a_restored_copy_reads_books_and_opens_what_is_sealed(
    world: World, acme: Member, copied: backup.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(world, acme)
    event_type = office.event_type()
    taken = office.booked(event_type, at("10:00"))
    key = acme.key("bookings:read")
    subscription = acme.post("/v1/webhooks/subscriptions", {"url": "https://example.com/hook", "events": ["booking.created"]})
    file, name = tmp_path / "parley.dump", "restored"
    backup.dump(copied, file)
    assert file.stat().st_mode & 0o077 == 0
    office.booked(event_type, at("11:00"))  # later than the copy
    backup.restore(copied, file, name)
    try:
        transactions.engine().dispose()
        authorizer_lookup.hang_up()
        world.forget_callers()
        monkeypatch.setenv("DATABASE_URL", world.stack.postgres.url("parley_app", name))
        assert [row["id"] for row in key.get("/v1/scheduling/bookings").body["items"]] == [taken["id"]]
        assert office.book(event_type, at("10:00")).status == 409
        assert office.book(event_type, at("11:00")).status == 201
        if subscription.status == 201:
            rotated = acme.post(f"/v1/webhooks/subscriptions/{subscription.body['id']}/ping")
            assert rotated.status < 300, rotated.raw
        with world.stack.postgres.superuser(name) as copy, world.stack.postgres.superuser("parley") as original:
            for question in (
                "SELECT tablename, policyname, roles::text, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2",
                "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
                (
                    "SELECT table_name, grantee, privilege_type FROM information_schema.table_privileges"
                    " WHERE table_schema = 'public' AND grantee LIKE 'parley%' ORDER BY 1, 2, 3"
                ),
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_logs'::regclass ORDER BY 1",
            ):
                assert copy.run(question) == original.run(question)
        with pytest.raises(Problem, match="has tables"):
            backup.restore(copied, file, name)
    finally:
        transactions.engine().dispose()
        authorizer_lookup.hang_up()
        monkeypatch.undo()
        with world.stack.postgres.superuser() as superuser:
            superuser.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_owner_can_not_dump_what_is_forced_on_it(world: World, acme: Member, tmp_path: Path) -> None:
    owner = backup.elsewhere(world.stack.postgres.url("parley_owner"))
    with pytest.raises(Problem, match="BYPASSRLS"):
        backup.dump(owner, tmp_path / "parley.dump")
    assert not (tmp_path / "parley.dump").exists()
