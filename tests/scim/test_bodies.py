"""What identity providers write in ways of their own: a PATCH does what it says or is refused, and a blank is no value."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.scim.scim_client import ENTERPRISE, USER, ScimClient, address

WORK = 'emails[type eq "work"].value'
FORMS: dict[str, tuple[dict[str, Any], Any]] = {
    "a filter with a path": ({"path": WORK, "value": "new@b.example"}, ("emails", "new@b.example")),
    "a filter as a key": ({"value": {WORK: "new@b.example"}}, ("emails", "new@b.example")),
    "a filter as a key beside others": ({"value": {"title": "Dr", WORK: "new@b.example"}}, ("emails", "new@b.example")),
    "a filter of an entry as a key": ({"value": {'emails[type eq "work"]': {"value": "new@b.example"}}}, ("emails", "new@b.example")),
    "an attribute": ({"path": "title", "value": "Dr"}, ("title", "Dr")),
    "an attribute as a key": ({"value": {"title": "Dr"}}, ("title", "Dr")),
    "an attribute in other letters": ({"value": {"TITLE": "Dr"}}, ("title", "Dr")),
    "an attribute by its URN": ({"path": f"{USER}:title", "value": "Dr"}, ("title", "Dr")),
    "an attribute by its URN as a key": ({"value": {f"{USER}:title": "Dr"}}, ("title", "Dr")),
    "a part": ({"path": "name.givenName", "value": "Ada"}, ("name", "Ada")),
    "a part as a key": ({"value": {"name.givenName": "Ada"}}, ("name", "Ada")),
    "a part of an object": ({"value": {"name": {"givenName": "Ada"}}}, ("name", "Ada")),
    "a part with the path of the object": ({"path": "name", "value": {"givenName": "Ada"}}, ("name", "Ada")),
    "an extension": ({"path": f"{ENTERPRISE}:department", "value": "Ops"}, (ENTERPRISE, "Ops")),
    "an extension as a key": ({"value": {f"{ENTERPRISE}:department": "Ops"}}, (ENTERPRISE, "Ops")),
    "an extension as an object": ({"value": {ENTERPRISE: {"department": "Ops"}}}, (ENTERPRISE, "Ops")),
    "nothing that is known": ({"path": "nickname2", "value": "x"}, None),
    "nothing that is known as a key": ({"value": {"nickname2": "x"}}, None),
    "nothing that is known in an object": ({"value": {"name": {"nick": "x"}}}, None),
    "nothing that is known at a path": ({"path": "name", "value": {"nick": "x"}}, None),
    "a filter of what is not known": ({"value": {'nick[type eq "work"].value': "x"}}, None),
    "a filter that is none": ({"value": {"emails[type eq": "x"}}, None),
    "an extension that is not known": ({"path": "urn:example:2.0:Custom:shoe", "value": "43"}, None),
    "an extension that is not known as an object": ({"value": {"urn:example:2.0:Custom": {"shoe": "43"}}}, None),
}


@pytest.mark.parametrize(("op", "form"), list(itertools.product(["add", "replace", "Add"], FORMS)))
def test_a_patch_does_what_it_says_or_is_refused(directory: ScimClient, op: str, form: str) -> None:
    """Never a success that did nothing."""
    operation, does = FORMS[form]
    user = directory.user()
    path = f"/Users/{user['id']}"
    answer = directory.change(path, {"op": op, **operation})
    after = directory.scim("GET", path).body
    if does is None:
        assert (answer.status, after) == (400, user), answer.raw
        return
    assert answer.status in (200, 204), answer.raw
    attribute, value = does
    assert value in str(after[attribute])
    assert after["meta"]["version"] != user["meta"]["version"]


def test_what_is_not_known_stands_in_nobodys_way(directory: ScimClient) -> None:
    path = f"/Users/{directory.user()['id']}"
    changed = directory.change(path, {"op": "add", "path": "shoeSize", "value": 43}, {"op": "add", "value": {"title": "Dr", "hat": "top"}})
    assert (changed.status, directory.scim("GET", path).body["title"]) == (204, "Dr")


BLANKS: dict[str, dict[str, Any]] = {
    "texts": {"title": "", "nickName": "  ", "displayName": ""},
    "an external id": {"externalId": ""},
    "a part": {"name": {"givenName": "", "familyName": ""}},
    "an address": {"emails": [{"value": "", "type": "work"}, {"value": " "}]},
    "references": {"profileUrl": "", "photos": [{"value": ""}]},
    "words for languages and places": {"locale": "", "preferredLanguage": "", "timezone": ""},
    "a phone": {"phoneNumbers": [{"value": "", "type": "work"}]},
    "an extension": {ENTERPRISE: {"department": "", "manager": {"value": ""}}},
}


@pytest.mark.parametrize("blank", BLANKS)
def test_a_blank_is_no_value(directory: ScimClient, blank: str) -> None:
    name = address()
    whole = {"schemas": [USER, ENTERPRISE], "userName": name}
    made = directory.scim("POST", "/Users", whole | BLANKS[blank])
    assert made.status == 201, made.raw
    assert not {attribute for attribute in BLANKS[blank] if attribute != "emails" and attribute in made.body and blank != "an address"}
    path = f"/Users/{made.body['id']}"
    full = {"title": "Dr", "externalId": f"x-{name}", "name": {"givenName": "Ada"}, "displayName": "Ada", ENTERPRISE: {"department": "Ops"}}
    assert directory.scim("PUT", path, whole | full).status == 200
    assert directory.scim("PUT", path, whole | BLANKS[blank]).status == 200
    assert directory.change(path, {"op": "add", "value": full}).status == 204
    for attribute in BLANKS[blank].keys() & full.keys():
        emptied = directory.change(path, {"op": "replace", "path": attribute, "value": BLANKS[blank][attribute]})
        assert emptied.status == 204, emptied.raw
        assert directory.scim("GET", path).body.get(attribute) in (None, {})
    assert directory.change(path, {"op": "replace", "value": BLANKS[blank]}).status in (204, 200)


def test_a_name_is_needed_all_the_same(directory: ScimClient) -> None:
    assert directory.scim("POST", "/Users", {"schemas": [USER], "userName": " "}).status == 400
    path = f"/Users/{directory.user()['id']}"
    assert directory.change(path, {"op": "replace", "path": "userName", "value": ""}).status == 400
    assert directory.change(path, {"op": "replace", "value": {"userName": ""}}).status == 400
