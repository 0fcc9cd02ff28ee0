"""Teams by HTTP, and who is in them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from parley.identity.models import TeamMember
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.values.ids import new_id
from tests.harness import Member

TEAMS = "/v1/identity/teams"


def made(member: Member, slug: str = "support") -> str:
    answer = member.post(TEAMS, {"name": "Support", "slug": slug, "description": "Answers"})
    assert answer.status == 201, answer.raw
    return str(answer.body["id"])


def added(acme: Member, team: str, whom: Member, **terms: Any) -> tuple[int, Any]:
    answer = acme.post(f"{TEAMS}/{team}/members", {"user_id": str(whom.user_id)} | terms)
    return answer.status, answer.body


def test_a_team_is_made_seen_changed_and_deleted(acme: Member) -> None:
    body = {"name": "Support", "slug": "support", "description": "Answers"}
    answer = acme.post(TEAMS, body, {"idempotency-key": "t"})
    assert answer.status == 201
    assert {name: answer.body[name] for name in body} == body
    assert acme.post(TEAMS, body, {"idempotency-key": "t"}).body == answer.body
    path = f"{TEAMS}/{answer.body['id']}"
    assert acme.as_role("VIEWER").get(path).body == answer.body
    changed = acme.patch(path, {"name": "Help", "description": None})
    assert (changed.status, changed.body["name"], changed.body["description"], changed.body["slug"]) == (200, "Help", None, "support")
    assert acme.patch(path, {"name": None}).status == 422
    assert acme.delete(path).status == 204
    assert acme.delete(path).status == acme.get(path).status == acme.patch(path, {"name": "x"}).status == 404
    assert acme.get(TEAMS).body["items"] == []
    names = ["created", "updated", "deleted"]
    assert acme.rows(select(AuditLog.action).where(AuditLog.team_id == UUID(answer.body["id"])).order_by(AuditLog.id)) == [
        f"team.{name}" for name in names
    ]
    assert acme.rows(select(OutboxEvent.name).order_by(OutboxEvent.id)) == [f"identity.team_{name}" for name in names]


def test_a_slug_is_one_teams_while_it_lives(acme: Member, globex: Member) -> None:
    first = made(acme)
    made(globex)
    refused = acme.post(TEAMS, {"name": "Other", "slug": "support"})
    assert (refused.status, refused.body["code"]) == (409, "team_slug_taken")
    other = made(acme, "other")
    refused = acme.patch(f"{TEAMS}/{other}", {"slug": "support"})
    assert (refused.status, refused.body["code"]) == (409, "team_slug_taken")
    acme.delete(f"{TEAMS}/{first}")
    assert acme.patch(f"{TEAMS}/{other}", {"slug": "support"}).status == 200


@pytest.mark.parametrize("role", ["MEMBER", "VIEWER"])
def test_teams_are_for_administrators_to_change(acme: Member, role: str) -> None:
    team, colleague = made(acme), acme.as_role(role)
    assert colleague.get(TEAMS).body["items"][0]["id"] == team
    for refused in (
        colleague.post(TEAMS, {"name": "Mine", "slug": "mine"}),
        colleague.patch(f"{TEAMS}/{team}", {"name": "Mine"}),
        colleague.delete(f"{TEAMS}/{team}"),
        colleague.post(f"{TEAMS}/{team}/members", {"user_id": str(colleague.user_id)}),
        colleague.delete(f"{TEAMS}/{team}/members/{acme.user_id}"),
    ):
        assert (refused.status, refused.body["scope"]) == (403, "teams:write")


def test_members_come_into_a_team_change_and_go(acme: Member) -> None:
    team, other = made(acme), acme.as_role("VIEWER")
    path = f"{TEAMS}/{team}/members"
    status, membership = added(acme, team, other)
    assert (status, membership["role"], membership["user_id"], membership["email"]) == (
        201,
        "MEMBER",
        str(other.user_id),
        membership["email"],
    )
    again, refused = added(acme, team, other)
    assert (again, refused["code"]) == (409, "already_in_team")
    assert added(acme, team, acme, role="ADMIN")[0] == 201
    assert [(item["user_id"], item["role"]) for item in other.get(path).body["items"]] == [
        (str(acme.user_id), "ADMIN"),
        (str(other.user_id), "MEMBER"),
    ]
    changed = acme.patch(f"{path}/{other.user_id}", {"role": "VIEWER"})
    assert (changed.status, changed.body) == (200, membership | {"role": "VIEWER"})
    assert acme.delete(f"{path}/{other.user_id}").status == 204
    for response in (acme.delete(f"{path}/{other.user_id}"), acme.patch(f"{path}/{other.user_id}", {"role": "MEMBER"})):
        assert response.status == 404
    actions = acme.rows(select(AuditLog.action).where(AuditLog.target_user_id == other.user_id).order_by(AuditLog.id))
    assert actions == ["team.member_added", "team.member_changed", "team.member_removed"]


def test_only_members_of_the_organization_are_in_its_teams(acme: Member, globex: Member) -> None:
    team = made(acme)
    for user_id in (globex.user_id, new_id()):
        refused = acme.post(f"{TEAMS}/{team}/members", {"user_id": str(user_id)})
        assert (refused.status, refused.body["code"]) == (404, "no_such_member")
    assert acme.post(f"{TEAMS}/{made(globex)}/members", {"user_id": str(acme.user_id)}).body["code"] == "no_such_team"
    assert acme.rows(select(TeamMember)) == []


def test_a_role_in_a_team_is_not_above_ones_own_and_nobody_owns_a_team(acme: Member) -> None:
    team, admin, other = made(acme), acme.as_role("ADMIN"), acme.as_role("MEMBER")
    assert added(admin, team, other, role="OWNER")[1]["code"] == "role_above_yours"
    assert added(acme, team, other, role="OWNER")[1]["code"] == "owner_by_transfer_only"
    assert added(admin, team, other, role="ADMIN")[0] == 201


def test_nobody_comes_into_a_deleted_team(acme: Member) -> None:
    team = made(acme)
    acme.delete(f"{TEAMS}/{team}")
    assert added(acme, team, acme)[0] == 404
    assert acme.get(f"{TEAMS}/{team}/members").status == 404


def test_teams_and_their_members_by_pages(acme: Member) -> None:
    slugs = [f"team-{number}" for number in range(5)]
    ids = [made(acme, slug) for slug in slugs]
    pages = [acme.get(TEAMS, limit=3).body]
    pages.append(acme.get(TEAMS, limit=3, cursor=pages[0]["next_cursor"]).body)
    assert [item["slug"] for page in pages for item in page["items"]] == slugs[::-1]
    people = [acme.as_role("VIEWER") for _ in range(3)]
    for member in people:
        assert added(acme, ids[0], member)[0] == 201
    path = f"{TEAMS}/{ids[0]}/members"
    first = acme.get(path, limit=2).body
    second = acme.get(path, limit=2, cursor=first["next_cursor"]).body
    assert [member["user_id"] for member in first["items"] + second["items"]] == [str(member.user_id) for member in people[::-1]]
