"""Members as users of SCIM: provisioned, changed, taken away; and what an organization can't do to a person."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from parley.identity.models import Organization, OrganizationMember, User, UserSession
from parley.identity.sessions import log_in_sessions
from parley.kernel.access.plans import PlanType
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from tests.harness import Member, World
from tests.scim.conftest import provisioned
from tests.scim.scim_client import ENTERPRISE, ERROR, USER, ScimClient, address


def member_of(directory: ScimClient, person: Member) -> Any:
    """How SCIM shows a member that was there before."""
    name = directory.owner.rows(select(User.email).where(User.id == person.user_id))[0]
    [resource] = directory.scim("GET", "/Users", filter=f'userName eq "{name}"').body["Resources"]
    return resource


def seats(directory: ScimClient, number: int) -> None:
    with transactions.transaction(directory.owner.caller) as session:
        session.execute(update(Organization).where(Organization.id == directory.owner.organization_id).values(seat_limit=number))


# --- what is shown -----------------------------------------------------------------------------------------------------------------------


def test_a_user_is_a_member_with_what_the_directory_says(directory: ScimClient) -> None:
    name = address()
    made = directory.scim(
        "POST",
        "/Users",
        {
            "schemas": [USER, ENTERPRISE],
            "userName": name,
            "externalId": "00u1",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "displayName": "Ada Lovelace",
            "emails": [{"value": name, "type": "work", "primary": True}],
            "password": "never-kept-by-anybody",
            "active": True,
            ENTERPRISE: {"department": "Analysis", "employeeNumber": "1"},
        },
    )
    assert made.status == 201, made.raw
    assert made.headers["content-type"] == "application/scim+json"
    assert made.headers["location"] == made.body["meta"]["location"]
    assert made.headers["etag"] == made.body["meta"]["version"]
    assert made.body[ENTERPRISE] == {"department": "Analysis", "employeeNumber": "1"}
    assert "password" not in made.body
    read = directory.scim("GET", f"/Users/{made.body['id']}")
    assert read.body == made.body
    [row] = directory.owner.rows(select(OrganizationMember).where(OrganizationMember.role == "MEMBER"))
    [user] = directory.owner.rows(select(User).where(User.id == row.user_id))
    assert (user.email, user.name, user.password_hash, user.email_verified_at) == (None, None, None, None)
    assert (row.email, row.display_name) == (name, "Ada Lovelace")
    assert b"never-kept" not in str(directory.owner.rows(select(AuditLog))).encode()


def test_members_who_were_there_are_users_too_and_can_be_adopted(directory: ScimClient) -> None:
    colleague = directory.owner.as_role("VIEWER")
    shown = member_of(directory, colleague)
    assert (shown["active"], shown["roles"][0]["value"], shown["displayName"]) == (True, "VIEWER", "Viewer Person")
    changed = directory.change(f"/Users/{shown['id']}", {"op": "replace", "path": "externalId", "value": "00u2"})
    assert changed.status == 204
    assert directory.names_found("/Users", filter='externalId eq "00u2"') == [shown["userName"]]
    assert colleague.get("/v1/identity/me").body["role"] == "VIEWER"


def test_conditions_on_versions(directory: ScimClient) -> None:
    user = directory.user()
    path, version = f"/Users/{user['id']}", user["meta"]["version"]
    assert directory.scim("GET", path, headers={"if-none-match": version}).status == 304
    rename = {"op": "replace", "path": "title", "value": "Countess"}
    assert directory.change(path, rename, headers={"if-match": 'W/"another"'}).status == 412
    changed = directory.change(path, rename, headers={"if-match": version})
    assert changed.status == 204
    assert changed.headers["etag"] != version
    assert directory.scim("GET", path, headers={"if-none-match": version}).status == 200
    assert directory.scim("DELETE", path, headers={"if-match": version}).status == 412
    assert directory.scim("PUT", path, {"schemas": [USER], "userName": user["userName"]}, {"if-match": version}).status == 412


def test_a_version_changes_with_what_others_change(directory: ScimClient) -> None:
    colleague = directory.owner.as_role("VIEWER")
    before = member_of(directory, colleague)["meta"]["version"]
    assert directory.owner.request("PATCH", f"/v1/identity/members/{colleague.user_id}", {"role": "MEMBER"}).status == 200
    assert member_of(directory, colleague)["meta"]["version"] != before


# --- deactivated and gone ----------------------------------------------------------------------------------------------------------------


def begun(person: Member) -> None:
    with transactions.personal(person.caller, person.user_id) as session:
        user = session.scalars(select(User).where(User.id == person.user_id)).one()
        log_in_sessions.start(session, person.caller, user, ["pwd"], person.organization_id)


@pytest.mark.parametrize("value", [False, "False", "false"])
@pytest.mark.parametrize("op", ["replace", "Replace"])
def test_a_deactivated_user_is_out_at_once_and_comes_back(directory: ScimClient, op: str, value: Any) -> None:
    colleague = directory.owner.as_role("MEMBER")
    begun(colleague)
    assert colleague.get("/v1/identity/me").status == 200
    shown = member_of(directory, colleague)
    assert directory.change(f"/Users/{shown['id']}", {"op": op, "path": "active", "value": value}).status == 204
    out = colleague.get("/v1/identity/me")
    assert (out.status, out.body["code"]) == (403, "not_a_member")
    [ended] = directory.owner.rows(select(UserSession).where(UserSession.user_id == colleague.user_id))
    assert (ended.revoked_at is not None, ended.revoked_because) == (True, "deprovisioned")
    assert directory.scim("GET", f"/Users/{shown['id']}").body["active"] is False
    assert directory.names_found("/Users", filter="active eq false") == [shown["userName"]]
    assert directory.change(f"/Users/{shown['id']}", {"op": op, "value": {"active": True}}).status == 204
    assert colleague.get("/v1/identity/me").status == 200


def test_a_deleted_user_is_out_at_once_with_teams_and_keys(directory: ScimClient) -> None:
    colleague = directory.owner.as_role("ADMIN")
    begun(colleague)
    key = colleague.post("/v1/identity/api-keys", {"label": "Mine", "permissions": ["*"]})
    shown = member_of(directory, colleague)
    group = directory.group("Ops", shown["id"])
    if key.status == 201:
        assert ScimClient(directory.world, key.body["key"]).get("/v1/identity/teams").status == 200
    assert directory.scim("DELETE", f"/Users/{shown['id']}").status == 204
    assert colleague.get("/v1/identity/me").status == 403
    if key.status == 201:
        assert ScimClient(directory.world, key.body["key"]).get("/v1/identity/teams").status in (401, 403)
    assert directory.scim("GET", f"/Users/{shown['id']}").status == 404
    assert "members" not in directory.scim("GET", f"/Groups/{group['id']}").body
    # The account is the person's; another organization that they work for would not notice, and nobody is told of it.
    assert directory.scim("POST", "/Users", {"schemas": [USER], "userName": shown["userName"]}).status == 201


def test_the_owner_stays(directory: ScimClient) -> None:
    path = f"/Users/{member_of(directory, directory.owner)['id']}"
    for refused in (
        directory.change(path, {"op": "replace", "path": "active", "value": False}),
        directory.change(path, {"op": "replace", "path": "roles", "value": [{"value": "MEMBER"}]}),
        directory.scim("DELETE", path),
    ):
        assert (refused.status, refused.body["status"], refused.body["schemas"]) == (409, "409", [ERROR])
        assert "transfer" in refused.body["detail"]
    assert directory.change(path, {"op": "replace", "path": "title", "value": "Founder"}).status == 204
    assert directory.owner.get("/v1/identity/me").body["role"] == "OWNER"


def test_seats_are_bounded(directory: ScimClient) -> None:
    seats(directory, 2)
    second = directory.user()
    refused = directory.scim("POST", "/Users", {"schemas": [USER], "userName": address()})
    assert (refused.status, refused.body["schemas"]) == (402, [ERROR])
    assert "seats" in refused.body["detail"]
    inactive = directory.user(active=False)
    assert directory.change(f"/Users/{inactive['id']}", {"op": "replace", "path": "active", "value": True}).status == 402
    assert directory.change(f"/Users/{second['id']}", {"op": "replace", "path": "active", "value": False}).status == 204
    assert directory.change(f"/Users/{inactive['id']}", {"op": "replace", "path": "active", "value": True}).status == 204


def test_whoever_was_invited_takes_the_seat_of_the_invitation(directory: ScimClient) -> None:
    seats(directory, 2)
    name = address()
    invited = directory.owner.post("/v1/identity/invitations", {"email": name, "role": "MEMBER"})
    assert invited.status in (201, 202), invited.raw
    assert directory.scim("POST", "/Users", {"schemas": [USER], "userName": address()}).status == 402
    assert directory.user(name)["active"] is True


# --- roles -------------------------------------------------------------------------------------------------------------------------------


def test_a_role_is_given_and_given_back(directory: ScimClient) -> None:
    user = directory.user(roles=[{"value": "viewer", "primary": True}, {"value": "Payroll"}])
    path = f"/Users/{user['id']}"

    def role() -> str:
        return str(directory.owner.rows(select(OrganizationMember.role).where(OrganizationMember.id == user["id"]))[0].value)

    assert role() == "VIEWER"
    assert directory.change(path, {"op": "replace", "path": "roles", "value": [{"value": "ADMIN"}]}).status == 204
    assert role() == "ADMIN"
    assert directory.change(path, {"op": "remove", "path": "roles"}).status == 204
    assert role() == "MEMBER"


def test_nobody_becomes_the_owner(directory: ScimClient) -> None:
    refused = directory.scim("POST", "/Users", {"schemas": [USER], "userName": address(), "roles": [{"value": "OWNER"}]})
    assert refused.status == 409
    with_admin = ScimClient(directory.world, directory.owner.as_role("ADMIN").token, directory.owner)
    assert with_admin.scim("POST", "/Users", {"schemas": [USER], "userName": address(), "roles": [{"value": "owner"}]}).status == 403


# --- whose account it is -----------------------------------------------------------------------------------------------------------------


def test_a_proven_account_elsewhere_is_not_conscripted(directory: ScimClient, other: ScimClient) -> None:
    stranger = other.owner.as_role("MEMBER")
    [account] = other.owner.rows(select(User).where(User.id == stranger.user_id))
    made = directory.scim("POST", "/Users", {"schemas": [USER], "userName": account.email.upper(), "displayName": "Mallory"})
    assert made.status == 201
    [after] = other.owner.rows(select(User).where(User.id == stranger.user_id))
    assert (after.email, after.name, after.updated_at) == (account.email, account.name, account.updated_at)
    assert directory.owner.rows(select(OrganizationMember).where(OrganizationMember.user_id == stranger.user_id)) == []


def test_a_member_who_is_provisioned_keeps_what_is_theirs(directory: ScimClient) -> None:
    colleague = directory.owner.as_role("MEMBER")
    shown = member_of(directory, colleague)
    replaced = {
        "schemas": [USER],
        "userName": "ada.l",
        "displayName": "Somebody Else",
        "emails": [{"value": "mallory@evil.test", "primary": True}],
        "password": "Tr0ub4dor&3-and-more",
    }
    assert directory.scim("PUT", f"/Users/{shown['id']}", replaced).status == 200
    [user] = directory.owner.rows(select(User).where(User.id == colleague.user_id))
    assert (user.email, user.name, user.password_hash) == (shown["userName"], "Member Person", None)
    assert directory.scim("GET", f"/Users/{shown['id']}").body["displayName"] == "Somebody Else"


def test_what_two_organizations_say_of_an_address_is_led_away_by_neither(directory: ScimClient, other: ScimClient) -> None:
    name = address("corp.test")
    own_user, other_user = directory.user(name), other.user(name)
    group = directory.group("Ops", own_user["id"])["id"]
    assert (
        directory.change(f"/Users/{own_user['id']}", {"op": "replace", "path": "emails", "value": [{"value": "m@evil.test"}]}).status == 204
    )
    assert other.owner.rows(select(OrganizationMember.email).where(OrganizationMember.id == other_user["id"])) == [name]
    assert directory.owner.rows(select(OrganizationMember.email).where(OrganizationMember.id == own_user["id"])) == ["m@evil.test"]
    assert [each["value"] for each in directory.scim("GET", f"/Groups/{group}").body["members"]] == [own_user["id"]]


def test_whoever_was_provisioned_deleted_and_provisioned_again_is_the_same_person(directory: ScimClient) -> None:
    name = address()
    first = directory.user(name)
    assert directory.scim("DELETE", f"/Users/{first['id']}").status == 204
    second = directory.user(name)
    assert second["id"] != first["id"]
    assert directory.scim("GET", f"/Users/{first['id']}").status == 404


def test_a_name_is_taken_once_whoever_has_it(directory: ScimClient) -> None:
    colleague = member_of(directory, directory.owner.as_role("MEMBER"))
    user = directory.user(externalId="1")
    for refused in (
        directory.scim("POST", "/Users", {"schemas": [USER], "userName": user["userName"].upper()}),
        directory.scim("POST", "/Users", {"schemas": [USER], "userName": colleague["userName"], "emails": [{"value": address()}]}),
        directory.scim("POST", "/Users", {"schemas": [USER], "userName": address(), "externalId": "1"}),
        directory.change(f"/Users/{colleague['id']}", {"op": "replace", "path": "userName", "value": user["userName"]}),
    ):
        assert (refused.status, refused.body["scimType"]) == (409, "uniqueness"), refused.raw


# --- two tenants -------------------------------------------------------------------------------------------------------------------------


def test_what_is_foreign_is_answered_like_what_is_unknown(directory: ScimClient, other: ScimClient) -> None:
    user, group = other.user(), other.group()
    for kind, foreign in (("Users", user["id"]), ("Groups", group["id"])):
        patch_body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "remove", "path": "externalId"}]}
        whole = {"schemas": [USER], "userName": "x"} if kind == "Users" else {"schemas": [], "displayName": "x"}
        for method, body in (("GET", None), ("PATCH", patch_body), ("PUT", whole), ("DELETE", None)):
            answers = [directory.scim(method, f"/{kind}/{each}", body) for each in (foreign, str(new_id()))]
            assert answers[0].status == answers[1].status == 404, (kind, method, answers[0].raw)
            assert answers[0].raw == answers[1].raw
    assert user["userName"] not in directory.names_found("/Users")
    assert directory.names_found("/Groups") == []
    refused = directory.scim("POST", "/Groups", {"schemas": [], "displayName": "Mixed", "members": [{"value": user["id"]}]})
    assert (refused.status, refused.body["scimType"]) == (400, "invalidValue")


# --- who may -----------------------------------------------------------------------------------------------------------------------------


def test_it_answers_only_where_it_is_switched_on(globex: Member) -> None:
    off = ScimClient(globex.world, globex.token).scim("GET", "/Users")
    assert (off.status, off.headers["content-type"], off.body["schemas"]) == (403, "application/scim+json", [ERROR])
    assert "switched off" in off.body["detail"]


def test_a_member_without_the_scope_is_told_which(directory: ScimClient) -> None:
    refused = ScimClient(directory.world, directory.owner.as_role("MEMBER").token).scim("GET", "/Users")
    assert (refused.status, refused.body["status"]) == (403, "403")
    assert "scim:provision" in refused.body["detail"]


def test_without_the_plan_there_is_no_token(world: World) -> None:
    free = world.organization("Free", PlanType.FREE)
    assert free.post("/v1/scim/token").status == 402


def test_the_trail_tells_who_did_what_without_names(directory: ScimClient) -> None:
    user = directory.user(displayName="Ada Lovelace")
    directory.change(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})
    directory.scim("DELETE", f"/Users/{user['id']}")
    rows = directory.owner.rows(select(AuditLog).where(AuditLog.actor_type == "API_KEY").order_by(AuditLog.id))
    assert [row.action for row in rows] == ["member.created", "invitation.created", "member.deactivated", "member.deleted"]
    text = str([(row.old_values, row.new_values, row.details) for row in rows])
    assert user["userName"] not in text
    assert "Ada" not in text


def test_a_second_organization_can_be_provisioned_alike(directory: ScimClient, globex: Member) -> None:
    second = provisioned(globex)
    assert second.user("same.name")["userName"] == directory.user("same.name")["userName"] == "same.name"
