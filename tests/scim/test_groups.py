"""Teams as groups of SCIM."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from sqlalchemy import select

from parley.identity.models import TeamMember
from parley.kernel.values.ids import new_id
from parley.scim import scim_groups
from tests.scim.scim_client import GROUP, ScimClient


def members(directory: ScimClient, group: str) -> set[str]:
    return {member["value"] for member in directory.scim("GET", f"/Groups/{group}").body.get("members", [])}


def test_a_group_is_a_team(directory: ScimClient) -> None:
    user = directory.user()
    group = directory.group("Engineering", user["id"], externalId="g1")
    [team] = directory.owner.get("/v1/identity/teams").body["items"]
    assert (team["id"], team["name"]) == (group["id"], "Engineering")
    assert group["members"][0]["$ref"].endswith(f"/scim/v2/Users/{user['id']}")
    shown = directory.scim("GET", f"/Users/{user['id']}").body["groups"]
    assert [(each["value"], each["display"]) for each in shown] == [(group["id"], "Engineering")]
    assert directory.change(f"/Groups/{group['id']}", {"op": "replace", "path": "displayName", "value": "Platform"}).status == 204
    assert directory.owner.get(f"/v1/identity/teams/{group['id']}").body["name"] == "Platform"


def test_a_team_that_was_there_is_a_group_and_keeps_the_roles_in_it(directory: ScimClient) -> None:
    team = directory.owner.post("/v1/identity/teams", {"name": "Sales", "slug": "sales"}).body
    lead = directory.owner.as_role("MEMBER")
    assert directory.owner.post(f"/v1/identity/teams/{team['id']}/members", {"user_id": str(lead.user_id), "role": "ADMIN"}).status == 201
    before = directory.scim("GET", f"/Groups/{team['id']}").body
    added = directory.user()["id"]
    assert directory.change(f"/Groups/{team['id']}", {"op": "add", "path": "members", "value": [{"value": added}]}).status == 204
    assert members(directory, team["id"]) == {before["members"][0]["value"], added}
    roles = directory.owner.rows(select(TeamMember.role).where(TeamMember.user_id == lead.user_id))
    assert [role.value for role in roles] == ["ADMIN"]


@pytest.mark.parametrize(
    "removal",
    [
        lambda member: {"op": "remove", "path": f'members[value eq "{member}"]'},
        lambda member: {"op": "Remove", "path": "members", "value": [{"value": member}]},
    ],
    ids=["by its path", "as Entra says it"],
)
def test_one_member_is_removed_and_the_others_stay(directory: ScimClient, removal: object) -> None:
    first, second = directory.user()["id"], directory.user()["id"]
    group = directory.group("Engineering", first, second)["id"]
    assert directory.change(f"/Groups/{group}", removal(first)).status == 204  # type: ignore[operator]  # a function of a member
    assert members(directory, group) == {second}
    assert directory.change(f"/Groups/{group}", {"op": "remove", "path": "members"}).status == 204
    assert members(directory, group) == set()


def test_members_are_replaced_whole(directory: ScimClient) -> None:
    first, second, third = (directory.user()["id"] for _ in range(3))
    group = directory.group("Engineering", first, second)["id"]
    assert directory.change(f"/Groups/{group}", {"op": "Replace", "path": "members", "value": [{"value": third}]}).status == 204
    assert members(directory, group) == {third}
    body = {"schemas": [GROUP], "displayName": "Engineering", "members": [{"value": first}, {"value": first}]}
    assert directory.scim("PUT", f"/Groups/{group}", body).status == 200
    assert members(directory, group) == {first}


@pytest.mark.parametrize("value", [str(new_id()), "nobody", ""], ids=["unknown", "no id", "empty"])
def test_unknown_members_are_refused_and_nothing_is_changed(directory: ScimClient, value: str) -> None:
    member_id = directory.user()["id"]
    group = directory.group("Engineering", member_id)["id"]
    refused = directory.change(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": value}]})
    assert (refused.status, refused.body["scimType"]) == (400, "invalidValue")
    assert members(directory, group) == {member_id}


def test_a_deleted_group_is_gone_and_its_external_id_free(directory: ScimClient) -> None:
    group = directory.group("Engineering", externalId="g1")["id"]
    assert directory.scim("POST", "/Groups", {"schemas": [GROUP], "displayName": "Other", "externalId": "g1"}).status == 409
    assert directory.scim("DELETE", f"/Groups/{group}").status == 204
    assert directory.scim("GET", f"/Groups/{group}").status == 404
    assert directory.scim("DELETE", f"/Groups/{group}").status == 404
    assert directory.names_found("/Groups") == []
    directory.group("Engineering", externalId="g1")


def test_a_version_changes_with_the_members_even_when_they_are_not_shown(directory: ScimClient) -> None:
    user = directory.user()["id"]
    group = directory.group("Engineering")["id"]

    def version() -> str:
        return str(directory.scim("GET", f"/Groups/{group}", excludedAttributes="members").body["meta"]["version"])

    before = version()
    assert before == directory.scim("GET", f"/Groups/{group}").headers["etag"]
    directory.change(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": user}]})
    assert version() != before


def test_a_page_ends_before_it_is_too_large(directory: ScimClient) -> None:
    users = [directory.user()["id"] for _ in range(3)]
    for name in ("One", "Two", "Three"):
        directory.group(name, *users)
    with patch.object(scim_groups, "MOST_MEMBERS", 7):
        page = directory.scim("GET", "/Groups").body
        assert (page["totalResults"], page["itemsPerPage"]) == (3, 2)
        assert directory.scim("GET", "/Groups", startIndex=3).body["itemsPerPage"] == 1
        assert directory.scim("GET", "/Groups", excludedAttributes="members").body["itemsPerPage"] == 3
    with patch.object(scim_groups, "MOST_MEMBERS", 2):
        assert directory.scim("GET", "/Groups").body["itemsPerPage"] == 1
