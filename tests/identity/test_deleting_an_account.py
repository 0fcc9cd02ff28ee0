"""A person deletes their account: everything of them goes, what they did stays, and the address is anybody's again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from local.client import Answer
from parley.identity.members import invitation_acceptance
from parley.identity.models import MemberRole, Organization, OrganizationMember, TeamMember, User, UserSession, UserStatus
from parley.identity.organizations import organization_lifecycle
from parley.identity.organizations.schemas import OrganizationCreate
from parley.identity.roles import organization_lock
from parley.identity.self_service import account_deletion
from parley.kernel.access.admission import SessionEnded
from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.audit.audit import AuditLog, AuditOrigin
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from tests.harness import Client, Member, World
from tests.identity.registered_users import PASSWORD, Person, ProgramClient, person, received_mails, register, verify
from tests.identity.test_second_factors import enrolled
from tests.identity.test_sessions import join, refresh

ACCOUNT = "/v1/auth/account"
LEFT = {"id", "timezone", "locale", "status", "created_at", "updated_at", "deleted_at"}
"""Columns of an account that is gone."""


def delete(who: Client, **proof: Any) -> Answer:
    return who.request("DELETE", ACCOUNT, proof or {"password": PASSWORD})


def id_of(who: Person) -> UUID:
    return UUID(who.tokens["user"]["id"])


def everywhere(world: World, *canaries: str) -> list[str]:
    """Tables that hold one of these texts, whatever the column."""
    superuser = world.stack.postgres.superuser("parley")
    try:
        tables = [row[0] for row in superuser.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return [
            f"{table}: {canary}"
            for table in tables
            for canary in canaries
            if superuser.run(f'SELECT FROM "{table}" t WHERE t::text ILIKE :text LIMIT 1', text=f"%{canary}%")
        ]
    finally:
        superuser.close()


def user(world: World, user_id: UUID) -> dict[str, Any]:
    superuser = world.stack.postgres.superuser("parley")
    try:
        rows = superuser.run("SELECT to_jsonb(u) FROM users u WHERE id = :id", id=str(user_id))
        return dict(rows[0][0])
    finally:
        superuser.close()


def belongs(who: Person, member: Member, role: MemberRole = MemberRole.MEMBER) -> Member:
    join(member, who, role)
    who.takes(who.log_in())
    return member.world.member(member.organization_id, id_of(who), role.value)


def invited_to(world: World, address: str) -> str:
    """The token of the last invitation that came to an address."""
    text = received_mails(world, address)[-1].text
    return text[text.index("/invitations/") + 13 :].split()[0]


def test_everything_of_the_person_goes_and_the_trail_stays(world: World, acme: Member, globex: Member) -> None:
    canary = f"c{new_id().hex[-12:]}"
    address, token = register(world, f"{canary}@people.example", name=f"Name {canary}")
    ada = Person(world, email=address)
    ada.takes(verify(ada, token))
    profile = {"username": canary, "avatar_url": f"https://{canary}.example/a.png", "locale": "pt-BR", "timezone": "Europe/Berlin"}
    assert ada.patch("/v1/identity/me", profile).status == 200
    assert ProgramClient(world).post("/v1/auth/magic-link", {"email": address}).status == 202
    received_mails(world, address)
    for member in (acme, globex):
        invitation = member.post("/v1/identity/invitations", {"email": address, "role": "ADMIN"})
        assert invitation.status == 201, invitation.raw
        token = invited_to(world, address)
        assert ada.post("/v1/auth/invitations/accept", {"token": token}).status == 200
    here = world.member(acme.organization_id, id_of(ada), "ADMIN")
    key = here.key("members:read")
    team = acme.post("/v1/identity/teams", {"name": "Crew", "slug": "crew"}).body["id"]
    assert acme.post(f"/v1/identity/teams/{team}/members", {"user_id": str(id_of(ada)), "role": "MEMBER"}).status == 201
    other = ada.log_in().body

    assert delete(ada).status == 204
    assert [letter.subject for letter in received_mails(world, address)][-1] == "Your account at Parley was deleted"
    assert everywhere(world, canary) == []
    row = user(world, id_of(ada))
    assert {name for name, value in row.items() if value is not None} == LEFT
    assert (row["timezone"], row["locale"], row["status"]) == ("UTC", "en", UserStatus.INACTIVE.value)
    named = {location.partition(":")[0] for location in everywhere(world, str(id_of(ada)))}
    assert not named & {"organization_members", "team_members", "user_sessions", "refresh_tokens", "directory_entries", "user_keys"}

    for old in (ada.token, other["access_token"], here.token):
        assert Client(world, old).get("/v1/identity/me").status in (401, 403)
    assert {refresh(world, refresh_token).status for refresh_token in (ada.refresh_token, other["refresh_token"])} == {401}
    assert key.get("/v1/identity/members").status in (401, 403)
    assert ada.log_in().body["code"] == "invalid_credentials"
    for member in (acme, globex):
        trail = member.rows(select(AuditLog).where(AuditLog.actor_id == id_of(ada)))
        assert ("user.deleted", id_of(ada)) in {(audit_row.action, audit_row.entity_id) for audit_row in trail}
        assert "member.left" in {audit_row.action for audit_row in trail}
        assert str(id_of(ada)) not in {item["user_id"] for item in member.get("/v1/identity/members").body["items"]}
    assert acme.rows(select(TeamMember)) == []


def test_nowhere_stands_where_the_person_acted_from_and_the_evidence_stays(world: World, acme: Member, globex: Member) -> None:
    """Also in an organization that was left before, of a key, and of a log-in that failed."""
    agent, ip = f"Agent-{new_id().hex}", "198.51.100.77"
    ada, by = person(world), {"user-agent": agent}
    failed = Person(world, ip=ip).post("/v1/auth/login", {"email": ada.email, "password": "not this one"}, by)
    assert failed.status == 401
    for member in (acme, globex):
        here = belongs(ada, member, MemberRole.ADMIN)
        here.ip = ip
        slug = f"crew-{new_id().hex[-8:]}"
        assert here.post("/v1/identity/teams", {"name": "Crew", "slug": slug}, by).status == 201
        key = here.key("members:read")
        key.ip = ip
        assert key.get("/v1/storage/projects", by).status == 403  # audited, as an attempt
    assert globex.delete(f"/v1/identity/members/{id_of(ada)}").status == 204
    acme.post("/v1/identity/teams", {"name": "Others", "slug": f"others-{new_id().hex[-8:]}"})
    before = {location.partition(":")[0] for location in everywhere(world, agent)}
    assert "audit_origins" in before
    assert not {table for table in before if table.startswith("audit_logs")}
    trail = {member.organization_id: len(member.rows(select(AuditLog.id))) for member in (acme, globex)}
    others = len(acme.rows(select(AuditOrigin).where(AuditOrigin.person_id == acme.user_id)))

    ada.ip = ip
    assert ada.request("DELETE", ACCOUNT, {"password": PASSWORD}, by).status == 204
    world.pump()
    assert everywhere(world, agent, ip) == []
    for member in (acme, globex):
        assert len(member.rows(select(AuditLog.id))) >= trail[member.organization_id] > 3
    assert len(acme.rows(select(AuditOrigin).where(AuditOrigin.person_id == acme.user_id))) == others > 0


def test_the_address_registers_anew_and_inherits_nothing(world: World, acme: Member) -> None:
    ada = person(world)
    belongs(ada, acme, MemberRole.ADMIN)
    ada.post("/v1/auth/totp", {"password": PASSWORD})
    assert delete(ada).status == 204
    world.pump()
    _, token = register(world, ada.email)
    anew = Person(world, email=ada.email)
    anew.takes(verify(anew, token))
    assert id_of(anew) != id_of(ada)
    assert anew.get("/v1/identity/organizations").body["items"] == []
    assert anew.post("/v1/auth/switch", {"organization_id": str(acme.organization_id)}).status == 403
    assert anew.get("/v1/auth/sessions").body["next_cursor"] is None
    assert len(anew.get("/v1/auth/sessions").body["items"]) == 1


def test_an_owner_is_refused_until_the_organization_has_another(world: World, acme: Member) -> None:
    owned = person(world)
    founded = owned.post("/v1/identity/organizations", {"name": "Hers", "slug": f"hers-{new_id().hex[-8:]}"}, {"idempotency-key": "1"})
    belongs(owned, acme)
    refused = delete(owned)
    assert (refused.status, refused.body["code"]) == (409, "owner_stays")
    assert refused.body["organizations"] == [{"id": founded.body["id"], "name": "Hers"}]
    assert owned.log_in().status == 200
    assert acme.get(f"/v1/identity/members/{id_of(owned)}").status == 200  # nothing was left
    owned.takes(owned.log_in())
    hers = world.member(UUID(founded.body["id"]), id_of(owned), "OWNER")
    assert hers.delete("/v1/identity/organization").status == 204
    owned.takes(owned.log_in())
    # Deleted, it would come back by its owner alone; nobody is that any more.
    assert delete(owned).status == 204
    with pytest.raises(organization_lock.NoSuchOrganization), transactions.transaction(system(hers.organization_id)) as session:
        organization_lifecycle.restore(session, hers.caller, None)


def test_a_wrong_password_is_refused_and_slows_down(world: World) -> None:
    ada = person(world)
    for proof in ({"password": "another one entirely"}, {"code": "000000"}):
        refused = delete(ada, **proof)
        assert refused.body["code"] in ("wrong_password", "invalid_code")
    assert ada.request("DELETE", ACCOUNT, {}).body["code"] == "wrong_password"
    assert [delete(ada, password="another one entirely").status for _ in range(5)][-1] == 429
    assert ada.get("/v1/identity/me").status == 200


def test_a_code_of_the_second_factor_proves_it_too(world: World) -> None:
    ada, _, codes = enrolled(world)
    assert delete(ada, code="000000").body["code"] == "invalid_code"
    assert delete(ada, code=codes[0]).status == 204
    world.pump()
    assert everywhere(world, ada.email) == []


def _without_password(world: World) -> Person:
    ada = person(world)
    with transactions.personal(system(NOWHERE), id_of(ada)) as session:
        session.execute(update(User).where(User.id == id_of(ada)).values(password_hash=None))
    return ada


def test_who_has_no_password_shows_it_by_a_fresh_log_in(world: World) -> None:
    ada = _without_password(world)
    with transactions.personal(system(NOWHERE), id_of(ada)) as session:
        session.execute(update(UserSession).values(created_at=now() - timedelta(minutes=11)))
    refused = ada.request("DELETE", ACCOUNT, {})
    assert (refused.status, refused.body["code"]) == (403, "log_in_again")
    assert delete(ada, password="something").body["code"] == "no_password"
    assert ProgramClient(world).post("/v1/auth/magic-link", {"email": ada.email}).status == 202
    ada.takes(ProgramClient(world).post("/v1/auth/magic-link/redeem", {"token": received_mails(world, ada.email)[-1].token}))
    assert ada.request("DELETE", ACCOUNT, {}).status == 204


def test_api_keys_and_visitors_delete_nobody(world: World, acme: Member) -> None:
    assert delete(acme.key()).status in (401, 403)
    assert delete(ProgramClient(world)).status == 401


def test_two_at_once_delete_once(world: World, acme: Member, globex: Member) -> None:
    ada = person(world)
    belongs(ada, acme)
    belongs(ada, globex)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: delete(ada), range(2)))
    assert sorted(answer.status for answer in answers) == [204, 401], [answer.raw for answer in answers]
    with transactions.transaction(system(NOWHERE)) as session:
        query = select(AuditLog).where(AuditLog.action == "user.deleted", AuditLog.entity_id == id_of(ada))
        assert len(session.scalars(query).all()) == 1
    for member in (acme, globex):
        left = select(AuditLog.id).where(AuditLog.action == "user.deleted", AuditLog.entity_id == id_of(ada))
        assert len(member.rows(left)) == 1


def test_whoever_is_let_in_at_the_same_instant_is_let_out_again(world: World, acme: Member) -> None:
    """Accepting an invitation and deleting the account race; either way no organization has a member who is nobody."""
    for _ in range(3):
        ada = person(world)
        assert acme.post("/v1/identity/invitations", {"email": ada.email}).status == 201
        token = invited_to(world, ada.email)
        with ThreadPoolExecutor(2) as pool:
            accepted = pool.submit(ada.post, "/v1/auth/invitations/accept", {"token": token})
            deleted = pool.submit(delete, ada)
        assert deleted.result().status == 204
        assert accepted.result().status in (200, 401, 410), accepted.result().raw
        assert acme.rows(select(OrganizationMember).where(OrganizationMember.user_id == id_of(ada))) == []


def waits_for(session: Session, pool: ThreadPoolExecutor, request: Callable[[], Answer]) -> Future[Answer]:
    """A request that does not get further before the session's transaction ends."""
    session.flush()
    future = pool.submit(request)
    with pytest.raises(TimeoutError):
        future.result(0.5)
    return future


def test_a_deletion_waits_for_who_lets_the_person_in_and_lets_them_out(world: World, acme: Member) -> None:
    ada = person(world)
    assert acme.post("/v1/identity/invitations", {"email": ada.email}).status == 201
    token = invited_to(world, ada.email)
    caller = world.member(acme.organization_id, id_of(ada), "MEMBER").caller
    with ThreadPoolExecutor(1) as pool:
        with transactions.joining(caller, acme.organization_id) as session:
            invitation_acceptance.accept(session, caller, token)
            deleted = waits_for(session, pool, lambda: delete(ada))
        assert deleted.result().status == 204, deleted.result().raw
    assert acme.rows(select(OrganizationMember).where(OrganizationMember.user_id == id_of(ada))) == []


def test_who_lets_the_person_in_waits_for_a_deletion_and_finds_nobody(world: World, acme: Member) -> None:
    ada = person(world)
    assert acme.post("/v1/identity/invitations", {"email": ada.email}).status == 201
    token, caller = invited_to(world, ada.email), world.member(acme.organization_id, id_of(ada), "MEMBER").caller
    fields = {"name": "Late", "slug": f"late-{new_id().hex[-8:]}"}
    wanted: list[tuple[Callable[[], Answer], str]] = [
        (lambda: ada.post("/v1/auth/invitations/accept", {"token": token}), "invitation_not_valid"),
        (lambda: ada.post("/v1/identity/organizations", fields, {"idempotency-key": "1"}), "session_ended"),
        (lambda: ada.patch("/v1/identity/me", {"name": "Ada"}), "session_ended"),
        (lambda: ada.post("/v1/auth/totp", {"password": PASSWORD}), "session_ended"),
    ]
    with ThreadPoolExecutor(len(wanted)) as pool:
        with transactions.personal(caller.acting_for(NOWHERE)) as session:
            account_deletion.empty_account(session, session.info["caller"])
            futures = [waits_for(session, pool, request) for request, _ in wanted]
        assert [future.result().body["code"] for future in futures] == [code for _, code in wanted]
    row = user(world, id_of(ada))
    assert (row["name"], row["email"]) == (None, None)
    assert acme.rows(select(OrganizationMember).where(OrganizationMember.user_id == id_of(ada))) == []


def test_an_account_that_is_gone_accepts_and_founds_nothing(world: World, acme: Member) -> None:
    """What a request began before the deletion, it finds out when its turn has come."""
    ada = person(world)
    assert acme.post("/v1/identity/invitations", {"email": ada.email}).status == 201
    token = invited_to(world, ada.email)
    caller = world.member(acme.organization_id, id_of(ada), "MEMBER").caller
    assert delete(ada).status == 204
    with pytest.raises(invitation_acceptance.InvitationNotValid), transactions.joining(caller, acme.organization_id) as session:
        invitation_acceptance.accept(session, caller, token)
    with pytest.raises(SessionEnded), transactions.joining(caller, new_id()) as session:
        organization_lifecycle.create_organization(session, OrganizationCreate(name="Late", slug=f"late-{new_id().hex[-8:]}"))
    assert acme.rows(select(Organization.id).where(Organization.owner_id == id_of(ada))) == []


def test_whoever_logs_in_or_refreshes_at_the_same_instant_comes_no_further(world: World) -> None:
    for _ in range(3):
        ada = person(world)
        with ThreadPoolExecutor(3) as pool:
            others = [pool.submit(ada.log_in), pool.submit(refresh, world, ada.refresh_token)]
            deleted = pool.submit(delete, ada)
        assert deleted.result().status == 204, deleted.result().raw
        for answer in (future.result() for future in others):
            assert answer.status in (200, 401), answer.raw
            if answer.status == 200:
                assert Client(world, answer.body["access_token"]).get("/v1/auth/sessions").status == 401
                assert refresh(world, answer.body["refresh_token"]).status == 401
        assert {name for name, value in user(world, id_of(ada)).items() if value is not None} == LEFT


def test_ownership_that_comes_meanwhile_keeps_the_account(world: World, acme: Member) -> None:
    ada = person(world)
    belongs(ada, acme, MemberRole.ADMIN)
    with ThreadPoolExecutor(2) as pool:
        moved = pool.submit(acme.post, "/v1/identity/organization/transfer", {"user_id": str(id_of(ada))})
        deleted = pool.submit(delete, ada)
    is_owner = moved.result().status == 200
    assert deleted.result().status == (409 if is_owner else 204), (moved.result().raw, deleted.result().raw)
    owner = acme.rows(select(OrganizationMember.user_id).where(OrganizationMember.role == MemberRole.OWNER))
    assert owner == [id_of(ada) if is_owner else acme.user_id]
