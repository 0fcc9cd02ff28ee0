"""People come in by single sign-on: who they become, what their session reaches, who is not let in."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from lxml import etree
from sqlalchemy import select, update

from parley.identity.models import (
    AuthProvider,
    Invitation,
    InvitationStatus,
    MemberRole,
    OrganizationMember,
    User,
    UserSession,
    UserStatus,
)
from parley.kernel.access.callers import NOWHERE, ActorType, Caller
from parley.kernel.access.plans import PlanType
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from tests.harness import Answer, Client, Person, World
from tests.identity.registered_users import PASSWORD, register, verify
from tests.identity.registered_users import Person as Registered
from tests.saml.identity_provider import NS, IdentityProvider, assertion
from tests.saml.sso_scenarios import SsoOrganization, connected, with_sso
from tests.saml.test_owner import session_of
from tests.scim.test_people_of_several import link


def ada(house: SsoOrganization) -> str:
    return f"ada-{new_id().hex[-8:]}@{house.domain}"


def saying(**attributes: str | list[str]) -> Callable[[Any], None]:
    """Adds attributes to the assertion, before it is signed."""

    def twist(root: Any) -> None:
        statement = etree.SubElement(assertion(root), f"{{{NS['saml']}}}AttributeStatement")
        for name, values in attributes.items():
            attribute = etree.SubElement(statement, f"{{{NS['saml']}}}Attribute", Name=name)
            for value in [values] if isinstance(values, str) else values:
                etree.SubElement(attribute, f"{{{NS['saml']}}}AttributeValue").text = value

    return twist


def me(world: World, answer: Answer) -> Any:
    return Client(world, answer.body["access_token"]).get("/v1/identity/me").body


@pytest.mark.parametrize("signs", ["assertion", "response", "both"])
def test_a_newcomer_gets_an_account_a_seat_and_a_session(world: World, house: SsoOrganization, signs: str) -> None:
    email = ada(house)
    answer = house.log_in(email, signs=signs)
    assert answer.status == 200, answer.raw
    assert answer.body["user"]["email"] == email
    assert answer.body["organization"]["id"] == str(house.owner.organization_id)
    assert me(world, answer)["role"] == "MEMBER"
    [user] = house.owner.rows(select(User).where(User.email == email))
    assert user.email_verified_at is None  # the identity provider says so; no mail of ours was answered
    [session] = house.owner.rows(select(UserSession).where(UserSession.user_id == user.id))
    assert session.methods == ["saml"]
    actions = house.owner.rows(select(AuditLog.action).where(AuditLog.created_at > user.created_at).order_by(AuditLog.id))
    assert {"member.created", "user.login_succeeded"} <= set(actions)


def test_who_comes_again_is_the_same_person_whatever_their_address_is_then(world: World, house: SsoOrganization) -> None:
    first = house.log_in(ada(house), name_id="employee-7")
    assert first.status == 403 and first.body["code"] == "no_address"

    email, other = ada(house), ada(house)
    first = house.log_in("unused", name_id="employee-7", before=saying(mail=email))
    second = house.log_in("unused", name_id="employee-7", before=saying(mail=other))
    assert first.status == second.status == 200, (first.raw, second.raw)
    assert first.body["user"] == second.body["user"]
    assert second.body["user"]["email"] == email


def test_letters_of_an_address_have_no_case(house: SsoOrganization) -> None:
    email = ada(house)
    assert house.log_in(email).body["user"]["id"] == house.log_in(email.upper()).body["user"]["id"]


def test_name_and_role_come_from_attributes_that_the_connection_names(world: World) -> None:
    house = with_sso(world, name_attribute="cn", role_attribute="parley_role")

    for role_value, becomes in (("admin", "ADMIN"), ("VIEWER", "VIEWER"), ("OWNER", "MEMBER"), ("nonsense", "MEMBER")):
        answer = house.log_in(ada(house), before=saying(cn="Ada Lovelace", parley_role=role_value))
        assert answer.body["organization"]["role"] == becomes
        user_id = answer.body["user"]["id"]
        assert house.owner.get(f"/v1/identity/members/{user_id}").body["name"] == "Ada Lovelace"
        assert house.owner.rows(select(User.name).where(User.id == user_id)) == [None]  # said here, of nobody elsewhere
    answer = house.log_in(ada(house), before=saying(parley_role=["everybody", "viewer", "admin"]))
    assert answer.body["organization"]["role"] == "ADMIN"


def test_a_browser_goes_back_to_where_it_began_with_the_session_in_a_cookie(house: SsoOrganization) -> None:
    browser = house.browser()
    authn_request = house.begin(browser, "/welcome?tab=1")
    answer = house.post(browser, house.provider.respond(authn_request, ada(house)), authn_request.relay_state)
    assert (answer.status, answer.headers["location"]) == (303, "/welcome?tab=1")
    assert "__Secure-parley_refresh" in browser.cookies
    assert b"access_token" not in answer.raw


def test_opaque_names_that_differ_in_case_are_two_people(house: SsoOrganization) -> None:
    answers = [house.log_in("unused", name_id=name, before=saying(mail=ada(house))) for name in ("aGVsbG8", "aGvsbG8")]
    assert answers[0].body["user"]["id"] != answers[1].body["user"]["id"]


# --- who is let in as whom ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_verified", [True, False])
def test_who_has_an_account_is_asked_whether_they_want_to_belong(world: World, house: SsoOrganization, is_verified: bool) -> None:
    person = world.person(ada(house), is_verified=is_verified)
    for _ in range(2):
        refused = house.log_in(person.email)
        assert (refused.status, refused.body["code"]) == (403, "confirmation_needed"), refused.raw
    assert house.owner.rows(select(OrganizationMember).where(OrganizationMember.user_id == person.user_id)) == []
    [invitation] = house.owner.rows(select(Invitation).where(Invitation.email == person.email))
    assert (invitation.role, invitation.status) == (MemberRole.MEMBER, InvitationStatus.PENDING)
    answer = person.post("/v1/auth/invitations/accept", {"token": link(house.owner, person.email)})
    assert answer.status == (200 if is_verified else 403)
    if is_verified:
        answer = house.log_in(person.email)
        assert (answer.status, answer.body["user"]["id"]) == (200, str(person.user_id))
        [member] = house.owner.rows(select(OrganizationMember).where(OrganizationMember.user_id == person.user_id))
        assert member.is_sso_bound  # its address was in a proven domain when they joined


def test_whoever_was_provisioned_comes_in_as_that_member(world: World, house: SsoOrganization) -> None:
    from tests.scim.conftest import provisioned

    directory, email = provisioned(house.owner), ada(house)
    user = directory.user(email, displayName="Ada of the directory", roles=[{"value": "VIEWER"}])
    assert house.owner.rows(select(Invitation)) == []  # the identity provider brings them
    answer = house.log_in(email)
    assert (answer.status, answer.body["organization"]["role"]) == (200, "VIEWER"), answer.raw
    [member] = house.owner.rows(select(OrganizationMember).where(OrganizationMember.id == user["id"]))
    assert (str(member.user_id), member.display_name, member.is_sso_bound) == (answer.body["user"]["id"], "Ada of the directory", True)
    [account] = house.owner.rows(select(User).where(User.id == member.user_id))
    assert (account.email, account.name, account.email_verified_at) == (email, None, None)
    person, waiting = world.person(ada(house)), directory
    waiting.user(person.email, roles=[{"value": "ADMIN"}])
    assert house.log_in(person.email).body["code"] == "confirmation_needed"
    assert person.post("/v1/auth/invitations/accept", {"token": link(house.owner, person.email)}).body["role"] == "ADMIN"
    assert house.log_in(person.email).status == 200


def test_an_address_outside_the_domains_is_refused(world: World, house: SsoOrganization) -> None:
    elsewhere = world.person()
    for email in (elsewhere.email, f"eve@sub.{house.domain}", f"eve@{house.domain}.evil.test"):
        answer = house.log_in(email)
        assert (answer.status, answer.body["code"]) == (403, "foreign_address")


def test_the_session_reaches_nothing_of_the_person_beyond_the_organization(world: World, house: SsoOrganization) -> None:
    """Whoever runs an identity provider could come in as anybody in the domain: not with that into what they have elsewhere."""
    person = world.person(ada(house))
    elsewhere = world.organization("Elsewhere")
    for member, role in ((elsewhere, MemberRole.ADMIN), (house.owner, MemberRole.MEMBER)):
        with transactions.transaction(member.caller) as session:
            session.add(OrganizationMember(user_id=person.user_id, role=role))
    intruder = Client(world, house.log_in(person.email).body["access_token"])
    assert intruder.get("/v1/identity/me").status == 200
    for answer in (
        intruder.post("/v1/auth/switch", {"organization_id": str(elsewhere.organization_id)}),
        intruder.get("/v1/auth/sessions"),
        intruder.get("/v1/identity/organizations"),
        intruder.put("/v1/auth/password", {"current_password": "whatever it is", "new_password": "a long enough passphrase of hers"}),
        intruder.patch("/v1/identity/me", {"name": "Somebody Else"}),
        intruder.post("/v1/auth/email", {"email": "evil@evil.test"}),
        intruder.post("/v1/auth/totp", {}),
        intruder.request("DELETE", "/v1/auth/account", {}),
    ):
        assert (answer.status, answer.body["code"]) == (403, "session_of_one_organization"), answer.raw


def test_a_deleted_account_leaves_no_link_and_the_next_log_in_makes_another(world: World, house: SsoOrganization) -> None:
    person = Registered(world, email=ada(house))
    person.takes(verify(person, register(world, person.email)[1]))
    with transactions.transaction(house.owner.caller) as session:
        session.add(OrganizationMember(user_id=person.tokens["user"]["id"], role=MemberRole.MEMBER))
    first = house.log_in(person.email)
    assert first.body["user"]["id"] == person.tokens["user"]["id"]
    person.takes(person.log_in())
    assert person.request("DELETE", "/v1/auth/account", {"password": PASSWORD}).status == 204
    assert Client(world, first.body["access_token"]).get("/v1/identity/me").status in (401, 403)
    again = house.log_in(person.email)
    assert again.status == 200, again.raw
    assert again.body["user"]["id"] != first.body["user"]["id"]


def test_a_session_ends_with_the_membership(world: World, house: SsoOrganization) -> None:
    answer = house.log_in(ada(house))
    refreshed = Client(world).post("/v1/auth/refresh", {"refresh_token": answer.body["refresh_token"]})
    assert refreshed.status == 200, refreshed.raw
    user_id = answer.body["user"]["id"]
    with transactions.transaction(house.owner.caller) as session:
        session.execute(update(OrganizationMember).where(OrganizationMember.user_id == user_id).values(deactivated_at=now()))
    refused = Client(world).post("/v1/auth/refresh", {"refresh_token": refreshed.body["refresh_token"]})
    assert (refused.status, refused.body["code"]) == (401, "session_ended")


def test_deactivated_members_and_suspended_accounts_stay_out(house: SsoOrganization) -> None:
    email = ada(house)
    user_id = house.log_in(email).body["user"]["id"]
    with transactions.transaction(house.owner.caller) as session:
        session.execute(update(OrganizationMember).where(OrganizationMember.user_id == user_id).values(deactivated_at=now()))
    assert house.log_in(email).body["code"] == "account_not_active"
    other = ada(house)
    user_id = house.log_in(other).body["user"]["id"]
    with transactions.transaction(house.owner.caller, person=user_id) as session:
        session.execute(update(User).where(User.id == user_id).values(status=UserStatus.SUSPENDED))
    assert house.log_in(other).body["code"] == "account_not_active"


def test_the_plan_bounds_newcomers(world: World) -> None:
    owner = world.organization(f"small{new_id().hex[-8:]}", PlanType.PRO)  # three seats
    [email] = owner.rows(select(User.email).where(User.id == owner.user_id))
    house = connected(world, owner, email.rpartition("@")[2], IdentityProvider())
    emails = [ada(house) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(house.log_in, emails))
    assert sorted(answer.status for answer in answers) == [200, 200, 402, 402]


def test_an_invitation_is_taken_with_its_role_and_its_seat(world: World) -> None:
    owner = world.organization(f"tiny{new_id().hex[-8:]}", PlanType.PRO)
    [email] = owner.rows(select(User.email).where(User.id == owner.user_id))
    house = connected(world, owner, email.rpartition("@")[2], IdentityProvider())
    invited = [ada(house), ada(house)]
    for address in invited:
        answer = owner.post("/v1/identity/invitations", {"email": address, "role": "ADMIN"})
        assert answer.status in (200, 201, 202), answer.raw
    assert house.log_in(ada(house)).status == 402
    assert house.log_in(invited[0]).body["organization"]["role"] == "ADMIN"


def test_two_first_log_ins_at_once_make_one_account(house: SsoOrganization) -> None:
    email = ada(house)
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(answer.status for answer in pool.map(lambda _: house.log_in(email), range(4)))
    assert statuses[0] == 200 and set(statuses) <= {200, 409}
    assert len(house.owner.rows(select(User).where(User.email == email))) == 1


# --- who has to ------------------------------------------------------------------------------------------------------------------------


def joined(house: SsoOrganization, email: str, role: MemberRole = MemberRole.MEMBER) -> Any:
    person = house.world.person(email)
    with transactions.transaction(house.owner.caller) as session:
        session.add(OrganizationMember(user_id=person.user_id, role=role))
    return person


def enforce(house: SsoOrganization, *, is_enforced: bool = True) -> None:
    wanted = {"idp_metadata": house.provider.metadata(), "domains": [house.domain], "is_enforced": is_enforced}
    answer = house.owner.put("/v1/saml/connection", wanted)
    assert answer.status == 200, answer.raw


def switched(house: SsoOrganization, person: Any) -> tuple[int, str | None]:
    answer = Client(house.world, session_of(person.at(house.owner.organization_id, "MEMBER"), "pwd")[0]).post(
        "/v1/auth/switch", {"organization_id": str(house.owner.organization_id)}
    )
    return answer.status, answer.body.get("code")


def test_where_it_is_enforced_who_must_comes_in_no_other_way_whatever_their_address_is_then(world: World) -> None:
    house = with_sso(world)
    member, guest = joined(house, ada(house)), joined(house, f"guest-{new_id().hex[-8:]}@elsewhere.test")
    by_saml = UUID(house.log_in(ada(house)).body["user"]["id"])
    assert switched(house, member) == switched(house, guest) == (200, None)
    access, refresh = session_of(member.at(house.owner.organization_id, "MEMBER"), "pwd")
    enforce(house)
    # The session from before has ended here; the guest's goes on.
    assert Client(world, access).get("/v1/identity/me").body["code"] == "session_ended"
    assert Client(world).post("/v1/auth/refresh", {"refresh_token": refresh}).body["code"] == "session_ended"
    assert switched(house, member) == (403, "single_sign_on_required")
    assert switched(house, guest) == (200, None)
    # Moving to a private address leaves it as little as having come with one.
    for user_id in (member.user_id, by_saml):
        with transactions.personal(Caller(NOWHERE, ActorType.USER, user_id), user_id) as session:
            session.execute(update(User).where(User.id == user_id).values(email=f"{new_id()}@private.test"))
        assert switched(house, Person(world, user_id=user_id)) == (403, "single_sign_on_required")
    assert house.owner.get("/v1/identity/me").status == 200
    own = Client(world, session_of(house.owner, "pwd")[0])
    assert own.post("/v1/auth/switch", {"organization_id": str(house.owner.organization_id)}).status == 200
    enforce(house, is_enforced=False)
    assert switched(house, member) == (200, None)


def test_who_joined_with_an_address_of_the_company_is_bound_before_it_is_enforced(world: World) -> None:
    house = with_sso(world)
    person = world.person(ada(house))
    assert house.owner.post("/v1/identity/invitations", {"email": person.email, "role": "MEMBER"}).status in (201, 202)
    assert person.post("/v1/auth/invitations/accept", {"token": link(house.owner, person.email)}).status == 200
    with transactions.personal(Caller(NOWHERE, ActorType.USER, person.user_id), person.user_id) as session:
        session.execute(update(User).where(User.id == person.user_id).values(email=f"{new_id()}@private.test"))
    enforce(house)
    assert switched(house, person) == (403, "single_sign_on_required")


def test_a_key_of_who_must_come_by_single_sign_on_ends_with_the_membership(world: World) -> None:
    house = with_sso(world, is_enforced=True)
    admin = joined(house, ada(house), MemberRole.ADMIN).at(house.owner.organization_id, "ADMIN")
    key = admin.key("teams:read")
    assert key.get("/v1/identity/teams").status == 200
    with transactions.transaction(house.owner.caller) as session:
        session.execute(update(OrganizationMember).where(OrganizationMember.user_id == admin.user_id).values(deactivated_at=now()))
    assert key.get("/v1/identity/teams").status in (401, 403)


def test_the_way_in_is_listed_as_the_persons(house: SsoOrganization) -> None:
    email = ada(house)
    user_id = house.log_in(email).body["user"]["id"]
    with transactions.personal(house.owner.caller, user_id) as session:
        [link] = session.scalars(select(AuthProvider)).all()
    assert (link.provider_type, link.provider_id) == ("SAML", f"{house.owner.organization_id}:{email}")
