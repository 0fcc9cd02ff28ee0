"""Whoever configures a source of identity does not thereby act as those above them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from local.client import Answer
from parley.identity.models import MemberRole, Organization, OrganizationMember, User, UserSession
from parley.identity.roles.scopes import SCOPES
from parley.identity.sessions.log_in_sessions import new_refresh_token
from parley.kernel.access.callers import NOWHERE, ActorType, Caller
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from tests.harness import Client, Member, World
from tests.saml.identity_provider import IdentityProvider, key_pair
from tests.saml.sso_scenarios import SsoOrganization, connected, prove, with_sso

PATH, APPROVE = "/v1/saml/connection", "/v1/saml/connection/approve"


def administrator(owner: Member, domain: str) -> Member:
    """An ADMIN with a verified address in the domain."""
    person = owner.world.person(f"admin-{new_id().hex[-8:]}@{domain}")
    with transactions.transaction(owner.caller) as session:
        session.add(OrganizationMember(user_id=person.user_id, role=MemberRole.ADMIN))
    return person.at(owner.organization_id, "ADMIN")


def address_of(member: Member) -> str:
    return str(member.rows(select(User.email).where(User.id == member.user_id))[0])


def founded(world: World) -> tuple[Member, str]:
    owner = world.organization(f"Agreed{new_id().hex[-10:]}")
    return owner, address_of(owner).rpartition("@")[2]


def agreed(owner: Member) -> Answer:
    return owner.post(APPROVE, {"digest": owner.get(PATH).body["awaiting"]["digest"]})


def session_of(member: Member, *methods: str) -> tuple[str, str]:
    """A session as the log-in makes it, without one: its access token and its refresh token."""
    from parley.identity.sessions import access_tokens, token_signing_keys

    caller = Caller(NOWHERE, ActorType.USER, member.user_id)
    with transactions.personal(caller, member.user_id) as session:
        row = UserSession(
            user_id=member.user_id, organization_id=member.organization_id, methods=list(methods), expires_at=now().replace(year=2099)
        )
        session.add(row)
        refresh, token = new_refresh_token(member.user_id, row)
        session.add(token)
    import os

    bearer = access_tokens.Bearer(member.organization_id, member.user_id, member.role, row.id)
    access = access_tokens.issue(
        lambda message: token_signing_keys.sign(os.environ["TOKEN_KEY_ID"], message), member.world.kid, bearer, now()
    )
    return access, refresh


# --- the owner ---------------------------------------------------------------------------------------------------------------------------


def test_no_identity_provider_speaks_for_the_owner(house: SsoOrganization) -> None:
    [before] = house.owner.rows(select(User).where(User.id == house.owner.user_id))
    refused = house.log_in(address_of(house.owner))
    assert (refused.status, refused.body["code"]) == (403, "owner_comes_otherwise")
    [after] = house.owner.rows(select(User).where(User.id == house.owner.user_id))
    assert after.last_login_at == before.last_login_at
    assert house.owner.rows(select(UserSession)) == []


def test_an_administrators_own_identity_provider_makes_nobody_the_owner(world: World) -> None:
    """Set it up, assert the owner's address, transfer: the way from ADMIN to OWNER."""
    owner, domain = founded(world)
    admin = administrator(owner, domain)
    house = connected(world, admin, domain, IdentityProvider(), is_idp_initiated_allowed=True)
    away = house.browser().request("GET", f"{house.path}/login")
    assert away.status == 403
    assert b"awaits_owner" in away.body
    assert agreed(owner).status == 200
    prove(owner, domain)
    assert house.log_in(address_of(owner)).body["code"] == "owner_comes_otherwise"


OWNERS = {
    "identity/choose_plan": ("PUT", "/v1/identity/organization/plan", {"plan": "PRO"}),
    "identity/delete_organization": ("DELETE", "/v1/identity/organization", None),
    "identity/transfer_organization": ("POST", "/v1/identity/organization/transfer", {"user_id": str(new_id())}),
    "identity/restore_organization": ("POST", "/v1/identity/organizations/{organization_id}/restore", {}),
    "saml/approve_connection": ("POST", APPROVE, {"digest": "x"}),
    "scim/approve_token": ("POST", f"/v1/scim/tokens/{new_id()}/approve", None),
}
"""What only an owner may do, by its function."""


def test_every_route_of_the_owners_is_listed_here() -> None:
    needed = {}
    for file in Path("functions").glob("*/*.py"):
        for scope in re.findall(r'needs=(?:"([a-z_]+:[a-z]+)"|single_sign_on\.APPROVE)', file.read_text()):
            needed[f"{file.parent.name}/{file.stem}"] = scope or "sso:approve"
    owners = {name for name, scope in needed.items() if scope not in SCOPES["ADMIN"]}
    assert owners <= OWNERS.keys(), "say here how to ask it"
    assert owners >= OWNERS.keys() - {"identity/restore_organization", "identity/choose_plan"}


@pytest.mark.parametrize("name", OWNERS)
def test_a_session_of_single_sign_on_does_nothing_that_needs_the_owner(house: SsoOrganization, name: str) -> None:
    """Even one whose member has become the owner since, or that was there before this rule."""
    method, path, body = OWNERS[name]
    access, refresh = session_of(house.owner, "saml")
    path = path.format(organization_id=house.owner.organization_id)
    refused = Client(house.world, access).request(method, path, body)
    assert (refused.status, refused.body["code"]) == (403, "session_of_one_organization"), refused.raw
    assert house.owner.rows(select(Organization.deleted_at)) == [None]
    ended = Client(house.world).post("/v1/auth/refresh", {"refresh_token": refresh})
    assert (ended.status, ended.body["code"]) == (401, "session_ended")
    own, _ = session_of(house.owner, "pwd")
    assert Client(house.world, own).get("/v1/identity/me").status == 200


def test_who_becomes_the_owner_keeps_no_session_of_single_sign_on(house: SsoOrganization) -> None:
    answer = house.log_in(f"heir@{house.domain}")
    heir = answer.body["user"]["id"]
    assert house.owner.post("/v1/identity/organization/transfer", {"user_id": heir}).status == 200
    assert Client(house.world, answer.body["access_token"]).get("/v1/identity/me").status in (401, 403)
    refreshed = Client(house.world).post("/v1/auth/refresh", {"refresh_token": answer.body["refresh_token"]})
    assert (refreshed.status, refreshed.body["code"]) == (401, "session_ended")
    assert house.log_in(f"heir@{house.domain}").body["code"] == "owner_comes_otherwise"


def test_no_role_of_the_assertion_makes_an_owner_and_scim_neither(world: World) -> None:
    house = with_sso(world, role_attribute="role")
    from tests.saml.test_log_in import saying

    answer = house.log_in(f"ada@{house.domain}", before=saying(role=["OWNER"]))
    assert answer.body["organization"]["role"] == "MEMBER"


# --- the owner agrees --------------------------------------------------------------------------------------------------------------------


def test_an_administrators_connection_counts_once_the_owner_has_agreed(world: World) -> None:
    owner, domain = founded(world)
    admin = administrator(owner, domain)
    house = connected(world, admin, domain, IdentityProvider(), is_enforced=True)
    assert house.connection["status"] == "AWAITING_OWNER"
    assert house.connection["awaiting"]["asked_by"] == str(admin.user_id)
    [organization] = owner.rows(select(Organization))
    assert (organization.sso_enabled, organization.sso_domains) == (False, None)
    assert Client(world).get(f"{house.path}/login").body["code"] == "awaits_owner"
    world.pump()
    mails = [mail for mail in world.mails() if address_of(owner) in mail["to"]]
    assert len(mails) == 1 and "waits for you" in mails[0]["raw"]

    assert admin.post(APPROVE, {"digest": house.connection["awaiting"]["digest"]}).body["scope"] == "sso:approve"
    answer = agreed(owner)
    assert (answer.status, answer.body["status"], answer.body["awaiting"]) == (200, "ACTIVE", None)
    assert owner.post(APPROVE, {"digest": "x"}).body["code"] == "nothing_to_approve"
    prove(owner, domain)
    assert house.log_in(f"ada@{domain}").status == 200


CHANGES: dict[str, dict[str, Any]] = {
    "certificate": {"idp_certificates": [key_pair()[1]]},
    "entity": {"idp_entity_id": "https://evil.example/metadata"},
    "address": {"idp_sso_url": "https://evil.example/sso"},
    "role": {"default_role": "ADMIN"},
    "role attribute": {"role_attribute": "groups"},
    "address attribute": {"email_attribute": "anything"},
    "initiated": {"is_idp_initiated_allowed": True},
    "enforced": {"is_enforced": True},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_later_change_counts_once_the_owner_has_agreed(world: World, change: str) -> None:
    house = with_sso(world)
    admin = administrator(house.owner, house.domain)
    provider = house.provider
    parts = {"idp_entity_id": provider.entity_id, "idp_sso_url": provider.sso_url, "idp_certificates": [provider.certificate]}
    same = {**parts, "domains": [house.domain]}
    kept = admin.put(PATH, same)
    assert (kept.status, kept.body["awaiting"]) == (200, None)
    response = admin.put(PATH, same | CHANGES[change])
    assert (response.status, response.body["status"]) == (200, "ACTIVE")
    for name in ("idp_entity_id", "idp_sso_url", "idp_certificates", "default_role", "role_attribute", "email_attribute", "is_enforced"):
        assert response.body[name] == house.connection[name]
    assert response.body["awaiting"] is not None
    assert house.log_in(f"ada@{house.domain}").status == 200  # through what the owner knows
    # The owner agrees to what they have seen, not to what was put in its place meanwhile.
    seen = house.owner.get(PATH).body["awaiting"]["digest"]
    admin.put(PATH, same | CHANGES[change] | {"name_attribute": "swapped"})
    swapped = house.owner.post(APPROVE, {"digest": seen})
    assert (swapped.status, swapped.body["code"]) == (409, "proposal_changed")
    answer = agreed(house.owner)
    assert (answer.status, answer.body["awaiting"], answer.body["name_attribute"]) == (200, None, "swapped")
    for name, value in CHANGES[change].items():
        assert name == "idp_certificates" or answer.body[name] == value
    # What the owner saves is agreed to at once, and puts an end to what waited.
    admin.put(PATH, same)
    assert house.owner.put(PATH, same).body["awaiting"] is None


def test_a_token_of_an_administrator_provisions_once_the_owner_has_agreed(world: World) -> None:
    owner, domain = founded(world)
    admin = administrator(owner, domain)
    made = admin.post("/v1/scim/token")
    assert (made.status, made.body["approved_at"]) == (201, None)
    program = Client(world, made.body["token"])
    wanted = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"bob@{domain}"}
    for client in (program, admin, admin.key("scim:provision"), admin.key("scim:*")):
        refused = client.post("/scim/v2/Users", wanted)
        assert refused.status == 403
        assert "owner" in refused.body["detail"]
        assert client.get("/scim/v2/Users").status == 403
    world.pump()
    assert any("SCIM" in mail["raw"] or "provisions" in mail["raw"] for mail in world.mails() if address_of(owner) in mail["to"])
    approve = f"/v1/scim/tokens/{made.body['id']}/approve"
    assert admin.post(approve).body["scope"] == "sso:approve"
    assert owner.post(approve).body["approved_at"] is not None
    assert program.post("/scim/v2/Users", wanted).status == 201
    second = admin.post("/v1/scim/token", {}, {"idempotency-key": str(new_id())})
    assert Client(world, second.body["token"]).get("/scim/v2/Users").status == 403
    assert program.get("/scim/v2/Users").status == 200  # what waits takes no other's place
    regenerated = admin.post(f"/v1/identity/api-keys/{made.body['id']}/regenerate", {}, {"idempotency-key": str(new_id())})
    assert regenerated.status == 201
    assert Client(world, regenerated.body["key"]).get("/scim/v2/Users").status == 403


# --- whose choice it is where somebody works ---------------------------------------------------------------------------------------------


def test_a_session_of_single_sign_on_does_not_choose_where_a_person_works(world: World, house: SsoOrganization) -> None:
    home = world.organization("Home")
    person = world.person(f"boss@{house.domain}")
    for member, role in ((home, MemberRole.MEMBER), (house.owner, MemberRole.MEMBER)):
        with transactions.transaction(member.caller) as session:
            session.add(OrganizationMember(user_id=person.user_id, role=role))
    with transactions.personal(Caller(NOWHERE, ActorType.USER, person.user_id)) as session:
        session.execute(update(User).where(User.id == person.user_id).values(last_organization_id=home.organization_id))
    assert house.log_in(person.email).status == 200
    assert home.rows(select(User.last_organization_id).where(User.id == person.user_id)) == [home.organization_id]


@pytest.mark.parametrize("event", ["demoted", "deactivated"])
def test_an_invitation_brings_by_single_sign_on_what_its_inviter_may_still_give(house: SsoOrganization, event: str) -> None:
    inviter, name = administrator(house.owner, house.domain), f"second-{new_id().hex[-8:]}@{house.domain}"
    assert inviter.post("/v1/identity/invitations", {"email": name, "role": "ADMIN"}).status == 201
    change: dict[str, Any] = {"role": MemberRole.MEMBER} if event == "demoted" else {"deactivated_at": now()}
    with transactions.transaction(house.owner.caller) as session:  # by whatever way
        session.execute(update(OrganizationMember).where(OrganizationMember.user_id == inviter.user_id).values(**change))
    answer = house.log_in(name)
    assert answer.status == 200, answer.raw
    [role] = house.owner.rows(select(OrganizationMember.role).join(User, User.id == OrganizationMember.user_id).where(User.email == name))
    assert role is MemberRole.MEMBER


def test_what_the_owner_enforces_no_administrator_gives_up(world: World) -> None:
    house = with_sso(world, is_enforced=True)
    admin = administrator(house.owner, house.domain)
    refused = admin.delete(PATH)
    assert (refused.status, refused.body["code"], refused.body["scope"]) == (403, "missing_scope", "sso:approve")
    assert admin.get(PATH).body["is_enforced"] is True
    assert house.owner.delete(PATH).status == 204
