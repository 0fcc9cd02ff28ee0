"""Projects, and keys that belong to one."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from parley.identity.models import ApiKey, Team
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from parley.storage.models import Project
from tests.harness import Client, Member, World

PROJECTS = "/v1/storage/projects"
KEYS = "/v1/identity/api-keys"


def project(member: Client, slug: str = "website", **more: Any) -> str:
    answer = member.post(PROJECTS, {"name": "Website", "slug": slug} | more)
    assert answer.status == 201, answer.raw
    return str(answer.body["id"])


def team(member: Member) -> str:
    with transactions.transaction(member.caller) as session:
        made = Team(name="Web", slug=f"web-{new_id().hex}")
        session.add(made)
    return str(made.id)


def test_a_project_is_made_changed_and_deleted(acme: Member) -> None:
    made = project(acme, description="Pictures", team_id=team(acme))
    assert acme.get(f"{PROJECTS}/{made}").body["owner_id"] == str(acme.user_id)
    changed = acme.patch(f"{PROJECTS}/{made}", {"name": "Blog", "description": None})
    assert (changed.status, changed.body["name"], changed.body["description"], changed.body["slug"]) == (200, "Blog", None, "website")
    assert [item["id"] for item in acme.get(PROJECTS).body["items"]] == [made]
    assert acme.delete(f"{PROJECTS}/{made}").status == 204
    assert acme.get(PROJECTS).body["items"] == []
    for answer in (acme.get(f"{PROJECTS}/{made}"), acme.patch(f"{PROJECTS}/{made}", {}), acme.delete(f"{PROJECTS}/{made}")):
        assert (answer.status, answer.body["code"]) == (404, "no_such_project")
    actions = acme.rows(select(AuditLog.action).where(AuditLog.entity_type == "Project").order_by(AuditLog.id))
    assert actions == ["project.created", "project.updated", "project.deleted"]


def test_a_slug_is_one_of_the_living(acme: Member, globex: Member) -> None:
    first, other = project(acme), project(acme, "other")
    for refused in (acme.post(PROJECTS, {"name": "Again", "slug": "website"}), acme.patch(f"{PROJECTS}/{other}", {"slug": "website"})):
        assert (refused.status, refused.body["code"]) == (409, "project_slug_taken")
    project(globex)
    acme.delete(f"{PROJECTS}/{first}")
    project(acme)
    assert len(acme.rows(select(Project.id))) == 3


@pytest.mark.parametrize(
    "wrong", [{"name": None}, {"slug": None}, {"slug": "Ä"}, {"slug": "a--b"}, {"owner_id": str(new_id())}, {"team_id": "x"}]
)
def test_what_fits_no_project_is_refused(acme: Member, wrong: dict[str, Any]) -> None:
    assert acme.patch(f"{PROJECTS}/{project(acme)}", wrong).status == 422
    assert acme.post(PROJECTS, {"name": "X", "slug": "x"} | wrong).status == 422


def test_a_team_is_one_of_the_organization(acme: Member, globex: Member) -> None:
    for team_id in (team(globex), str(new_id())):
        refused = acme.post(PROJECTS, {"name": "X", "slug": "x", "team_id": team_id})
        assert (refused.status, refused.body["code"]) == (422, "unknown_team_of_project")


def test_a_key_makes_a_project_in_the_name_of_its_maker(acme: Member) -> None:
    key = acme.key("projects:*")
    assert acme.get(f"{PROJECTS}/{project(key)}").body["owner_id"] == str(acme.user_id)


def test_a_key_of_a_project_sees_that_one(acme: Member) -> None:
    own, other = project(acme), project(acme, "other")
    key = acme.key("projects:*", "api_keys:manage", project_id=own)
    assert [item["id"] for item in key.get(PROJECTS).body["items"]] == [own]
    assert (key.get(f"{PROJECTS}/{own}").status, key.patch(f"{PROJECTS}/{own}", {"name": "Mine"}).status) == (200, 200)
    for answer in (key.get(f"{PROJECTS}/{other}"), key.patch(f"{PROJECTS}/{other}", {"name": "Mine"}), key.delete(f"{PROJECTS}/{other}")):
        assert (answer.status, answer.body["code"]) == (404, "no_such_project")
    refused = key.post(PROJECTS, {"name": "X", "slug": "x"})
    assert (refused.status, refused.body["code"]) == (403, "bound_to_a_project")


def test_a_key_of_a_project_manages_the_keys_of_that_one(acme: Member) -> None:
    own, other = project(acme), project(acme, "other")
    of_all, of_other = acme.key("files:read"), acme.key("files:read", project_id=other)
    key = acme.key("files:*", "api_keys:manage", project_id=own)
    assert [item["id"] for item in key.get(KEYS).body["items"]] == [str(key.id)]
    for hidden in (of_all, of_other):
        assert key.get(f"{KEYS}/{hidden.id}").status == key.delete(f"{KEYS}/{hidden.id}").status == 404
    made = key.post(KEYS, {"label": "Child", "permissions": ["files:read"]})
    assert (made.status, made.body["project_id"]) == (201, own)
    foreign = key.post(KEYS, {"label": "Child", "permissions": ["files:read"], "project_id": other})
    assert foreign.status == 404
    assert len(acme.get(KEYS, project_id=own).body["items"]) == 2


def test_a_key_of_a_project_may_nothing_that_is_the_organizations(world: World, acme: Member) -> None:
    own = project(acme)
    refused = acme.post(KEYS, {"label": "X", "permissions": ["files:read", "bookings:read"], "project_id": own})
    assert (refused.status, refused.body["code"], refused.body["scope"]) == (422, "not_for_projects", "bookings:read")
    everything = acme.as_role("ADMIN").key("*", project_id=own)
    scopes = set(world.authorized(str(everything.token))["scopes"].split())
    assert "files:write" in scopes and not {"bookings:read", "members:write", "*"} & scopes
    assert everything.get("/v1/scheduling/schedules").body["scope"] == "schedules:read"


def test_a_project_of_nobody_has_no_keys(acme: Member, globex: Member) -> None:
    deleted_id = project(acme)
    acme.delete(f"{PROJECTS}/{deleted_id}")
    for project_id in (deleted_id, project(globex), str(new_id())):
        refused = acme.post(KEYS, {"label": "X", "permissions": ["files:read"], "project_id": project_id})
        assert (refused.status, refused.body["code"]) == (404, "no_such_project")


def test_the_keys_of_a_project_stop_with_it(world: World, acme: Member) -> None:
    own = project(acme)
    key, other = acme.key("projects:read", project_id=own), acme.key("projects:read")
    assert key.get(PROJECTS).status == 200
    acme.delete(f"{PROJECTS}/{own}")
    assert key.get(PROJECTS).body["code"] == "key_revoked"
    assert not world.authorized(str(key.token))
    assert other.get(PROJECTS).status == 200
    assert acme.rows(select(ApiKey.id).where(ApiKey.revoked_at.is_not(None))) == [key.id]
