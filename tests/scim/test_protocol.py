"""The protocol's edges: what identity providers send that the RFC does not, what nobody should send, and what is honestly not offered."""

from __future__ import annotations

import json
import time

import pytest

from tests.harness import Client, Member
from tests.scim.scim_client import ENTERPRISE, ERROR, GROUP, PATCH, USER, ScimClient, address


def is_scim_error(answer: object, status: int) -> bool:
    kind, body = answer.headers["content-type"], answer.body  # type: ignore[attr-defined]  # an answer
    return (kind, body["schemas"], body["status"]) == ("application/scim+json", [ERROR], str(status))


# --- Entra -------------------------------------------------------------------------------------------------------------------------------


def test_entra_patches_in_its_own_way(directory: ScimClient) -> None:
    user = directory.user()
    path = f"/Users/{user['id']}"
    changed = directory.change(
        path,
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "ada@work.test"},
        {"op": "Replace", "path": "name.givenName", "value": "Ada"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Analysis"},
        {"op": "Replace", "value": {"displayName": "Ada L", "name.familyName": "Lovelace", f"{ENTERPRISE}:employeeNumber": "7"}},
        {"op": "Replace", "path": "active", "value": "False"},
    )
    assert changed.status == 204, changed.raw
    now = directory.scim("GET", path).body
    assert (now["emails"][0]["value"], now["emails"][0]["type"]) == ("ada@work.test", "work")
    assert (now["name"], now["displayName"]) == ({"givenName": "Ada", "familyName": "Lovelace"}, "Ada L")
    assert (now[ENTERPRISE], now["active"]) == ({"department": "Analysis", "employeeNumber": "7"}, False)
    again = directory.change(path, {"op": "Add", "path": "active", "value": "True"})
    assert (again.status, directory.scim("GET", path).body["active"]) == (204, True)


def test_entra_names_a_manager_by_the_bare_id(directory: ScimClient) -> None:
    boss, user = directory.user()["id"], directory.user()["id"]
    for operation in (
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": boss},
        {"op": "Replace", "value": {f"{ENTERPRISE}:manager": boss}},
        {"op": "replace", "path": f"{ENTERPRISE}:manager", "value": {"value": boss}},
    ):
        assert directory.change(f"/Users/{user}", operation).status == 204, operation
        assert directory.scim("GET", f"/Users/{user}").body[ENTERPRISE]["manager"]["value"] == boss
        assert directory.change(f"/Users/{user}", {"op": "Remove", "path": f"{ENTERPRISE}:manager"}).status == 204
        assert ENTERPRISE not in directory.scim("GET", f"/Users/{user}").body


def test_entra_asks_whether_anybody_is_there(directory: ScimClient) -> None:
    nobody = directory.scim("GET", "/Users", filter='userName eq "6c1b1b5c-does-not-exist"')
    assert (nobody.status, nobody.body["totalResults"]) == (200, 0)


# --- Okta --------------------------------------------------------------------------------------------------------------------------------


def test_okta_creates_finds_replaces_and_deactivates(directory: ScimClient) -> None:
    name = address()
    wanted = {
        "schemas": [USER],
        "userName": name,
        "name": {"givenName": "Grace", "familyName": "Hopper"},
        "emails": [{"primary": True, "value": name, "type": "work"}],
        "displayName": "Grace Hopper",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }
    user = directory.scim("POST", "/Users", wanted).body
    assert directory.names_found("/Users", filter=f'userName eq "{name}"', startIndex=1, count=100) == [name]
    replaced = directory.scim("PUT", f"/Users/{user['id']}", wanted | {"id": user["id"], "displayName": "Amazing Grace"})
    assert (replaced.status, replaced.body["displayName"], replaced.body["id"]) == (200, "Amazing Grace", user["id"])
    off = directory.change(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}})
    assert (off.status, directory.scim("GET", f"/Users/{user['id']}").body["active"]) == (204, False)
    # A replacement that is silent on it does not let anybody in again.
    assert directory.scim("PUT", f"/Users/{user['id']}", {"schemas": [USER], "userName": name}).body["active"] is False


def test_okta_names_the_members_whom_it_adds(directory: ScimClient) -> None:
    ada, grace = directory.user(), directory.user()
    group = directory.group("Engineering", ada["id"])
    path = f"/Groups/{group['id']}"
    named = [{"value": grace["id"], "display": grace["userName"]}]
    added = directory.change(
        path, {"op": "remove", "path": f'members[value eq "{ada["id"]}"]'}, {"op": "add", "path": "members", "value": named}
    )
    assert added.status == 204, added.raw
    assert [member["value"] for member in directory.scim("GET", path).body["members"]] == [grace["id"]]
    renamed = directory.change(path, {"op": "replace", "value": {"id": group["id"], "displayName": "Engineers"}})
    assert (renamed.status, directory.scim("GET", path).body["displayName"]) == (204, "Engineers")
    replaced = directory.scim("PUT", path, {"schemas": [GROUP], "displayName": "Engineers", "members": named})
    assert (replaced.status, [member["value"] for member in replaced.body["members"]]) == (200, [grace["id"]])


# --- not offered -------------------------------------------------------------------------------------------------------------------------


def test_what_is_not_offered_is_said(directory: ScimClient) -> None:
    body = directory.scim("GET", "/ServiceProviderConfig").body
    offered = {name: body[name]["supported"] for name in ("patch", "bulk", "filter", "changePassword", "sort", "etag")}
    assert offered == {"patch": True, "bulk": False, "filter": True, "changePassword": False, "sort": True, "etag": True}
    bulk = directory.scim("POST", "/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": []})
    assert is_scim_error(bulk, 501)
    assert is_scim_error(directory.scim("GET", "/Me"), 501)


def test_what_is_there_is_described(directory: ScimClient) -> None:
    types = directory.scim("GET", "/ResourceTypes").body["Resources"]
    assert [(each["name"], each["endpoint"]) for each in types] == [("User", "/Users"), ("Group", "/Groups")]
    assert {each["id"] for each in directory.scim("GET", "/Schemas").body["Resources"]} >= {USER, ENTERPRISE}
    names = {kind: directory.scim("GET", f"/Schemas/{kind}").body["name"] for kind in (USER, ENTERPRISE, GROUP)}
    assert names == {USER: "User", ENTERPRISE: "EnterpriseUser", GROUP: "Group"}
    assert is_scim_error(directory.scim("GET", "/Users", filter='userName eq "'), 400)
    assert is_scim_error(directory.scim("GET", "/Schemas", filter='id eq "x"'), 403)


# --- hostile -----------------------------------------------------------------------------------------------------------------------------

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"{",
    "a list": b"[]",
    "null": b"null",
    "NaN": b'{"userName": NaN}',
    "not UTF-8": b'{"userName": "\xff"}',
    "a NUL": b'{"schemas": ["%s"], "userName": "a\\u0000b"}' % USER.encode(),
    "a lone surrogate": b'{"schemas": ["%s"], "userName": "\\ud800"}' % USER.encode(),
    "no name": b'{"schemas": ["%s"]}' % USER.encode(),
    "an empty name": b'{"schemas": ["%s"], "userName": " "}' % USER.encode(),
    "a name that is none": b'{"schemas": ["%s"], "userName": {"a": 1}}' % USER.encode(),
    "a long name": json.dumps({"schemas": [USER], "userName": "x" * 5000}).encode(),
    "a long id": json.dumps({"schemas": [USER], "userName": "x", "externalId": "x" * 5000}).encode(),
    "roles that are none": json.dumps({"schemas": [USER], "userName": "x", "roles": "ADMIN"}).encode(),
    "much about one user": json.dumps({"schemas": [USER], "userName": "x", "title": "x" * 20_000}).encode(),
    "nested deeply": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "two primary addresses": json.dumps(
        {"schemas": [USER], "userName": "x", "emails": [{"value": "a@b.test", "primary": True}, {"value": "b@b.test", "primary": True}]}
    ).encode(),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_nobody_should_send(directory: ScimClient, name: str) -> None:
    user = directory.user()["id"]
    for method, path in (("POST", "/Users"), ("PUT", f"/Users/{user}"), ("PATCH", f"/Users/{user}"), ("POST", "/Users/.search")):
        answer = directory.request(method, f"/scim/v2{path}", BODIES[name], {"content-type": "application/scim+json"})
        assert is_scim_error(answer, 400) or (path.endswith("search") and answer.status == 200), (
            method,
            path,
            answer.status,
            answer.raw[:300],
        )


@pytest.mark.parametrize("body", [b"x" * (1024 * 1024 + 1), json.dumps({"userName": "x" * 1024 * 1024}).encode()], ids=["any", "JSON"])
def test_a_body_that_is_too_large(directory: ScimClient, body: bytes) -> None:
    assert is_scim_error(directory.request("POST", "/scim/v2/Users", body, {"content-type": "application/scim+json"}), 413)


def test_too_many_operations(directory: ScimClient) -> None:
    operations = [{"op": "replace", "path": "title", "value": str(number)} for number in range(1001)]
    assert is_scim_error(directory.change(f"/Users/{directory.user()['id']}", *operations), 413)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data"])
def test_other_media_types(directory: ScimClient, kind: str) -> None:
    assert is_scim_error(directory.request("POST", "/scim/v2/Users", b"<a/>", {"content-type": kind}), 415)
    user = {"schemas": [USER], "userName": address()}
    assert directory.request("POST", "/scim/v2/Users", user, {"content-type": "application/json; charset=utf-8"}).status == 201


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "move", "path": "title", "value": "x"},
        {"op": "replace", "path": "title["},
        {"op": "replace", "path": "id", "value": "x"},
        {"op": "remove"},
        {"op": "add", "path": "active", "value": "perhaps"},
        {"op": "remove", "path": "userName"},
        {"op": "replace", "path": "userName", "value": None},
        {"op": "add", "path": "x" * 10_000, "value": 1},
    ],
    ids=range(8),
)
def test_operations_that_mean_nothing(directory: ScimClient, operation: dict[str, object]) -> None:
    user = directory.user(title="Countess")
    answer = directory.scim("PATCH", f"/Users/{user['id']}", {"schemas": [PATCH], "Operations": [operation]})
    assert answer.status in (204, 400), answer.raw
    after = directory.scim("GET", f"/Users/{user['id']}").body
    assert (after["userName"], after["title"], after["active"], after["id"]) == (user["userName"], "Countess", True, user["id"])


def test_a_value_that_does_not_fit_is_refused_in_a_sentence(directory: ScimClient) -> None:
    path = f"/Users/{directory.user()['id']}"
    refused = directory.change(path, {"op": "replace", "path": "active", "value": [True]})
    assert is_scim_error(refused, 400)
    assert (refused.body["scimType"], refused.body["detail"]) == ("invalidValue", "Input should be a valid boolean: active")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_methods_that_are_not_offered(directory: ScimClient, method: str) -> None:
    assert is_scim_error(directory.scim(method, "/Users"), 405)


@pytest.mark.parametrize("path", ["/Nothing", "/Users/a/b", "/Users/%00", "/Users/..%2f..", "/Users/null", "/Groups/-1", "/" + "x" * 3000])
def test_addresses_where_nothing_is(directory: ScimClient, path: str) -> None:
    answer = directory.scim("GET", path)
    assert is_scim_error(answer, 404) or is_scim_error(answer, 400), answer.raw


def test_nobody_comes_in_without_a_token_or_with_one_that_has_ended(directory: ScimClient, stranger: Client) -> None:
    assert stranger.get("/scim/v2/ServiceProviderConfig").status == 401
    assert directory.owner.delete("/v1/scim").status == 204
    assert directory.scim("GET", "/Users").status in (401, 403)


# --- the token ---------------------------------------------------------------------------------------------------------------------------


def test_a_new_token_takes_the_place_of_the_old_one_after_an_overlap(directory: ScimClient) -> None:
    owner = directory.owner
    second = owner.request("POST", "/v1/scim/token")  # without a body
    assert second.status == 201, second.raw
    tokens = [directory, ScimClient(directory.world, second.body["token"])]
    assert [each.scim("GET", "/Users").status for each in tokens] == [200, 200]
    third = owner.post("/v1/scim/token", {"overlap_seconds": 1})
    tokens.append(ScimClient(directory.world, third.body["token"]))
    time.sleep(1.1)
    assert [each.scim("GET", "/Users").status == 200 for each in tokens] == [False, False, True]
    shown = owner.get("/v1/scim").body
    assert (shown["is_enabled"], shown["base_url"]) == (True, third.body["base_url"])
    assert [token["id"] for token in shown["tokens"]] == [third.body["id"]]
    assert third.body["token"] not in json.dumps(shown)
    for path in ("/v1/identity/teams", "/v1/identity/members", "/v1/identity/api-keys"):
        assert tokens[2].get(path).status == 403
    assert owner.post("/v1/scim/token", {"overlap_seconds": 0}).status == 422


def test_a_token_is_shown_once_and_again_for_the_same_request(acme: Member) -> None:
    headers = {"idempotency-key": "one"}
    first, again = acme.post("/v1/scim/token", {}, headers), acme.post("/v1/scim/token", {}, headers)
    assert (first.status, again.status, first.body) == (201, 201, again.body)


def test_only_who_sets_it_up_sees_the_setup(acme: Member) -> None:
    member = acme.as_role("MEMBER")
    for answer in (member.get("/v1/scim"), member.post("/v1/scim/token"), member.delete("/v1/scim")):
        assert (answer.status, answer.body["scope"]) == (403, "scim:manage")
    assert acme.get("/v1/scim").body["is_enabled"] is False
    assert acme.delete("/v1/scim").status == 204
