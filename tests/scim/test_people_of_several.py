"""A person whom several organizations know: what each says of them is seen there alone, and the person says where they belong."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from parley.identity.declared import IdentityDirectory
from parley.identity.models import Invitation, InvitationStatus, MemberRole, OrganizationMember, TeamMember, User
from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.persistence import directory as names
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from tests.harness import Member, Person, World
from tests.identity.test_organizations import founded
from tests.scim.conftest import provisioned
from tests.scim.scim_client import USER, ScimClient, address


def listed(organization: Member, user_name: str) -> Any:
    [member] = [each for each in organization.get("/v1/identity/members", limit=100).body["items"] if each["email"] == user_name]
    return member


def link(organization: Member, user_name: str) -> str:
    """The token of the mail that was sent to them."""
    organization.world.pump()
    [mail] = [mail for mail in organization.world.mails() if user_name in mail["to"]][-1:]
    text = mail["raw"].replace("=\r\n", "").replace("=\n", "")
    return str(text.partition("/invitations/")[2][:65])


def accepted(organization: Member, person: Person) -> Any:
    return person.post("/v1/auth/invitations/accept", {"token": link(organization, person.email)})


def test_what_one_organization_says_of_a_person_is_seen_there_alone(directory: ScimClient, other: ScimClient) -> None:
    name = address("corp.test")
    other.user(name, displayName="Leaves in March", title="Secret")
    directory.user(name, displayName="Ada", name={"givenName": "Ada"})
    assert listed(directory.owner, name)["name"] == "Ada"
    assert listed(other.owner, name)["name"] == "Leaves in March"
    unnamed = address("corp.test")
    other.user(unnamed, displayName="Set by B")
    assert directory.user(unnamed).get("displayName") is None
    assert listed(directory.owner, unnamed)["name"] is None
    assert b"Set by B" not in directory.owner.get("/v1/identity/members", limit=100).raw
    assert directory.owner.rows(select(User.name).where(User.email == name)) == []
    # Until they come, nothing of theirs is anybody's: the address is free to register.
    assert names.person_of(IdentityDirectory.EMAIL, name) is None


def test_a_host_is_called_on_pages_as_the_organization_says(directory: ScimClient, other: ScimClient) -> None:
    name = address("corp.test")
    user = directory.user(name, displayName="Ada of A", roles=[{"value": "MEMBER"}])
    other.user(name, displayName="Ada of B")
    [member] = directory.owner.rows(select(OrganizationMember).where(OrganizationMember.id == user["id"]))
    team = directory.owner.post("/v1/identity/teams", {"name": "Hosts", "slug": f"hosts-{user['id'][-12:]}"}).body
    added = directory.owner.post(f"/v1/identity/teams/{team['id']}/members", {"user_id": str(member.user_id)})
    assert (added.status, added.body["name"], added.body["email"]) == (201, "Ada of A", name), added.raw
    [shown] = directory.owner.get(f"/v1/identity/teams/{team['id']}/members").body["items"]
    assert shown["name"] == "Ada of A"


@pytest.mark.parametrize("account_state", ["unknown", "registered", "unverified", "member elsewhere", "provisioned elsewhere"])
def test_nobody_learns_by_provisioning_whether_an_address_has_an_account(
    directory: ScimClient, other: ScimClient, account_state: str
) -> None:
    name = address("corp.test")
    if account_state in ("registered", "unverified"):
        directory.world.person(name, "Their Own Name", is_verified=account_state == "registered")
    elif account_state == "member elsewhere":
        colleague = other.owner.as_role("MEMBER")
        name = str(other.owner.rows(select(User.email).where(User.id == colleague.user_id))[0])
    elif account_state == "provisioned elsewhere":
        other.user(name)
    made = directory.scim("POST", "/Users", {"schemas": [USER], "userName": name})
    assert made.status == 201, made.raw
    assert set(made.body) == {"schemas", "id", "userName", "active", "meta"}
    shown = listed(directory.owner, name)
    assert (shown["name"], shown["is_active"], shown["role"]) == (None, True, "MEMBER")
    assert [each["status"] for each in directory.owner.get("/v1/identity/invitations").body["items"] if each["email"] == name] == [
        "PENDING"
    ]
    moved = directory.user()
    answer = directory.change(f"/Users/{moved['id']}", {"op": "replace", "path": "emails", "value": [{"value": address("x.test")}]})
    assert answer.status == 204
    again = directory.scim("POST", "/Users", {"schemas": [USER], "userName": f"other-{name}", "emails": [{"value": name}]})
    assert (again.status, again.body["scimType"]) == (409, "uniqueness")  # here, and of this organization's own


def test_a_person_says_by_themself_that_they_belong(directory: ScimClient) -> None:
    person = directory.world.person(address("corp.test"), "Her Own Name")
    user = directory.user(person.email, displayName="Ada (A)", roles=[{"value": "ADMIN"}])
    group = directory.group("Ops", user["id"])["id"]
    assert person.post("/v1/auth/switch", {"organization_id": str(directory.owner.organization_id)}).status == 403
    assert person.get("/v1/identity/organizations").body["items"] == []
    answer = accepted(directory.owner, person)
    assert (answer.status, answer.body["role"]) == (200, "ADMIN"), answer.raw
    [member] = directory.owner.rows(select(OrganizationMember).where(OrganizationMember.id == user["id"]))
    assert (member.user_id, member.email, member.is_sso_bound) == (person.user_id, None, True)
    assert directory.owner.rows(select(TeamMember.user_id)) == [person.user_id]
    assert [each["value"] for each in directory.scim("GET", f"/Groups/{group}").body["members"]] == [user["id"]]
    shown = listed(directory.owner, person.email)
    assert (shown["user_id"], shown["name"]) == (str(person.user_id), "Ada (A)")
    me = person.at(directory.owner.organization_id, "ADMIN").get("/v1/identity/me")
    assert (me.status, me.body["name"]) == (200, "Her Own Name")
    assert directory.scim("GET", f"/Users/{user['id']}").body["displayName"] == "Ada (A)"
    assert directory.change(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False}).status == 204
    assert person.at(directory.owner.organization_id, "ADMIN").get("/v1/identity/me").status == 403


def test_whoever_is_taken_away_before_they_came_does_not_come(directory: ScimClient) -> None:
    person = directory.world.person(address("corp.test"))
    user = directory.user(person.email)
    token = link(directory.owner, person.email)
    assert directory.scim("DELETE", f"/Users/{user['id']}").status == 204
    assert person.post("/v1/auth/invitations/accept", {"token": token}).status == 410
    other = directory.world.person(address("corp.test"))
    user = directory.user(other.email)
    token = link(directory.owner, other.email)
    assert directory.change(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False}).status == 204
    assert other.post("/v1/auth/invitations/accept", {"token": token}).status == 410


def test_whoever_said_no_is_not_asked_again(directory: ScimClient) -> None:
    person = directory.world.person(address("corp.test"))
    user = directory.user(person.email)
    assert person.post("/v1/auth/invitations/decline", {"token": link(directory.owner, person.email)}).status in (200, 204)
    assert directory.scim("DELETE", f"/Users/{user['id']}").status == 204
    directory.user(person.email)
    assert len(directory.owner.rows(select(Invitation).where(Invitation.email == person.email))) == 1


def test_nobody_who_has_not_come_becomes_the_owner(directory: ScimClient) -> None:
    user = directory.user(roles=[{"value": "ADMIN"}])
    [member] = directory.owner.rows(select(OrganizationMember).where(OrganizationMember.id == user["id"]))
    refused = directory.owner.post("/v1/identity/organization/transfer", {"user_id": str(member.user_id)})
    assert (refused.status, refused.body["code"]) == (409, "not_an_active_member")


def test_an_account_without_an_address_is_nobody_who_has_not_come(world: World) -> None:
    """Whoever comes by GitHub has none. What the directory says of an address neither moves their membership nor asks anybody for it."""
    founder, thief = world.person(), world.person()
    owner = founded(founder)
    world.give_plan(owner.organization_id, "BUSINESS")
    with transactions.personal(system(NOWHERE), owner.user_id) as session:
        names.forget_person(session, owner.user_id)
        session.execute(update(User).where(User.id == owner.user_id).values(email=None, email_verified_at=None, last_login_at=now()))
    directory = provisioned(owner)
    [membership_id] = owner.rows(select(OrganizationMember.id))
    assert owner.post("/v1/identity/invitations", {"email": thief.email, "role": "MEMBER"}).status == 201
    moved = directory.change(
        f"/Users/{membership_id}", {"op": "replace", "path": "emails", "value": [{"value": thief.email, "primary": True}]}
    )
    assert moved.status in (200, 204), moved.raw
    joined = thief.post("/v1/auth/invitations/accept", {"token": link(owner, thief.email)})
    assert (joined.status, joined.body["role"]) == (200, "MEMBER"), joined.raw
    assert owner.get("/v1/identity/me").body["role"] == "OWNER"
    own = select(OrganizationMember.role).where(OrganizationMember.user_id == owner.user_id)
    assert owner.rows(own) == [MemberRole.OWNER]


def test_a_directory_that_demotes_takes_invitations_back_as_everybody_does(directory: ScimClient) -> None:
    administrator = directory.owner.as_role("ADMIN")
    [member] = directory.owner.rows(select(OrganizationMember.id).where(OrganizationMember.user_id == administrator.user_id))
    for change in (
        {"op": "replace", "path": "roles", "value": [{"value": "MEMBER"}]},
        {"op": "replace", "path": "active", "value": False},
    ):
        name = address("corp.test")
        assert administrator.post("/v1/identity/invitations", {"email": name, "role": "ADMIN"}).status == 201
        assert directory.change(f"/Users/{member}", change).status in (200, 204)
        assert directory.owner.rows(select(Invitation.status).where(Invitation.email == name)) == [InvitationStatus.EXPIRED]
        assert directory.change(
            f"/Users/{member}",
            {"op": "replace", "path": "roles", "value": [{"value": "ADMIN"}]},
            {"op": "replace", "path": "active", "value": True},
        ).status in (200, 204)
