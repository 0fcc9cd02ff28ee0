"""Many at once: the organization is locked while it changes its people, so what holds one after the other holds together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select

from parley.identity.models import Invitation, Organization, OrganizationMember, TeamMember
from parley.kernel.access.plans import PlanType
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.persistence.outbox import OutboxEvent
from tests.harness import Answer, Member, World
from tests.identity.test_invitations import INVITATIONS, accept, address, invite
from tests.stack.load_scenarios import at_once

MEMBERS, ORGANIZATION = "/v1/identity/members", "/v1/identity/organization"


@pytest.fixture(autouse=True)
def many_connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DATABASE_POOL_SIZE", "50")
    transactions.engine().dispose()
    transactions.engine.cache_clear()
    yield
    transactions.engine().dispose()
    transactions.engine.cache_clear()


def owners(organization: Member) -> list[UUID]:
    return [row.user_id for row in organization.rows(select(OrganizationMember)) if row.role == "OWNER"]


@pytest.mark.parametrize("turn", range(10))
def test_of_two_administrators_who_demote_each_other_one_does(acme: Member, turn: int) -> None:
    first, second = acme.as_role("ADMIN"), acme.as_role("ADMIN")
    answers = at_once(
        [
            partial(first.patch, f"{MEMBERS}/{second.user_id}", {"role": "VIEWER"}),
            partial(second.patch, f"{MEMBERS}/{first.user_id}", {"role": "VIEWER"}),
        ]
    )
    assert Counter(answer.status for answer in answers)[200] == 1
    [refused] = [answer.body["code"] for answer in answers if answer.status != 200]
    assert refused in {"member_above_you", "rights_changed", "missing_scope"}
    assert sorted(row.role for row in acme.rows(select(OrganizationMember))) == ["ADMIN", "OWNER", "VIEWER"]


@pytest.mark.parametrize("turn", range(5))
def test_of_two_administrators_who_remove_each_other_one_does(acme: Member, turn: int) -> None:
    first, second = acme.as_role("ADMIN"), acme.as_role("ADMIN")
    answers = at_once([partial(first.delete, f"{MEMBERS}/{second.user_id}"), partial(second.delete, f"{MEMBERS}/{first.user_id}")])
    assert Counter(answer.status for answer in answers)[204] == 1
    assert len(acme.rows(select(OrganizationMember))) == 2


def test_fifty_invitations_at_once_for_the_last_seat_give_one(world: World) -> None:
    owner = world.organization("Hooli", PlanType.BUSINESS)
    for _ in range(2):
        owner.as_role("MEMBER")
    answers = at_once([partial(owner.post, INVITATIONS, {"email": address()}) for _ in range(50)])
    assert Counter(answer.status for answer in answers) == {201: 1, 402: 49}
    assert {answer.body["limit"] for answer in answers if answer.status == 402} == {"seats"}
    assert owner.get(f"{ORGANIZATION}/limits").body["seats"] == {"used": 4, "limit": 4}
    assert len(owner.rows(select(Invitation))) == 1
    assert owner.rows(select(OutboxEvent.name)) == ["identity.invitation_created"]


def test_invitations_of_one_address_at_once_are_one(acme: Member) -> None:
    email = address()
    answers = at_once([partial(acme.post, INVITATIONS, {"email": email if turn % 2 else email.upper()}) for turn in range(20)])
    assert Counter(answer.status for answer in answers) == {201: 1, 409: 19}
    assert {answer.body["code"] for answer in answers if answer.status == 409} == {"already_invited"}


def test_one_invitation_accepted_twenty_times_at_once_is_one_membership(world: World, acme: Member) -> None:
    team = acme.post("/v1/identity/teams", {"name": "T", "slug": "t"}).body["id"]
    for team_fields in ({}, {"team_id": team}):
        person = world.person(address())
        token = invite(acme, person.email, **team_fields)
        answers = at_once([partial(accept, person, token)] * 20)
        assert Counter(answer.status for answer in answers)[200] == 1
        assert {answer.body["code"] for answer in answers if answer.status != 200} <= {"already_member", "invitation_not_valid"}
        query = select(OrganizationMember).where(OrganizationMember.user_id == person.user_id)
        assert len(acme.rows(query)) == 1
        joined = select(AuditLog).where(AuditLog.target_user_id == person.user_id, AuditLog.action == "member.joined")
        assert len(acme.rows(joined)) == 1
    assert len(acme.rows(select(TeamMember))) == 1


def test_accepting_while_the_invitation_is_taken_back_is_one_or_the_other(world: World, acme: Member) -> None:
    for _ in range(8):
        person = world.person(address())
        token = invite(acme, person.email)
        pending = acme.get(INVITATIONS, status="PENDING").body["items"][0]["id"]
        accepted, revoked = at_once([partial(accept, person, token), partial(acme.delete, f"{INVITATIONS}/{pending}")])
        assert (accepted.status, revoked.status) in {(200, 409), (410, 204)}
        assert len(acme.rows(select(OrganizationMember).where(OrganizationMember.user_id == person.user_id))) == (accepted.status == 200)


def test_a_transfer_against_the_removal_of_the_heir_leaves_one_owner(acme: Member) -> None:
    for _ in range(8):
        owner = acme.world.member(acme.organization_id, owners(acme)[0], "OWNER")
        heir, admin = acme.as_role("ADMIN"), acme.as_role("ADMIN")
        calls = [
            partial(owner.post, f"{ORGANIZATION}/transfer", {"user_id": str(heir.user_id)}),
            partial(admin.delete, f"{MEMBERS}/{heir.user_id}"),
        ]
        transferred, removed = at_once(calls)
        assert (transferred.status, removed.status) in {(200, 403), (404, 204)}
        assert len(owners(acme)) == 1
        assert acme.rows(select(Organization.owner_id)) == owners(acme)


def test_transfers_to_two_heirs_at_once_make_one_owner(acme: Member) -> None:
    heirs = [acme.as_role("MEMBER") for _ in range(6)]
    answers: list[Answer] = at_once([partial(acme.post, f"{ORGANIZATION}/transfer", {"user_id": str(heir.user_id)}) for heir in heirs])
    assert Counter(answer.status for answer in answers)[200] == 1
    assert acme.rows(select(Organization.owner_id)) == owners(acme)


def test_a_smaller_plan_against_an_invitation_never_has_too_few_seats(world: World) -> None:
    for _ in range(5):
        owner = world.organization("Hooli", PlanType.PRO)
        calls = [partial(owner.put, f"{ORGANIZATION}/plan", {"plan": "FREE"}), partial(owner.post, INVITATIONS, {"email": address()})]
        smaller, invited = at_once(calls)
        assert (smaller.status, invited.status) in {(200, 402), (409, 201)}
