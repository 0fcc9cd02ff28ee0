"""Where an audited act came from stands beside the trail: for 90 days, erasable, and moved out of a trail that held it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pg8000.native
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from parley.identity.declared import IdentityAction
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.audit import audit
from parley.kernel.audit.audit import AuditLog, AuditOrigin
from parley.kernel.persistence import transactions
from parley.kernel.postgres import migrations
from parley.kernel.postgres.migrations import configuration
from parley.kernel.values.ids import new_id
from tests.harness import Member, World
from tests.kernel.test_migrations import empty_database

__all__ = ["empty_database"]
AGENT = "Mozilla/5.0 (somebody)"


@pytest.fixture
def superuser(world: World) -> Iterator[pg8000.native.Connection]:
    with world.stack.postgres.superuser("parley") as connection:
        yield connection


def act(member: Member) -> None:
    made = member.post("/v1/identity/teams", {"name": "Crew", "slug": f"crew-{new_id().hex[-8:]}"}, {"user-agent": AGENT})
    assert made.status == 201, made.raw


def test_every_act_has_its_origin_beside_the_trail_in_no_other_round_trip(acme: Member) -> None:
    act(acme)
    (row,) = acme.rows(select(AuditLog).where(AuditLog.action == "team.created"))
    (origin,) = acme.rows(select(AuditOrigin).where(AuditOrigin.id == row.id))
    assert (row.ip_address, row.user_agent) == (None, None)
    assert (str(origin.ip_address), origin.user_agent, origin.person_id) == ("127.0.0.1", AGENT, acme.user_id)
    counts = []
    for caller in (acme.caller, Caller(acme.organization_id, ActorType.USER, acme.user_id, ip_address="127.0.0.1", user_agent=AGENT)):
        with transactions.transaction(caller) as session:
            session.execute(text("SELECT 1"))
            before = transactions.round_trips(session)
            audit.record(session, caller, IdentityAction.TEAM_CREATED)
            session.flush()
            counts.append(transactions.round_trips(session) - before)
    assert counts[0] == counts[1]


def test_after_ninety_days_the_evidence_stays_alone(world: World, acme: Member, superuser: pg8000.native.Connection) -> None:
    act(acme)
    act(acme)
    old, young = acme.rows(select(AuditOrigin).order_by(AuditOrigin.id))[-2:]
    superuser.run("UPDATE audit_origins SET created_at = now() - interval '91 days' WHERE id = :id", id=str(old.id))
    superuser.run("UPDATE audit_origins SET created_at = now() - interval '89 days' WHERE id = :id", id=str(young.id))
    assert world.invoke("platform/make_partitions", {})["audit_origins"] >= 1
    assert acme.rows(select(AuditOrigin.id).where(AuditOrigin.id.in_([old.id, young.id]))) == [young.id]
    assert len(acme.rows(select(AuditLog.id).where(AuditLog.id.in_([old.id, young.id])))) == 2


def test_an_organization_sees_its_own_and_changes_none(acme: Member, globex: Member) -> None:
    act(acme)
    assert acme.rows(select(AuditOrigin.id))
    assert {row.organization_id for row in globex.rows(select(AuditOrigin))} <= {globex.organization_id}
    with pytest.raises(Exception, match="permission denied"), transactions.transaction(acme.caller) as session:
        session.execute(text("UPDATE audit_origins SET user_agent = 'x'"))


def test_what_the_release_before_writes_into_the_trail_moves_at_once(acme: Member) -> None:
    row = AuditLog(organization_id=acme.organization_id, action="team.created", actor_type=ActorType.USER, actor_id=acme.user_id)
    row.ip_address, row.user_agent = "192.0.2.7", AGENT
    with transactions.transaction(acme.caller) as session:
        session.add(row)
        id_ = row.id
    (kept,) = acme.rows(select(AuditLog).where(AuditLog.id == id_))
    (origin,) = acme.rows(select(AuditOrigin).where(AuditOrigin.id == id_))
    assert (kept.ip_address, kept.user_agent) == (None, None)
    assert (str(origin.ip_address), origin.user_agent, origin.person_id) == ("192.0.2.7", AGENT, acme.user_id)


def test_what_stands_in_the_trail_moves_out_and_the_trail_is_shut_again(empty_database: pg8000.native.Connection) -> None:
    script = ScriptDirectory.from_config(configuration())
    [revision] = [migration for migration in script.walk_revisions() if migration.revision.endswith("_audit_origins")]
    migrations.upgrade(str(revision.down_revision))
    deleted_user_id, here, organization = (str(new_id()) for _ in range(3))
    add = "INSERT INTO users (id, timezone, locale, status, created_at, updated_at) VALUES (:id, 'UTC', 'en', 'ACTIVE', now(), now())"
    empty_database.run(add, id=deleted_user_id)
    empty_database.run(add, id=here)
    empty_database.run("UPDATE users SET deleted_at = now() WHERE id = :id", id=deleted_user_id)
    rows: dict[str, Any] = {name: str(new_id()) for name in ("young", "old", "of the gone", "visitor", "without")}
    for name, actor, days in (
        ("young", here, 5),
        ("old", here, 100),
        ("of the gone", deleted_user_id, 5),
        ("visitor", None, 5),
        ("without", None, 5),
    ):
        empty_database.run(
            """
            INSERT INTO audit_logs (organization_id, id, created_at, action, actor_type, actor_id, new_values, ip_address, user_agent)
            VALUES (:organization, :id, now() - make_interval(days => :days), 'team.created', CAST(:kind AS actor_type), :actor,
                    '{"a": 1}', CAST(:ip AS inet), :agent)
            """,
            organization=organization,
            id=rows[name],
            days=days,
            kind="USER" if actor else "VISITOR",
            actor=actor,
            ip=None if name == "without" else "192.0.2.9",
            agent=None if name == "without" else AGENT,
        )
    before = empty_database.run("SELECT id, action, actor_id, new_values, created_at FROM audit_logs ORDER BY id")
    migrations.upgrade()
    moved = empty_database.run("SELECT id::text, person_id::text, host(ip_address), user_agent FROM audit_origins ORDER BY id")
    assert moved == [[rows["young"], here, "192.0.2.9", AGENT], [rows["visitor"], None, "192.0.2.9", AGENT]]
    assert empty_database.run("SELECT id, action, actor_id, new_values, created_at FROM audit_logs ORDER BY id") == before
    assert empty_database.run("SELECT count(*) FROM audit_logs WHERE ip_address IS NOT NULL OR user_agent IS NOT NULL") == [[0]]
    assert empty_database.run("SELECT count(*) FROM pg_policy WHERE polname = 'moving'") == [[0]]
    with pytest.raises(pg8000.native.DatabaseError, match="append-only"):
        empty_database.run("UPDATE audit_logs SET ip_address = NULL, user_agent = NULL")
