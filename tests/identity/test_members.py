"""Members by HTTP: who sees them, who changes whom, how somebody goes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from parley.identity.models import ApiKey, MemberRole, OrganizationMember, TeamMember, UserSession
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from tests.harness import Member, World

MEMBERS, LEAVE = "/v1/identity/members", "/v1/identity/organization/leave"
RANKS = ("VIEWER", "MEMBER", "ADMIN", "OWNER")


def patched(who: Member, whom: Member, role: str) -> tuple[int, str | None]:
    answer = who.patch(f"{MEMBERS}/{whom.user_id}", {"role": role})
    return answer.status, answer.body.get("code")


def session_of(member: Member) -> UserSession:
    """A log-in of the member's for their organization."""
    begun = UserSession(
        user_id=member.user_id, organization_id=member.organization_id, methods=["pwd"], expires_at=now() + timedelta(days=7)
    )
    with transactions.personal(member.caller) as session:
        session.add(begun)
    return begun


def test_members_are_listed_with_name_address_and_role(acme: Member) -> None:
    viewer = acme.as_role("VIEWER")
    answer = viewer.get(MEMBERS)
    assert answer.status == 200
    assert [(item["user_id"], item["role"], item["is_active"]) for item in answer.body["items"]] == [
        (str(viewer.user_id), "VIEWER", True),
        (str(acme.user_id), "OWNER", True),
    ]
    assert answer.body["items"][1] | {"joined_at": 0} == {
        "user_id": str(acme.user_id), "name": "Owner of Acme", "email": f"{acme.user_id}@acme.test", "role": "OWNER", "is_active": True,
        "joined_at": 0,
    }  # fmt: skip
    assert viewer.get(f"{MEMBERS}/{acme.user_id}").body == answer.body["items"][1]
    assert [item["role"] for item in viewer.get(MEMBERS, role="OWNER").body["items"]] == ["OWNER"]
    assert viewer.get(MEMBERS, role="KING").status == 422


def test_members_by_pages(acme: Member) -> None:
    made = [str(acme.user_id), *(str(acme.as_role("VIEWER").user_id) for _ in range(4))]
    first = acme.get(MEMBERS, limit=2).body
    second = acme.get(MEMBERS, limit=2, cursor=first["next_cursor"]).body
    third = acme.get(MEMBERS, limit=2, cursor=second["next_cursor"]).body
    assert [item["user_id"] for page in (first, second, third) for item in page["items"]] == made[::-1]
    assert third["next_cursor"] is None


@pytest.mark.parametrize("whose", RANKS[:3])
@pytest.mark.parametrize("role", RANKS)
def test_an_administrator_gives_roles_up_to_their_own(acme: Member, whose: str, role: str) -> None:
    admin, other = acme.as_role("ADMIN"), acme.as_role(whose)
    expected = (403, "role_above_yours") if role == "OWNER" else (200, None)
    assert patched(admin, other, role) == expected


def test_nobody_touches_who_stands_above(acme: Member) -> None:
    admin = acme.as_role("ADMIN")
    assert patched(admin, acme, "VIEWER") == (403, "member_above_you")
    for path in (f"{MEMBERS}/{acme.user_id}", f"{MEMBERS}/{acme.user_id}/sessions"):
        refused = admin.delete(path)
        assert (refused.status, refused.body["code"]) == (403, "member_above_you")


def test_the_owner_stays_until_a_transfer(acme: Member) -> None:
    assert patched(acme, acme, "ADMIN") == (409, "owner_stays")
    for refused in (acme.delete(f"{MEMBERS}/{acme.user_id}"), acme.post(LEAVE)):
        assert (refused.status, refused.body["code"]) == (409, "owner_stays")
    other = acme.as_role("ADMIN")
    assert patched(acme, other, "OWNER") == (409, "owner_by_transfer_only")
    assert acme.post("/v1/identity/organization/transfer", {"user_id": str(other.user_id)}).status == 200
    assert acme.world.member(acme.organization_id, acme.user_id, "ADMIN").post(LEAVE).status == 204


def test_a_changed_role_is_audited_announced_and_works_at_once(acme: Member) -> None:
    other = acme.as_role("VIEWER")
    assert patched(acme, other, "ADMIN") == (200, None)
    stale = other.get("/v1/identity/me")
    assert (stale.status, stale.body["code"]) == (401, "rights_changed")
    assert patched(acme, other, "ADMIN") == (200, None)  # nothing changes
    assert patched(acme, other, "MEMBER") == (200, None)
    rows = acme.rows(select(AuditLog).where(AuditLog.target_user_id == other.user_id).order_by(AuditLog.id))
    assert [(row.action, row.old_values, row.new_values) for row in rows] == [
        ("member.promoted", {"role": "VIEWER"}, {"role": "ADMIN"}),
        ("member.demoted", {"role": "ADMIN"}, {"role": "MEMBER"}),
    ]
    assert acme.rows(select(OutboxEvent.name)) == ["identity.member_role_changed"] * 2


@pytest.mark.parametrize("role", ["MEMBER", "VIEWER"])
def test_others_see_and_do_not_change(acme: Member, role: str) -> None:
    colleague, other = acme.as_role(role), acme.as_role("VIEWER")
    assert colleague.get(MEMBERS).status == 200
    for refused in (
        colleague.patch(f"{MEMBERS}/{other.user_id}", {"role": "VIEWER"}),
        colleague.delete(f"{MEMBERS}/{other.user_id}"),
        colleague.delete(f"{MEMBERS}/{other.user_id}/sessions"),
    ):
        assert (refused.status, refused.body["scope"]) == (403, "members:write")


@pytest.mark.parametrize("goes", ["removed", "leaves"])
def test_who_goes_takes_nothing_along(acme: Member, goes: str) -> None:
    other = acme.as_role("MEMBER")
    team = acme.post("/v1/identity/teams", {"name": "Team", "slug": "team"}).body["id"]
    assert acme.post(f"/v1/identity/teams/{team}/members", {"user_id": str(other.user_id)}).status == 201
    begun = session_of(other)
    with transactions.transaction(acme.caller) as session:
        session.add(ApiKey(user_id=other.user_id, label="k", key_hash="h", prefix="p", permissions=["*"]))
    response = acme.delete(f"{MEMBERS}/{other.user_id}") if goes == "removed" else other.post(LEAVE)
    assert (response.status, response.raw) == (204, b"")
    refused = other.get("/v1/identity/me")
    assert (refused.status, refused.body["code"]) == (403, "not_a_member")
    assert acme.rows(select(TeamMember)) == []
    assert acme.rows(select(ApiKey.revoked_at))[0] is not None
    with transactions.personal(other.caller) as session:
        ended = session.get_one(UserSession, begun.id)
        assert ended.revoked_at is not None
        assert ended.revoked_because in ("removed", "left")
    (row,) = acme.rows(select(AuditLog).where(AuditLog.target_user_id == other.user_id, AuditLog.action.like("member.%")))
    assert row.action == ("member.deleted" if goes == "removed" else "member.left")
    assert acme.get(f"{MEMBERS}/{other.user_id}").status == 404
    assert acme.delete(f"{MEMBERS}/{other.user_id}").status == 404


def test_ending_sessions_ends_those_of_this_organization(world: World, acme: Member, globex: Member) -> None:
    both = globex.as_role("MEMBER")
    with transactions.transaction(acme.caller) as session:
        session.add(OrganizationMember(user_id=both.user_id, role=MemberRole.VIEWER))
    here, other_session = session_of(world.member(acme.organization_id, both.user_id, "VIEWER")), session_of(both)
    assert acme.delete(f"{MEMBERS}/{both.user_id}/sessions").status == 204
    with transactions.personal(both.caller) as session:
        assert session.get_one(UserSession, here.id).revoked_because == "administrator"
        assert session.get_one(UserSession, other_session.id).revoked_at is None
    assert acme.get(f"{MEMBERS}/{both.user_id}").status == 200
    assert globex.delete(f"{MEMBERS}/{new_id()}/sessions").status == 404


def test_an_administrator_who_was_put_to_sleep_changes_nobody(acme: Member) -> None:
    admin, other = acme.as_role("ADMIN"), acme.as_role("MEMBER")
    with transactions.transaction(acme.caller) as session:
        session.execute(update(OrganizationMember).where(OrganizationMember.user_id == admin.user_id).values(deactivated_at=now()))
    assert patched(admin, other, "VIEWER") == (403, "not_a_member")
    assert acme.get(f"{MEMBERS}/{admin.user_id}").body["is_active"] is False


def test_a_person_without_an_organization_has_none_to_leave(world: World) -> None:
    assert world.person().post(LEAVE).status == 403
