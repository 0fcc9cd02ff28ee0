"""Searches: the same answers as the library's own evaluation, whatever is said in SQL; pages, order, attributes; what they cost."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from scim2_models import SearchRequest
from scim2_server.memory import InMemoryStorage
from scim2_server.testing import SEARCH_FILTERS, SEARCH_SORTS, SEARCH_USERS
from scim2_server.utils import parametrize
from sqlalchemy import event

from parley.kernel.persistence import transactions
from parley.scim import scim_search
from parley.scim.service_provider_config import ScimUserModel, service
from tests.scim.scim_client import ENTERPRISE, USER, ScimClient

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
ALSO = [
    'userName eq "dave_%" and active eq true',
    'externalId eq "E-2"',
    'externalId eq "e-2"',
    'externalId ne "E-2"',
    'not (externalId eq "E-2")',
    'not (displayName co "ali")',
    'displayName sw "AL" or externalId ew "2"',
    'emails.value eq "ALICE@work.example"',
    'emails[value sw "bob"]',
    'not (emails.value co "example")',
    'id eq "not-an-id"',
    'not (id eq "not-an-id")',
    "userName pr",
    "active eq true and title pr",
    'userName sw "" and displayName eq "Alice"',
    'meta.created ge "2000-01-01T00:00:00Z" and userName eq "alice"',
    'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "alice"',
]


@pytest.fixture
def users(directory: ScimClient) -> InMemoryStorage:
    """The users that the library's own tests search, in our storage and in its own."""
    reference = InMemoryStorage()
    kind = service().get_resource_type("User")
    for number, user in enumerate(SEARCH_USERS):
        rest = {key: value for key, value in user.items() if key != "userName"} | {"externalId": f"E-{number}"}
        made = directory.user(user["userName"], **rest)
        with service().provider:
            kept = {key: value for key, value in (user | rest).items() if value != ""}  # a blank is no value, to us
            reference.create(kind, ScimUserModel.model_validate(kept | {"active": made["active"]}))
    return reference


def expected(reference: InMemoryStorage, **query: Any) -> list[str]:
    with service().provider:
        request = parametrize(SearchRequest, ScimUserModel).model_validate(query)
        page = reference.search([service().get_resource_type("User")], request)
    return [str(user.user_name) for user in page.resources]  # type: ignore[attr-defined]  # a user


@pytest.mark.filterwarnings("ignore")
def test_filters_find_what_the_library_finds(directory: ScimClient, users: InMemoryStorage) -> None:
    names = {user["userName"] for user in SEARCH_USERS}
    for wanted in SEARCH_FILTERS + ALSO:
        matches = [name for name in directory.names_found("/Users", filter=wanted) if name in names]
        assert sorted(matches) == sorted(expected(users, filter=wanted)), wanted


def test_users_with_an_extension_are_found_by_its_schema(directory: ScimClient) -> None:
    extended = directory.user(**{ENTERPRISE: {"department": "Analysis"}})["userName"]
    directory.user()
    assert directory.names_found("/Users", filter=f'schemas eq "{ENTERPRISE}"') == [extended]
    assert len(directory.names_found("/Users", filter=f'schemas eq "{USER}"')) == 3


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_orders_are_the_librarys(directory: ScimClient, users: InMemoryStorage, order: str) -> None:
    name_filter = 'userName eq "alice" or userName eq "bob" or userName eq "carol" or userName eq "dave_%"'
    for by in [*SEARCH_SORTS, "externalId", "id"]:
        resources = directory.scim("GET", "/Users", filter=name_filter, sortBy=by, sortOrder=order).body["Resources"]
        keys = {str(user.user_name): user for user in users.resources}  # type: ignore[attr-defined]  # a user
        with service().provider:
            request = parametrize(SearchRequest, ScimUserModel).model_validate({"sort_by": by, "sort_order": order})
            values = [request.sort_value(keys[each["userName"]]) for each in resources]
        sort_values = [value for value in values if value is not None]
        if by not in ("id", "meta.created"):  # each storage has its own
            assert sort_values == sorted(sort_values, reverse=order == "descending"), by
            missing = [value is None for value in values]
            assert missing == sorted(missing, reverse=order == "descending"), by


def test_the_common_queries_of_identity_providers_walk_nothing(directory: ScimClient, users: InMemoryStorage) -> None:
    group = directory.group("Engineering")
    with patch.object(scim_search, "MOST_WALKED", 0):
        for path, wanted in (
            ("/Users", 'userName eq "alice"'),
            ("/Users", 'externalId eq "E-1"'),
            ("/Users", 'id eq "0"'),
            ("/Users", "active eq true"),
            ("/Users", 'displayName eq "Alice" and active eq true'),
            ("/Users", 'emails.value eq "alice@work.example"'),
            ("/Users", 'meta.lastModified gt "2026-01-01T00:00:00Z"'),
            ("/Groups", 'displayName eq "engineering"'),
            ("/Groups", 'externalId eq "g"'),
            ("/Groups", f'id eq "{group["id"]}" and members eq "x"'),
            ("/Groups", 'members.value eq "x"'),
        ):
            assert directory.scim("GET", path, filter=wanted).status == 200, wanted
        refused = directory.scim("GET", "/Users", filter='title co "o"')
        assert (refused.status, refused.body["scimType"]) == (400, "tooMany")


def test_pages(directory: ScimClient) -> None:
    names = {directory.user()["userName"] for _ in range(5)}
    everybody = directory.scim("GET", "/Users").body
    assert (everybody["totalResults"], everybody["itemsPerPage"], everybody["startIndex"]) == (6, 6, 1)
    seen: list[str] = []
    for start in (1, 3, 5, 7):
        page = directory.scim("GET", "/Users", startIndex=start, count=2).body
        assert page["totalResults"] == 6
        seen += [user["userName"] for user in page.get("Resources", [])]
    assert len(seen) == 6
    assert names < set(seen)
    assert directory.scim("GET", "/Users", count=0).body.get("Resources", []) == []
    assert directory.scim("GET", "/Users", startIndex=10**30).status in (200, 400)
    assert directory.scim("GET", "/Users", startIndex=-5, count=-1).body["startIndex"] == 1
    posted = directory.scim("POST", "/Users/.search", {"schemas": [SEARCH], "count": 1})
    assert (posted.body["totalResults"], posted.body["itemsPerPage"]) == (6, 1)


def test_both_types_at_once(directory: ScimClient) -> None:
    directory.user("zed", displayName="Alpha")
    directory.group("Alpha")
    wanted = {"schemas": [SEARCH], "filter": 'displayName eq "alpha"'}
    body = directory.scim("POST", "/.search", wanted).body
    assert (body["totalResults"], {each["meta"]["resourceType"] for each in body["Resources"]}) == (2, {"User", "Group"})
    page = directory.scim("POST", "/.search", wanted | {"startIndex": 2, "count": 5}).body
    assert [each["meta"]["resourceType"] for each in page["Resources"]] == ["Group"]
    by_name = directory.scim("POST", "/.search", wanted | {"sortBy": "displayName"}).body
    assert by_name["totalResults"] == 2


def test_attributes_are_chosen(directory: ScimClient) -> None:
    user = directory.user(displayName="Ada", title="Countess")
    directory.group("Engineering", user["id"])
    only = directory.scim("GET", f"/Users/{user['id']}", attributes="title").body
    assert (only["title"], "displayName" in only, only["id"]) == ("Countess", False, user["id"])
    without = directory.scim("GET", "/Groups", excludedAttributes="members").body["Resources"][0]
    assert "members" not in without
    assert "members" in directory.scim("GET", "/Groups").body["Resources"][0]
    assert list(directory.scim("GET", "/Groups", attributes="members.value").body["Resources"][0]["members"][0]) == ["value"]


def test_a_page_costs_the_same_with_few_rows_and_with_many(directory: ScimClient) -> None:
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            statements.append(statement)

    def cost(path: str) -> int:
        statements.clear()
        assert directory.scim("GET", path, count=100).status == 200
        return len(statements)

    event.listen(transactions.engine(), "before_cursor_execute", count)
    try:
        first = directory.user()["id"]
        directory.group("First", first)
        few = cost("/Users"), cost("/Groups")
        users = [directory.user()["id"] for _ in range(20)]
        for number in range(10):
            directory.group(f"Group {number}", *users)
        assert (cost("/Users"), cost("/Groups")) == few == (4, 4)
    finally:
        event.remove(transactions.engine(), "before_cursor_execute", count)


BAD_FILTERS = [
    "userName",
    "userName eq",
    'userName eq "a',
    "userName eq 1 or",
    'nothing eq "x"',
    "userName gt true",
    "active gt true",
    "'; DROP TABLE users; --",
    "not " * 2000 + "(userName pr)",
    'userName eq "a\x00b"',
]


@pytest.mark.parametrize("wanted", BAD_FILTERS, ids=range(len(BAD_FILTERS)))
def test_bad_filters_are_refused(directory: ScimClient, wanted: str) -> None:
    refused = directory.scim("POST", "/Users/.search", {"schemas": [SEARCH], "filter": wanted})
    assert refused.status == 400, refused.raw
    assert refused.body["scimType"] in ("invalidFilter", "invalidValue", "invalidSyntax")


def test_a_filter_without_end_is_refused(directory: ScimClient) -> None:
    for term, number in (("active eq true", 5000), ('title eq "x"', 5000), ('(userName eq "a" and active eq true)', 300)):
        wanted = {"schemas": [SEARCH], "filter": " or ".join([term] * number)}
        answer = directory.scim("POST", "/Users/.search", wanted)
        assert (answer.status, answer.body["scimType"]) == (400, "invalidFilter"), term


def test_a_bad_order_is_refused(directory: ScimClient) -> None:
    assert directory.scim("GET", "/Users", sortBy="nothing").status == 400
